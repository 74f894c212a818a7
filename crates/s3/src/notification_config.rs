//! PutBucketNotificationConfiguration and its Get.

use nephos_core::Cx;

use crate::S3;
use crate::error::Error;
use crate::notifications::{self, NotificationTarget};
use crate::shapes::{
    FilterRule, GetBucketNotificationConfigurationRequest, LambdaFunctionConfiguration,
    NotificationConfiguration, NotificationConfigurationFilter, PutBucketNotificationConfigurationRequest,
    S3KeyFilter, Unit,
};

fn target(given: LambdaFunctionConfiguration) -> Result<NotificationTarget, Error> {
    let rules = given.filter.and_then(|it| it.key).and_then(|it| it.filter_rules).unwrap_or_default();
    let rules = rules.into_iter().map(|it| (it.name.unwrap_or_default(), it.value.unwrap_or_default()));
    NotificationTarget::parse(
        given.id,
        given.lambda_function_arn.unwrap_or_default(),
        given.events.unwrap_or_default(),
        rules.collect(),
    )
}

fn shown(target: &NotificationTarget) -> LambdaFunctionConfiguration {
    let rule = |name: &str, value: &Option<String>| {
        let value = value.clone()?;
        Some(FilterRule { name: Some(name.to_owned()), value: Some(value) })
    };
    let rules: Vec<_> =
        [rule("Prefix", &target.prefix), rule("Suffix", &target.suffix)].into_iter().flatten().collect();
    let filter = (!rules.is_empty())
        .then_some(NotificationConfigurationFilter { key: Some(S3KeyFilter { filter_rules: Some(rules) }) });
    LambdaFunctionConfiguration {
        id: Some(target.id.clone()),
        lambda_function_arn: Some(target.function.clone()),
        events: Some(target.events.clone()),
        filter,
    }
}

/// Replaces the whole configuration.
pub async fn put_bucket_notification_configuration(
    s3: &S3,
    _: &Cx,
    input: PutBucketNotificationConfigurationRequest,
) -> Result<Unit, Error> {
    let given = input.notification_configuration.unwrap_or_default();
    let absent = [
        (given.queue_configurations.is_some_and(|it| !it.is_empty()), "notifications to queues"),
        (given.topic_configurations.is_some_and(|it| !it.is_empty()), "notifications to topics"),
        (given.event_bridge_configuration.is_some(), "notifications to EventBridge"),
    ];
    if let Some((_, what)) = absent.into_iter().find(|(asked, _)| *asked) {
        return Err(Error::NotImplemented(what.to_owned()));
    }
    let functions = given.lambda_function_configurations.unwrap_or_default();
    let targets = functions.into_iter().map(target).collect::<Result<Vec<_>, _>>()?;
    notifications::check(&targets)?;
    s3.change_bucket("s3 put notifications", &input.bucket.unwrap_or_default(), |bucket| {
        bucket.notifications = targets.clone();
        Ok(())
    })
    .await?;
    Ok(Unit::default())
}

/// The configuration; an empty one where there is none.
pub async fn get_bucket_notification_configuration(
    s3: &S3,
    _: &Cx,
    input: GetBucketNotificationConfigurationRequest,
) -> Result<NotificationConfiguration, Error> {
    let bucket = s3.bucket(&input.bucket.unwrap_or_default())?;
    let functions: Vec<_> = bucket.notifications.iter().map(shown).collect();
    Ok(NotificationConfiguration {
        lambda_function_configurations: (!functions.is_empty()).then_some(functions),
        ..NotificationConfiguration::default()
    })
}
