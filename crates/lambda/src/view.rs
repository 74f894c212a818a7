//! Stored versions in the shape of answers.

use nephos_core::Timestamp;

use crate::names::FunctionId;
use crate::records::VersionRecord;
use crate::shapes::{
    EnvironmentResponse, EphemeralStorage, FunctionConfiguration, LoggingConfig, SnapStartResponse,
    TracingConfigResponse,
};

/// A version as FunctionConfiguration, under the ARN with `qualifier` behind it.
pub fn configuration(
    function: &FunctionId,
    version: &VersionRecord,
    qualifier: Option<&str>,
) -> FunctionConfiguration {
    let int = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let environment = (!version.environment.0.is_empty())
        .then(|| EnvironmentResponse { variables: Some(version.environment.0.clone()), error: None });
    FunctionConfiguration {
        function_name: Some(function.name.clone()),
        function_arn: Some(function.qualified_arn(qualifier).to_string()),
        runtime: Some(version.runtime.clone()),
        role: Some(version.role.clone()),
        handler: Some(version.handler.clone()),
        code_size: Some(i64::try_from(version.code.size).unwrap_or(i64::MAX)),
        description: Some(version.description.clone()),
        timeout: Some(int(version.timeout)),
        memory_size: Some(int(version.memory_mb)),
        last_modified: Some(modified(version.modified_millis)),
        code_sha256: Some(version.code.sha256.clone()),
        version: Some(version.label()),
        environment,
        tracing_config: Some(TracingConfigResponse { mode: Some(version.tracing.clone()) }),
        revision_id: Some(version.revision.clone()),
        state: Some("Active".to_owned()),
        last_update_status: Some("Successful".to_owned()),
        package_type: Some("Zip".to_owned()),
        architectures: Some(vec![version.architecture.clone()]),
        ephemeral_storage: Some(EphemeralStorage { size: Some(int(version.tmp_mb)) }),
        snap_start: Some(SnapStartResponse {
            apply_on: Some("None".to_owned()),
            optimization_status: Some("Off".to_owned()),
        }),
        logging_config: Some(LoggingConfig {
            log_format: Some("Text".to_owned()),
            log_group: Some(
                version.log_group.clone().unwrap_or_else(|| format!("/aws/lambda/{}", function.name)),
            ),
            ..LoggingConfig::default()
        }),
        ..FunctionConfiguration::default()
    }
}

/// `2026-11-22T12:34:56.789+0000`.
pub fn modified(millis: i64) -> String {
    Timestamp::from_millis(millis).iso8601_millis().replace('Z', "+0000")
}
