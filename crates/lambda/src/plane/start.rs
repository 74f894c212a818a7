//! Starting an environment: code, runtime, credentials, log, sandbox.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use nephos_core::ports::{AssumeRole, AssumedRole, LogTarget, WriteLogs};
use nephos_core::{Access, Arn, Cx, Timestamp, random};
use nephos_sandbox::{Mount, SandboxError, Spec};
use tokio::sync::OwnedSemaphorePermit;

use super::environment::{Environment, Parts};
use super::journal::{Journal, init_start};
use super::outcome::Failure;
use super::spec::FunctionSpec;
use super::{Plane, Pool, variables};
use crate::Error;
use crate::error::Throttle;
use crate::runtimes::Ready;

/// The service's principal.
pub const SERVICE: &str = "lambda.amazonaws.com";
/// How long a function's credentials live, in seconds.
const CREDENTIALS_SECONDS: u32 = 3600;
/// Credentials are not handed to a new environment when they end sooner than this.
const CREDENTIALS_AT_LEAST: Duration = Duration::from_secs(30 * 60);
/// The service gives a whole processor at this many megabytes. Here it gives a whole one to smaller functions, too.
const MB_PER_CPU: f64 = 1769.0;

/// Why there is no environment.
pub enum StartError {
    /// It is the function's own fault, as its caller gets to see and its log says.
    Function(Failure, Arc<Journal>),
    /// It is not.
    Platform(Error),
}

impl<E: Into<Error>> From<E> for StartError {
    fn from(error: E) -> Self {
        StartError::Platform(error.into())
    }
}

impl Plane {
    /// Starts an environment's program. Whether it comes to life is another question.
    pub(super) async fn start(
        &self,
        spec: &FunctionSpec,
        pool: &Pool,
        slot: OwnedSemaphorePermit,
    ) -> Result<(Environment, Instant), StartError> {
        let ready = self.runtimes.ready(&spec.version.runtime).await.map_err(gone)?;
        let folder = self.packages.folder(&spec.version.code).await?;
        let role = self.credentials(spec, pool).await?;
        let (stream, now) = (random::hex(&random::bytes::<16>()), self.deps.platform.clock.now());
        let stream = format!("{}/[{}]{stream}", date(now), spec.label());
        let journal = Arc::new(self.journal(spec, &role, &stream));
        journal.line(init_start(&spec.version, &runtime_arn(spec, &ready)));
        let at_fault = |failure| StartError::Function(failure, Arc::clone(&journal));
        let env = variables::assemble(spec, &role.credentials, &stream);
        let program = program(&ready, spec, &folder).map_err(at_fault)?;
        let sandbox_spec = sandbox_spec(spec, &ready, &folder, (program, env))?;
        let spawned = self.sandbox().await?.spawn(sandbox_spec).await;
        let sandbox = spawned.map_err(|error| match sandbox_error(error) {
            Ok(failure) => at_fault(failure),
            Err(error) => StartError::Platform(error),
        })?;
        let started = Instant::now();
        let endpoint = self.deps.endpoint.clone();
        let expires = role.credentials.expiration;
        Ok((Environment::new(Parts { sandbox, journal, slot, expires, endpoint })?, started))
    }

    async fn credentials(&self, spec: &FunctionSpec, pool: &Pool) -> Result<AssumedRole, Error> {
        let mut kept = pool.credentials.lock().await;
        let until = self.deps.platform.clock.now() + spec.timeout() + CREDENTIALS_AT_LEAST;
        if let Some(role) = kept.as_ref().filter(|role| role.credentials.expiration > until) {
            return Ok(role.clone());
        }
        let owner = &spec.function.owner;
        let cx = Cx::for_service(&self.deps.platform, SERVICE, owner.account, owner.region.clone());
        let cx = cx.as_service(SERVICE, &spec.function.arn().to_string());
        let request = AssumeRole {
            role_arn: spec.version.role.clone(),
            session_name: spec.function.name.clone(),
            duration_seconds: CREDENTIALS_SECONDS,
            session_policy: None,
            web_identity: None,
        };
        let role = self.deps.credentials.assume_role(&cx, request).await.map_err(|fault| {
            tracing::warn!(function = spec.function.name, %fault, "a function's role could not be assumed");
            Error::InvalidParameter(
                "The role defined for the function cannot be assumed by Lambda.".to_owned(),
            )
        })?;
        *kept = Some(role.clone());
        Ok(role)
    }

    fn journal(&self, spec: &FunctionSpec, role: &AssumedRole, stream: &str) -> Journal {
        let owner = &spec.function.owner;
        let target = LogTarget {
            account: owner.account,
            region: owner.region.clone(),
            group: spec.log_group(),
            stream: stream.to_owned(),
        };
        let allowed = !self.config.logs_need_permission || self.may_log(spec, role, &target);
        let logs: Option<Arc<dyn WriteLogs>> = allowed.then(|| Arc::clone(&self.deps.logs));
        Journal::new(target, logs, self.deps.platform.clock.clone())
    }

