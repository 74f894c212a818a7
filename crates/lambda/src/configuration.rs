//! What a function may be configured to: checked once, then trusted.

use std::collections::BTreeMap;

use crate::records::{Variables, VersionRecord};
use crate::shapes::{
    CreateFunctionRequest, DeadLetterConfig, Environment, LoggingConfig, SnapStart,
    UpdateFunctionConfigurationRequest, VpcConfig,
};
use crate::{Error, plane};

const MAX_TIMEOUT: i32 = 900;
const MAX_MEMORY_MB: i32 = 10_240;
const MAX_ENVIRONMENT_BYTES: usize = 4 * 1024;

/// What CreateFunction and UpdateFunctionConfiguration have in common. Absent members leave things as they are.
#[derive(Default)]
pub struct Change {
    runtime: Option<String>,
    handler: Option<String>,
    role: Option<String>,
    description: Option<String>,
    timeout: Option<u32>,
    memory_mb: Option<u32>,
    tmp_mb: Option<u32>,
    environment: Option<Variables>,
    tracing: Option<String>,
    log_group: Option<String>,
}

/// Members that are refused unless they say nothing.
struct Refused<'a> {
    vpc: Option<&'a VpcConfig>,
    dead_letter: Option<&'a DeadLetterConfig>,
    kms_key: Option<&'a String>,
    layers: Option<&'a Vec<String>>,
    snap_start: Option<&'a SnapStart>,
    others: [(&'static str, bool); 5],
}

impl Refused<'_> {
    fn check(&self) -> Result<(), Error> {
        let vpc = self.vpc.is_some_and(|vpc| {
            !vpc.subnet_ids.as_deref().unwrap_or_default().is_empty()
                || !vpc.security_group_ids.as_deref().unwrap_or_default().is_empty()
        });
        let dead_letter = self.dead_letter.and_then(|config| config.target_arn.as_deref());
        let snap_start = self.snap_start.and_then(|snap| snap.apply_on.as_deref());
        let members = [
            ("VpcConfig", vpc),
            ("DeadLetterConfig", dead_letter.is_some_and(|arn| !arn.is_empty())),
            ("KMSKeyArn", self.kms_key.is_some_and(|arn| !arn.is_empty())),
            ("Layers", self.layers.is_some_and(|layers| !layers.is_empty())),
            ("SnapStart", snap_start.is_some_and(|apply| apply != "None")),
        ];
        let found = members.iter().chain(&self.others).find(|(_, given)| *given);
        found.map_or(Ok(()), |(member, _)| Err(Error::unsupported(member)))
    }
}

impl Change {
    /// Reads CreateFunction's members.
    pub fn of_creation(input: &CreateFunctionRequest) -> Result<Change, Error> {
        if input.package_type.as_deref() == Some("Image") {
            return Err(Error::unsupported("PackageType Image"));
        }
        if input.runtime.is_none() || input.handler.is_none() {
            return Err(Error::InvalidParameter(
                "Runtime and Handler are mandatory parameters for functions created with deployment packages."
                    .to_owned(),
            ));
        }
        let refused = Refused {
            vpc: input.vpc_config.as_ref(),
            dead_letter: input.dead_letter_config.as_ref(),
            kms_key: input.kms_key_arn.as_ref(),
            layers: input.layers.as_ref(),
            snap_start: input.snap_start.as_ref(),
            others: [
                (
                    "FileSystemConfigs",
                    input.file_system_configs.as_ref().is_some_and(|list| !list.is_empty()),
                ),
                ("CodeSigningConfigArn", input.code_signing_config_arn.is_some()),
                ("CapacityProviderConfig", input.capacity_provider_config.is_some()),
                ("DurableConfig", input.durable_config.is_some()),
                ("TenancyConfig", input.tenancy_config.is_some()),
            ],
        };
        refused.check()?;
        check_architectures(input.architectures.as_deref())?;
        Ok(Change {
            runtime: input.runtime.clone(),
            handler: input.handler.clone(),
            role: input.role.clone(),
            description: input.description.clone(),
            timeout: timeout(input.timeout)?,
            memory_mb: memory(input.memory_size)?,
            tmp_mb: tmp(input.ephemeral_storage.as_ref().and_then(|storage| storage.size)),
            environment: environment(input.environment.as_ref())?,
            tracing: input.tracing_config.as_ref().and_then(|tracing| tracing.mode.clone()),
            log_group: log_group(input.logging_config.as_ref())?,
        })
    }

