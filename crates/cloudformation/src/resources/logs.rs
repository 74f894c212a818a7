//! `AWS::Logs::LogGroup`.

use nephos_core::{Arn, BoxFuture, Fault};
use nephos_logs::shapes::{self, op};

use super::{Call, Kind, Made, Making, gone, shape};

/// A log group.
pub struct LogGroup;

impl Kind for LogGroup {
    fn name(&self) -> &'static str {
        "AWS::Logs::LogGroup"
    }

    fn grammar(&self) -> &'static str {
        "LogGroupName, RetentionInDays, Tags[Key, Value]"
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Arn"]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["LogGroupName"]
    }

    fn create<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let name = call.name("LogGroupName", 512);
            let input = shapes::CreateLogGroupRequest {
                log_group_name: Some(name.clone()),
                tags: Some(call.tags().into_iter().collect())
                    .filter(|tags: &std::collections::BTreeMap<_, _>| !tags.is_empty()),
                ..Default::default()
            };
            call.invoke::<op::CreateLogGroup>(&call.services.logs, input).await?;
            let made = made(&call, name.clone());
            call.made_so_far(&made);
            retention(&call, &name).await?;
            Ok(made)
        })
    }

    fn update<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let name = call.physical_id();
            retention(&call, &name).await?;
            retag(&call, &name).await?;
            Ok(made(&call, name))
        })
    }

    fn delete<'a>(&self, call: Call<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let input = shapes::DeleteLogGroupRequest { log_group_name: Some(call.physical_id()) };
            gone(call.invoke::<op::DeleteLogGroup>(&call.services.logs, input).await)
        })
    }
}

/// Sets the tags that the properties name; removes those that they named before.
async fn retag(call: &Call<'_>, name: &str) -> Result<(), Fault> {
    if !call.changed("Tags") {
        return Ok(());
    }
    let arn = Arn::regional("logs", &call.cx.region, call.cx.account, format!("log-group:{name}"));
    let (resource_arn, (wanted, gone)) = (Some(arn.to_string()), call.tag_changes("Tags"));
    if !gone.is_empty() {
        let input = shapes::UntagResourceRequest { resource_arn: resource_arn.clone(), tag_keys: Some(gone) };
        call.invoke::<op::UntagResource>(&call.services.logs, input).await?;
    }
    if wanted.is_empty() {
        return Ok(());
    }
    let input = shapes::TagResourceRequest { resource_arn, tags: Some(wanted.into_iter().collect()) };
    call.invoke::<op::TagResource>(&call.services.logs, input).await.map(drop)
}

fn made(call: &Call<'_>, name: String) -> Made {
    let arn = Arn::regional("logs", &call.cx.region, call.cx.account, format!("log-group:{name}:*"));
    Made::new(name).with("Arn", arn.to_string())
}

async fn retention(call: &Call<'_>, name: &str) -> Result<(), Fault> {
    let logs = &call.services.logs;
    let log_group_name = Some(name.to_owned());
    match call.property("RetentionInDays") {
        Some(days) => {
            let input =
                shapes::PutRetentionPolicyRequest { log_group_name, retention_in_days: Some(shape(days)?) };
            call.invoke::<op::PutRetentionPolicy>(logs, input).await.map(drop)
        }
        None if call.made.is_some() && call.changed("RetentionInDays") => {
            let input = shapes::DeleteRetentionPolicyRequest { log_group_name };
            call.invoke::<op::DeleteRetentionPolicy>(logs, input).await.map(drop)
        }
        None => Ok(()),
    }
}
