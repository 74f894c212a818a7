//! How an invocation ended, in the shapes that callers know.

use std::time::Duration;

use bytes::Bytes;
use nephos_sandbox::Exit;

use super::runtime_api::{MAX_RESPONSE_BYTES, ReportedError};

/// What came of an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The answer, or the error as JSON.
    pub payload: Bytes,
    /// The answer's type, where the runtime gave one.
    pub content_type: Option<String>,
    /// Whether the function failed.
    pub failed: bool,
    /// The end of the log, where it was asked for.
    pub log_tail: Option<String>,
}

impl Outcome {
    /// An answer.
    pub fn answer(payload: Bytes, content_type: Option<String>) -> Outcome {
        Outcome { payload, content_type, failed: false, log_tail: None }
    }

    /// An error that the runtime reported, passed on as it came.
    pub fn reported(error: ReportedError) -> Outcome {
        Outcome { payload: error.body, content_type: None, failed: true, log_tail: None }
    }

    fn error(error_type: &str, message: &str) -> Outcome {
        let payload = serde_json::json!({ "errorType": error_type, "errorMessage": message }).to_string();
        Outcome { payload: payload.into(), content_type: None, failed: true, log_tail: None }
    }
}

/// Why an environment can't go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The runtime said that there is nothing to invoke.
    Init(ReportedError),
    /// The runtime ended.
    Exit(Exit),
    /// The time was up.
    Timeout(Duration),
    /// There is no program to start.
    Entrypoint {
        /// Whether it is there but may not be executed.
        denied: bool,
        /// What happened.
        text: String,
    },
    /// The answer was too large; the environment itself is fine.
    TooLarge(usize),
}

impl Failure {
    /// The error's type.
    pub fn error_type(&self) -> &str {
        match self {
            Failure::Init(error) => &error.error_type,
            Failure::Exit(Exit { oom_killed: true, .. }) => "Runtime.OutOfMemory",
            Failure::Exit(_) => "Runtime.ExitError",
            Failure::Timeout(_) => "Sandbox.Timedout",
            Failure::Entrypoint { denied: true, .. } => "PermissionDenied",
            Failure::Entrypoint { denied: false, .. } => "Runtime.InvalidEntrypoint",
            Failure::TooLarge(_) => "Function.ResponseSizeTooLarge",
        }
    }

    /// What happened, in the service's words.
    pub fn message(&self, request_id: &str) -> String {
        let text = match self {
            Failure::Init(error) => String::from_utf8_lossy(&error.body).into_owned(),
            Failure::Exit(exit) => exit_text(exit),
            Failure::Timeout(limit) => timeout_text(*limit),
            Failure::Entrypoint { text, .. } => text.clone(),
            Failure::TooLarge(bytes) => {
                return format!(
                    "Response payload size ({bytes} bytes) exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} \
                     bytes)."
                );
            }
        };
        format!("RequestId: {request_id} Error: {text}")
    }

    /// What the caller gets.
    pub fn outcome(&self, request_id: &str) -> Outcome {
        match self {
            Failure::Init(error) => Outcome::reported(error.clone()),
            failure => Outcome::error(failure.error_type(), &failure.message(request_id)),
        }
    }

    /// The status of the report.
    pub fn status(&self) -> (&'static str, Option<&str>) {
        match self {
            Failure::Timeout(_) => ("timeout", None),
            failure => ("error", Some(failure.error_type())),
        }
    }
}

/// `Task timed out after 3.00 seconds`.
pub fn timeout_text(limit: Duration) -> String {
    format!("Task timed out after {:.2} seconds", limit.as_secs_f64())
}

fn exit_text(exit: &Exit) -> String {
    match (exit.code, exit.signal) {
        (Some(0), _) => "Runtime exited without providing a reason".to_owned(),
        (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
        (None, Some(signal)) => format!("Runtime exited with error: signal: {}", signal_name(signal)),
        (None, None) => "Runtime exited without providing a reason".to_owned(),
    }
}

/// Signals as the service's own supervisor spells them.
fn signal_name(signal: i32) -> String {
    match signal {
        1 => "hangup".to_owned(),
        2 => "interrupt".to_owned(),
        3 => "quit".to_owned(),
        4 => "illegal instruction".to_owned(),
        5 => "trace/breakpoint trap".to_owned(),
        6 => "aborted".to_owned(),
        7 => "bus error".to_owned(),
        8 => "floating point exception".to_owned(),
        9 => "killed".to_owned(),
        11 => "segmentation fault".to_owned(),
        13 => "broken pipe".to_owned(),
        14 => "alarm clock".to_owned(),
        15 => "terminated".to_owned(),
        31 => "bad system call".to_owned(),
        other => format!("signal {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(failure: Failure) -> serde_json::Value {
        let outcome = failure.outcome("id");
        assert!(outcome.failed);
        serde_json::from_slice(&outcome.payload).unwrap()
    }

    #[test]
    fn failures_have_the_services_shapes() {
        let exit = |code, signal, oom_killed| {
            Failure::Exit(Exit { code, signal, oom_killed, memory_peak_bytes: None })
        };
        for (failure, error_type, message) in [
            (exit(Some(1), None, false), "Runtime.ExitError", "Runtime exited with error: exit status 1"),
            (exit(Some(0), None, false), "Runtime.ExitError", "Runtime exited without providing a reason"),
            (exit(None, Some(9), true), "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"),
            (
                exit(None, Some(11), false),
                "Runtime.ExitError",
                "Runtime exited with error: signal: segmentation fault",
            ),
            (
                Failure::Timeout(Duration::from_secs(3)),
                "Sandbox.Timedout",
                "Task timed out after 3.00 seconds",
            ),
        ] {
            let payload = payload(failure);
            assert_eq!(payload["errorType"], error_type);
            assert_eq!(payload["errorMessage"], format!("RequestId: id Error: {message}"));
        }
        let large = payload(Failure::TooLarge(6_291_557));
        assert_eq!(
            large["errorMessage"],
            "Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes)."
        );
    }

    #[test]
    fn a_reported_error_is_passed_on() {
        let body = Bytes::from_static(b"{\"errorType\":\"Runtime.ImportModuleError\"}");
        let error = ReportedError { error_type: "Runtime.ImportModuleError".into(), body: body.clone() };
        assert_eq!(Failure::Init(error).outcome("id").payload, body);
    }
}
