//! One version of a function, as the data plane runs it, and one invocation of it.

use std::time::Duration;

use bytes::Bytes;

use crate::names::FunctionId;
use crate::records::VersionRecord;

/// One version of a function.
#[derive(Debug, Clone)]
pub struct FunctionSpec {
    /// The function.
    pub function: FunctionId,
    /// The version.
    pub version: VersionRecord,
}

/// What environments are kept for: they end when the version changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PoolKey {
    /// The function.
    pub function: FunctionId,
    /// The version's number.
    pub number: u64,
    /// The version's revision.
    pub revision: String,
}

impl FunctionSpec {
    /// What its environments are kept for.
    pub fn pool_key(&self) -> PoolKey {
        PoolKey {
            function: self.function.clone(),
            number: self.version.number,
            revision: self.version.revision.clone(),
        }
    }

    /// How long an invocation may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.version.timeout))
    }

    /// The version as it is shown.
    pub fn label(&self) -> String {
        self.version.label()
    }

    /// The log group.
    pub fn log_group(&self) -> String {
        let usual = || format!("/aws/lambda/{}", self.function.name);
        self.version.log_group.clone().unwrap_or_else(usual)
    }
}

/// One invocation.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its id, which is the request's.
    pub request_id: String,
    /// The event.
    pub payload: Bytes,
    /// The function's ARN as it was called.
    pub invoked_arn: String,
    /// `Root=...;Parent=...;Sampled=...`.
    pub trace: String,
    /// What the calling application says of itself, as one line of JSON.
    pub client_context: Option<String>,
    /// Which Cognito identity calls, as one line of JSON.
    pub identity: Option<String>,
    /// Whether the answer carries the end of the log.
    pub wants_tail: bool,
}

impl Call {
    /// The head of the answer that delivers it.
    pub fn delivery_head(&self, deadline_millis: i64) -> String {
        use std::fmt::Write;
        let mut head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: {}\r\n\
             Lambda-Runtime-Deadline-Ms: {deadline_millis}\r\nLambda-Runtime-Invoked-Function-Arn: {}\r\n\
             Lambda-Runtime-Trace-Id: {}\r\n",
            self.request_id, self.invoked_arn, self.trace
        );
        let optional = [
            ("Lambda-Runtime-Client-Context", &self.client_context),
            ("Lambda-Runtime-Cognito-Identity", &self.identity),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                // Writing to a string can't fail.
                let _ = write!(head, "{name}: {value}\r\n");
            }
        }
        head
    }
}