    /// Reads UpdateFunctionConfiguration's members.
    pub fn of_update(input: &UpdateFunctionConfigurationRequest) -> Result<Change, Error> {
        let refused = Refused {
            vpc: input.vpc_config.as_ref(),
            dead_letter: input.dead_letter_config.as_ref(),
            kms_key: input.kms_key_arn.as_ref(),
            layers: input.layers.as_ref(),
            snap_start: input.snap_start.as_ref(),
            others: [
                (
                    "FileSystemConfigs",
                    input.file_system_configs.as_ref().is_some_and(|list| !list.is_empty()),
                ),
                ("ImageConfig", input.image_config.is_some()),
                ("CapacityProviderConfig", input.capacity_provider_config.is_some()),
                ("DurableConfig", input.durable_config.is_some()),
                ("TenancyConfig", false),
            ],
        };
        refused.check()?;
        Ok(Change {
            runtime: input.runtime.clone(),
            handler: input.handler.clone(),
            role: input.role.clone(),
            description: input.description.clone(),
            timeout: timeout(input.timeout)?,
            memory_mb: memory(input.memory_size)?,
            tmp_mb: tmp(input.ephemeral_storage.as_ref().and_then(|storage| storage.size)),
            environment: environment(input.environment.as_ref())?,
            tracing: input.tracing_config.as_ref().and_then(|tracing| tracing.mode.clone()),
            log_group: log_group(input.logging_config.as_ref())?,
        })
    }

    /// The role that is set, if one is.
    pub fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// The runtime that is set, if one is.
    pub fn runtime(&self) -> Option<&str> {
        self.runtime.as_deref()
    }

    /// Makes the change.
    pub fn apply(&self, version: &mut VersionRecord) {
        fn set<T: Clone>(place: &mut T, value: &Option<T>) {
            if let Some(value) = value {
                place.clone_from(value);
            }
        }
        set(&mut version.runtime, &self.runtime);
        set(&mut version.handler, &self.handler);
        set(&mut version.role, &self.role);
        set(&mut version.description, &self.description);
        set(&mut version.timeout, &self.timeout);
        set(&mut version.memory_mb, &self.memory_mb);
        set(&mut version.tmp_mb, &self.tmp_mb);
        set(&mut version.environment, &self.environment);
        set(&mut version.tracing, &self.tracing);
        if self.log_group.is_some() {
            version.log_group.clone_from(&self.log_group);
        }
    }
}

fn above(value: i32, member: &str, most: i32) -> Error {
    Error::Validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must have value \
         less than or equal to {most}"
    ))
}

fn timeout(seconds: Option<i32>) -> Result<Option<u32>, Error> {
    match seconds {
        Some(seconds) if seconds > MAX_TIMEOUT => Err(above(seconds, "timeout", MAX_TIMEOUT)),
        seconds => Ok(seconds.and_then(|seconds| u32::try_from(seconds).ok())),
    }
}

fn memory(megabytes: Option<i32>) -> Result<Option<u32>, Error> {
    match megabytes {
        Some(megabytes) if megabytes > MAX_MEMORY_MB => Err(above(megabytes, "memorySize", MAX_MEMORY_MB)),
        megabytes => Ok(megabytes.and_then(|megabytes| u32::try_from(megabytes).ok())),
    }
}

fn tmp(megabytes: Option<i32>) -> Option<u32> {
    megabytes.and_then(|megabytes| u32::try_from(megabytes).ok())
}

fn log_group(config: Option<&LoggingConfig>) -> Result<Option<String>, Error> {
    let Some(config) = config else { return Ok(None) };
    if config.log_format.as_deref() == Some("JSON") {
        return Err(Error::unsupported("LogFormat JSON"));
    }
    if config.application_log_level.is_some() || config.system_log_level.is_some() {
        return Err(Error::InvalidParameter(
            "Log levels can only be set when LogFormat is JSON, got LogFormat Text.".to_owned(),
        ));
    }
    Ok(config.log_group.clone())
}

