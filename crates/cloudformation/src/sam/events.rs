//! `Events` of a serverless function. An S3 event is a permission for the bucket to call the function, and a
//! notification of the bucket.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::invalid;
use crate::error::Error;
use crate::template::Resource;

/// The notifications that buckets of this template get.
#[derive(Default)]
pub struct Notifications {
    by_bucket: BTreeMap<String, Vec<(String, Value)>>,
}

impl Notifications {
    /// Takes one event; gives the permission that it needs.
    pub fn add(
        &mut self,
        function: &str,
        event: &str,
        definition: &Value,
    ) -> Result<(String, Resource), Error> {
        let kind = definition["Type"].as_str().unwrap_or_default();
        if kind != "S3" {
            return Err(invalid(
                function,
                &format!("Event with id [{event}] is invalid. Nephos does not handle events of type {kind}"),
            ));
        }
        let properties = &definition["Properties"];
        let bucket = properties["Bucket"]["Ref"].as_str().ok_or_else(|| {
            invalid(function, &format!("Event with id [{event}] is invalid. S3 events must reference an S3 bucket in the same template."))
        })?;
        let known = ["Bucket", "Events", "Filter"];
        let given = properties.as_object().into_iter().flat_map(|map| map.keys());
        if let Some(unknown) = given.into_iter().find(|key| !known.contains(&key.as_str())) {
            return Err(invalid(
                function,
                &format!("Event with id [{event}] is invalid. property {unknown} is not handled"),
            ));
        }
        let kinds: Vec<&Value> = match &properties["Events"] {
            Value::Array(many) => many.iter().collect(),
            one => vec![one],
        };
        let permission = format!("{function}{event}Permission");
        for kind in kinds {
            let mut configuration = json!({ "Event": kind, "Function": { "Fn::GetAtt": [function, "Arn"] } });
            if let Some(filter) = properties.get("Filter") {
                configuration["Filter"] = filter.clone();
            }
            self.by_bucket.entry(bucket.to_owned()).or_default().push((permission.clone(), configuration));
        }
        let resource = Resource {
            kind: "AWS::Lambda::Permission".to_owned(),
            properties: json!({
                "Action": "lambda:InvokeFunction",
                "FunctionName": { "Ref": function },
                "Principal": "s3.amazonaws.com",
                "SourceAccount": { "Ref": "AWS::AccountId" },
            }),
            ..Resource::default()
        };
        Ok((permission, resource))
    }

    /// Puts the notifications into their buckets, which then wait for the permissions.
    pub fn apply(self, resources: &mut BTreeMap<String, Resource>) -> Result<(), Error> {
        for (bucket, configurations) in self.by_bucket {
            let resource = resources.get_mut(&bucket).filter(|resource| resource.kind == "AWS::S3::Bucket");
            let resource = resource.ok_or_else(|| {
                invalid(&bucket, "S3 events must reference an S3 bucket in the same template.")
            })?;
            let given = resource.properties.get("NotificationConfiguration");
            if given.is_some_and(|given| !given.is_object()) {
                return Err(invalid(&bucket, "NotificationConfiguration must be a map"));
            }
            let mut lambda = resource.properties["NotificationConfiguration"]["LambdaConfigurations"].take();
            if !lambda.is_array() {
                lambda = json!([]);
            }
            for (permission, configuration) in configurations {
                if let Value::Array(list) = &mut lambda {
                    list.push(configuration);
                }
                resource.depends_on.push(permission);
            }
            resource.properties["NotificationConfiguration"]["LambdaConfigurations"] = lambda;
        }
        Ok(())
    }
}
