//! `AWS::DynamoDB::Table`.

use nephos_core::{BoxFuture, Fault};
use nephos_dynamodb::shapes::{self, op};
use serde_json::{Value, json};

use super::{Call, Kind, Made, Making, gone, shape};

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
        &[
            "AttributeDefinitions",
            "GlobalSecondaryIndexes",
            "KeySchema",
            "LocalSecondaryIndexes",
            "TableName",
            "Tags",
        ]
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
            time_to_live(&call, &name).await?;
            let arn = output.table_description.and_then(|table| table.table_arn).unwrap_or_default();
            Ok(Made::new(name).with("Arn", arn))
        })
    }

    fn update<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let name = call.physical_id();
            let changing = ["BillingMode", "DeletionProtectionEnabled", "ProvisionedThroughput"];
            let mut plain = json!({ "TableName": name });
            for property in changing.into_iter().filter(|property| call.changed(property)) {
                plain[property] = call.property(property).cloned().unwrap_or_default();
            }
            if plain.as_object().is_some_and(|map| map.len() > 1) {
                let input: shapes::UpdateTableInput = shape(&plain)?;
                call.invoke::<op::UpdateTable>(&call.services.dynamodb, input).await?;
            }
            time_to_live(&call, &name).await?;
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

async fn time_to_live(call: &Call<'_>, name: &str) -> Result<(), Fault> {
    let Some(specification) = call.property("TimeToLiveSpecification") else { return Ok(()) };
    if !call.changed("TimeToLiveSpecification") {
        return Ok(());
    }
    let plain = json!({ "TableName": name, "TimeToLiveSpecification": specification });
    let input: shapes::UpdateTimeToLiveInput = shape(&plain)?;
    call.invoke::<op::UpdateTimeToLive>(&call.services.dynamodb, input).await.map(drop)
}
