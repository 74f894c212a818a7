//! `AWS::DynamoDB::Table`.

use nephos_core::{BoxFuture, Fault};
use nephos_dynamodb::shapes::{self, op};
use serde_json::{Value, json};

use super::{Call, Kind, Made, Making, gone, shape, text};

/// A table.
pub struct Table;

impl Kind for Table {
    fn name(&self) -> &'static str {
        "AWS::DynamoDB::Table"
    }

    fn grammar(&self) -> &'static str {
        "AttributeDefinitions[AttributeName, AttributeType], BillingMode, DeletionProtectionEnabled,
         GlobalSecondaryIndexes[IndexName, KeySchema[AttributeName, KeyType], Projection{NonKeyAttributes, ProjectionType},
           ProvisionedThroughput{ReadCapacityUnits, WriteCapacityUnits}],
         KeySchema[AttributeName, KeyType],
         LocalSecondaryIndexes[IndexName, KeySchema[AttributeName, KeyType], Projection{NonKeyAttributes, ProjectionType}],
         ProvisionedThroughput{ReadCapacityUnits, WriteCapacityUnits}, TableName, Tags[Key, Value],
         TimeToLiveSpecification{AttributeName, Enabled}"
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Arn"]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["AttributeDefinitions", "GlobalSecondaryIndexes", "KeySchema", "LocalSecondaryIndexes", "TableName"]
    }

    fn create<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let name = call.name("TableName", 255);
            let mut plain = call.properties.clone();
            plain["TableName"] = json!(name);
            if let Value::Object(map) = &mut plain {
                map.remove("TimeToLiveSpecification");
            }
            let input: shapes::CreateTableInput = shape(&plain)?;
            let output = call.invoke::<op::CreateTable>(&call.services.dynamodb, input).await?;
            let arn = output.table_description.and_then(|table| table.table_arn).unwrap_or_default();
            let made = Made::new(name.clone()).with("Arn", arn);
            call.made_so_far(&made);
            time_to_live(&call, &name).await?;
            Ok(made)
        })
    }

    fn update<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let name = call.physical_id();
            let changing = ["BillingMode", "DeletionProtectionEnabled", "ProvisionedThroughput"];
            let mut plain = json!({ "TableName": name });
            for property in changing.into_iter().filter(|property| call.changed(property)) {
                if let Some(value) = call.property(property) {
                    plain[property] = value.clone();
                } else if property == "DeletionProtectionEnabled" {
                    plain[property] = json!(false);
                } else if property == "BillingMode" {
                    plain[property] = json!("PROVISIONED");
                }
            }
            if plain.as_object().is_some_and(|map| map.len() > 1) {
                let input: shapes::UpdateTableInput = shape(&plain)?;
                call.invoke::<op::UpdateTable>(&call.services.dynamodb, input).await?;
            }
            time_to_live(&call, &name).await?;
            retag(&call).await?;
            Ok(call.made.cloned().unwrap_or_default())
        })
    }

    fn delete<'a>(&self, call: Call<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let input: shapes::DeleteTableInput = shape(&json!({ "TableName": call.physical_id() }))?;
            gone(call.invoke::<op::DeleteTable>(&call.services.dynamodb, input).await)
        })
    }
}

/// Sets the tags that the properties name; removes those that they named before.
async fn retag(call: &Call<'_>) -> Result<(), Fault> {
    if !call.changed("Tags") {
        return Ok(());
    }
    let resource_arn = call.made.and_then(|made| made.attributes.get("Arn")).and_then(text);
    let (wanted, gone) = call.tag_changes("Tags");
    if !gone.is_empty() {
        let input = shapes::UntagResourceInput { resource_arn: resource_arn.clone(), tag_keys: Some(gone) };
        call.invoke::<op::UntagResource>(&call.services.dynamodb, input).await?;
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let tags = wanted.into_iter().map(|(key, value)| shapes::Tag { key: Some(key), value: Some(value) });
    let input = shapes::TagResourceInput { resource_arn, tags: Some(tags.collect()) };
    call.invoke::<op::TagResource>(&call.services.dynamodb, input).await.map(drop)
}

async fn time_to_live(call: &Call<'_>, name: &str) -> Result<(), Fault> {
    let property = "TimeToLiveSpecification";
    if !call.changed(property) {
        return Ok(());
    }
    let former = call.previous.and_then(|previous| previous.get(property)).filter(|_| call.made.is_some());
    let specification = match (call.property(property), former) {
        (Some(specification), _) => specification.clone(),
        // Taken out of the template: switched off.
        (None, Some(former)) => json!({ "AttributeName": former["AttributeName"], "Enabled": false }),
        (None, None) => return Ok(()),
    };
    let plain = json!({ "TableName": name, "TimeToLiveSpecification": specification });
    let input: shapes::UpdateTimeToLiveInput = shape(&plain)?;
    call.invoke::<op::UpdateTimeToLive>(&call.services.dynamodb, input).await.map(drop)
}