fn environment(given: Option<&Environment>) -> Result<Option<Variables>, Error> {
    let Some(given) = given else { return Ok(None) };
    let variables = given.variables.clone().unwrap_or_default();
    let reserved: Vec<&str> =
        variables.keys().map(String::as_str).filter(|name| plane::is_reserved(name)).collect();
    if !reserved.is_empty() {
        return Err(Error::InvalidParameter(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have provided \
             contains reserved keys that are currently not supported for modification. Reserved keys used in this request: {}",
            reserved.join(", ")
        )));
    }
    let size = measured(&variables).len();
    if size > MAX_ENVIRONMENT_BYTES {
        // The service also quotes the variables, which are better not repeated.
        return Err(Error::InvalidParameter(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have provided \
             exceeded the 4KB limit. String measured: {size} bytes"
        )));
    }
    if let Some((name, _)) = variables.iter().find(|(_, value)| value.contains('\0')) {
        return Err(Error::InvalidParameter(format!(
            "The value of the environment variable {name} holds a NUL."
        )));
    }
    Ok(Some(Variables(variables)))
}

/// The service measures the variables as JSON.
fn measured(variables: &BTreeMap<String, String>) -> String {
    serde_json::to_string(variables).unwrap_or_default()
}

/// What this host runs.
pub fn host_architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

/// Checks that code of an architecture can run here; absent means the service's default, which is taken for the host's.
pub fn check_architectures(given: Option<&[String]>) -> Result<(), Error> {
    let host = host_architecture();
    match given.and_then(<[String]>::first) {
        Some(other) if other != host => Err(Error::InvalidParameter(format!(
            "This host runs functions of the architecture {host}, got {other}."
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn creation() -> CreateFunctionRequest {
        CreateFunctionRequest {
            runtime: Some("python3.13".into()),
            handler: Some("app.handler".into()),
            ..CreateFunctionRequest::default()
        }
    }

    fn refusal(change: impl FnOnce(&mut CreateFunctionRequest)) -> String {
        let mut input = creation();
        change(&mut input);
        Change::of_creation(&input).err().unwrap().to_string()
    }

    fn variables(pairs: &[(&str, &str)]) -> Option<Environment> {
        let map = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Some(Environment { variables: Some(map) })
    }

    #[test]
    fn limits_have_the_services_words() {
        assert!(
            refusal(|i| i.timeout = Some(901)).contains("'901' at 'timeout' failed to satisfy constraint")
        );
        assert!(refusal(|i| i.memory_size = Some(10_241)).contains("less than or equal to 10240"));
        assert!(
            refusal(|i| i.environment = variables(&[("AWS_REGION", "x")])).ends_with("request: AWS_REGION")
        );
        let long = "x".repeat(5000);
        let refused = refusal(|i| i.environment = variables(&[("SECRET", &long)]));
        assert!(refused.contains("exceeded the 4KB limit") && !refused.contains("xxx"));
        assert!(refusal(|i| i.handler = None).starts_with("Runtime and Handler are mandatory"));
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_by_name() {
        assert!(refusal(|i| i.layers = Some(vec!["arn".into()])).contains("Layers"));
        let subnets = VpcConfig { subnet_ids: Some(vec!["s".into()]), ..VpcConfig::default() };
        assert!(refusal(|i| i.vpc_config = Some(subnets)).contains("VpcConfig"));
        let other = if host_architecture() == "arm64" { "x86_64" } else { "arm64" };
        assert!(refusal(|i| i.architectures = Some(vec![other.into()])).contains(other));
        assert!(refusal(|i| i.package_type = Some("Image".into())).contains("Image"));
    }

    #[test]
    fn absent_members_leave_things_as_they_are() {
        let mut version = crate::testing::spec("python3.13").version;
        let before = version.clone();
        Change::default().apply(&mut version);
        assert_eq!(version, before);
        let update = UpdateFunctionConfigurationRequest { timeout: Some(9), ..Default::default() };
        Change::of_update(&update).unwrap().apply(&mut version);
        assert_eq!((version.timeout, &version.handler), (9, &before.handler));
    }
}
