//! `AWS::Serverless::SimpleTable`: a table with one key.

use serde_json::json;

use super::invalid;
use crate::error::Error;
use crate::template::Resource;

/// The plain table.
pub fn simple(name: &str, resource: Resource) -> Result<Resource, Error> {
    let given = resource.properties.as_object().cloned().unwrap_or_default();
    let known = ["PrimaryKey", "ProvisionedThroughput", "TableName"];
    if let Some(unknown) = given.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(invalid(
            name,
            &format!("property {unknown} not handled for resource of type AWS::Serverless::SimpleTable"),
        ));
    }
    let (attribute, kind) = match given.get("PrimaryKey") {
        None => (json!("id"), "S"),
        Some(key) => (key["Name"].clone(), letter(name, key["Type"].as_str().unwrap_or("String"))?),
    };
    let mut properties = json!({
        "AttributeDefinitions": [{ "AttributeName": attribute, "AttributeType": kind }],
        "KeySchema": [{ "AttributeName": attribute, "KeyType": "HASH" }],
    });
    match given.get("ProvisionedThroughput") {
        Some(throughput) => properties["ProvisionedThroughput"] = throughput.clone(),
        None => properties["BillingMode"] = json!("PAY_PER_REQUEST"),
    }
    if let Some(table) = given.get("TableName") {
        properties["TableName"] = table.clone();
    }
    Ok(Resource { kind: "AWS::DynamoDB::Table".to_owned(), properties, ..resource })
}

fn letter(name: &str, kind: &str) -> Result<&'static str, Error> {
    match kind {
        "String" => Ok("S"),
        "Number" => Ok("N"),
        "Binary" => Ok("B"),
        other => Err(invalid(
            name,
            &format!("'{other}' is not a valid type of a primary key: String, Number or Binary"),
        )),
    }
}
