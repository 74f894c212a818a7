//! The environment variables of a function.

use std::collections::BTreeMap;

use nephos_core::ports::Credentials;

use super::spec::FunctionSpec;

/// Where the Runtime API listens inside; the service's own address.
pub const RUNTIME_API: &str = "127.0.0.1:9001";
/// Where the platform listens inside.
pub const PLATFORM: &str = "127.0.0.1:4566";

/// What customers may not set.
const RESERVED: [&str; 22] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECRET_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_METADATA_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
];

/// Whether customers may not set `name`.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// All variables of an environment.
pub fn assemble(spec: &FunctionSpec, credentials: &Credentials, stream: &str) -> Vec<(String, String)> {
    let mut variables: BTreeMap<String, String> =
        overridable(spec).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    variables.extend(spec.version.environment.0.clone());
    variables
        .extend(fixed(spec, credentials, stream).into_iter().map(|(name, value)| (name.to_owned(), value)));
    variables.into_iter().collect()
}

fn overridable(spec: &FunctionSpec) -> Vec<(&'static str, String)> {
    let libraries =
        "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib";
    let mut variables = vec![
        ("AWS_ENDPOINT_URL", format!("http://{PLATFORM}")),
        ("AWS_LAMBDA_LOG_FORMAT", "Text".to_owned()),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("LD_LIBRARY_PATH", libraries.to_owned()),
        ("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ];
    if let Some(major) = spec.version.runtime.strip_prefix("nodejs").and_then(|rest| rest.strip_suffix(".x"))
    {
        let folders = format!(
            "/opt/nodejs/node{major}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task"
        );
        variables.push(("NODE_PATH", folders));
    }
    variables
}

fn fixed(spec: &FunctionSpec, credentials: &Credentials, stream: &str) -> Vec<(&'static str, String)> {
    let region = spec.function.owner.region.as_str().to_owned();
    let mut variables = vec![
        ("_HANDLER", spec.version.handler.clone()),
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id.clone()),
        ("AWS_DEFAULT_REGION", region.clone()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", spec.version.memory_mb.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", spec.function.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", spec.label()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", spec.log_group()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", stream.to_owned()),
        ("AWS_LAMBDA_RUNTIME_API", RUNTIME_API.to_owned()),
        ("AWS_REGION", region),
        ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.clone()),
        ("AWS_SESSION_TOKEN", credentials.session_token.clone()),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
        ("LAMBDA_TASK_ROOT", "/var/task".to_owned()),
    ];
    // The service does not set it for runtimes that customers bring.
    if !spec.version.runtime.starts_with("provided") {
        variables.push(("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", spec.version.runtime)));
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{credentials, spec};

    #[test]
    fn the_customer_overrides_what_may_be_overridden() {
        let mut spec = spec("python3.13");
        spec.version.environment.0.insert("TZ".into(), "Europe/Berlin".into());
        spec.version.environment.0.insert("AWS_REGION".into(), "elsewhere".into());
        spec.version.environment.0.insert("MINE".into(), "1".into());
        let variables: BTreeMap<String, String> = assemble(&spec, &credentials(), "s").into_iter().collect();
        assert_eq!(variables["TZ"], "Europe/Berlin");
        assert_eq!(variables["AWS_REGION"], "us-east-1");
        assert_eq!(variables["MINE"], "1");
        assert_eq!(variables["AWS_EXECUTION_ENV"], "AWS_Lambda_python3.13");
        assert_eq!(variables["AWS_ENDPOINT_URL"], "http://127.0.0.1:4566");
        assert!(!variables.contains_key("NODE_PATH"));
    }
}