    /// As at AWS, a function's logs are kept only if its own role may write them.
    fn may_log(&self, spec: &FunctionSpec, role: &AssumedRole, target: &LogTarget) -> bool {
        let cx = Cx::for_service(&self.deps.platform, SERVICE, target.account, target.region.clone());
        let cx = cx.as_principal(role.principal.clone());
        let resource = format!("log-group:{}:log-stream:{}", target.group, target.stream);
        let arn = Arn::regional("logs", &target.region, target.account, resource);
        let allowed = ["logs:CreateLogStream", "logs:PutLogEvents"]
            .into_iter()
            .all(|action| cx.authorize(&Access::on(action, &arn)).is_ok());
        if !allowed {
            let (function, role) = (&spec.function.name, &spec.version.role);
            tracing::warn!(function, role, "the function's logs are not kept: its role may not write them");
        }
        allowed
    }
}

/// A runtime that was there when the function was made.
fn gone(error: Error) -> Error {
    match error {
        Error::InvalidParameter(text) => Error::InvalidRuntime(text),
        other => other,
    }
}

/// What the function itself is to blame for, or an error of ours.
fn sandbox_error(error: SandboxError) -> Result<Failure, Error> {
    match error {
        SandboxError::Exec { program, source } => Ok(Failure::Entrypoint {
            denied: source.kind() == std::io::ErrorKind::PermissionDenied,
            text: format!("fork/exec {program}: {}", exec_reason(&source)),
        }),
        SandboxError::TooMany { .. } => Err(Error::Throttled(Throttle::Host)),
        other => Err(Error::Internal(other.to_string())),
    }
}

/// The kernel's reasons, in the service's spelling.
fn exec_reason(error: &std::io::Error) -> String {
    match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::NOENT) => "no such file or directory".to_owned(),
        Some(rustix::io::Errno::ACCESS) => "permission denied".to_owned(),
        Some(rustix::io::Errno::NOEXEC) => "exec format error".to_owned(),
        _ => error.to_string(),
    }
}

fn date(now: Timestamp) -> String {
    now.iso8601()[..10].replace('-', "/")
}

/// Names the interpreter that is really run.
pub fn runtime_arn(spec: &FunctionSpec, ready: &Ready) -> String {
    let name =
        format!("{} {}", spec.version.runtime, ready.program.first().map(String::as_str).unwrap_or_default());
    let hash = random::hex(digest::digest(&digest::SHA256, name.as_bytes()).as_ref());
    format!("arn:aws:lambda:{}::runtime:{hash}", spec.function.owner.region)
}

fn sandbox_spec(
    spec: &FunctionSpec,
    ready: &Ready,
    folder: &Path,
    (mut program, env): (Vec<String>, Vec<(String, String)>),
) -> Result<Spec, Error> {
    let wrapper = env.iter().find(|(name, value)| name == "AWS_LAMBDA_EXEC_WRAPPER" && !value.is_empty());
    if let Some((_, wrapper)) = wrapper {
        program.insert(0, wrapper.clone());
    }
    let mut sandbox = Spec::new(program);
    sandbox.env = env;
    sandbox.cwd = "/var/task".to_owned();
    sandbox.mounts = vec![Mount { source: folder.to_owned(), target: "/var/task".to_owned() }];
    if let Some(runtime) = &ready.folder {
        sandbox.mounts.push(Mount { source: runtime.clone(), target: "/var/runtime".to_owned() });
    }
    if !ready.host_paths.is_empty() {
        sandbox.host_paths = ready.host_paths.clone();
    }
    sandbox.memory_bytes = u64::from(spec.version.memory_mb) << 20;
    sandbox.tmp_bytes = u64::from(spec.version.tmp_mb) << 20;
    sandbox.cpu_quota = (f64::from(spec.version.memory_mb) / MB_PER_CPU).max(1.0);
    sandbox.listen = Environment::addresses()?;
    Ok(sandbox)
}

/// The program and its arguments: the runtime's, or the one that a package brings.
fn program(ready: &Ready, spec: &FunctionSpec, folder: &Path) -> Result<Vec<String>, Failure> {
    if !ready.program.is_empty() {
        let mut program = ready.program.clone();
        program.splice(1..1, heap_limits(spec));
        return Ok(program);
    }
    if folder.join("bootstrap").is_file() {
        return Ok(vec!["/var/task/bootstrap".to_owned()]);
    }
    Err(Failure::Entrypoint {
        denied: false,
        text: "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]".to_owned(),
    })
}

/// Node.js sizes its heap by the host's memory unless it is told; what the customer says in `NODE_OPTIONS` goes first.
fn heap_limits(spec: &FunctionSpec) -> Vec<String> {
    let options = spec.version.environment.0.get("NODE_OPTIONS").map(String::as_str).unwrap_or_default();
    if !spec.version.runtime.starts_with("nodejs") || options.contains("old-space-size") {
        return Vec::new();
    }
    vec![format!("--max-old-space-size={}", spec.version.memory_mb * 9 / 10)]
}
