//! What is to be sent, to whom, how often; and what came of it.

use std::collections::BTreeMap;
use std::io::Read;

use serde::{Deserialize, Serialize};

/// One measurement.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// `127.0.0.1:4566`
    pub address: String,
    /// The server's process; its CPU time is counted with that of everything below it.
    pub pid: u32,
    /// As whom to sign; none sends as it is.
    pub sign: Option<Sign>,
    /// Clients at the same time, each with a connection of its own.
    pub connections: u32,
    /// How long to warm up, in seconds.
    pub warm_seconds: f64,
    /// How long to measure, in seconds.
    pub seconds: f64,
    /// The request.
    pub request: Template,
    /// The status that every answer must have.
    #[serde(default = "ok")]
    pub expect: u16,
    /// What every answer's body must hold.
    #[serde(default)]
    pub contains: String,
}

fn ok() -> u16 {
    200
}

/// As whom to sign.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
    pub region: String,
    pub service: String,
}

impl std::fmt::Debug for Sign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sign").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// A request in whose path and body `{n}` stands for a number that runs from zero to `span`, and `{u}` for one of sixteen
/// digits that no request had before, so that a write is never one of what is there already.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    pub method: String,
    pub path: String,
    #[serde(default)]
    pub query: String,
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: String,
    #[serde(default = "one")]
    pub span: u64,
}

fn one() -> u64 {
    1
}

impl Plan {
    /// Reads the one plan that there is.
    pub fn read(mut from: impl Read) -> Result<Plan, String> {
        let mut text = String::new();
        from.read_to_string(&mut text).map_err(|error| format!("the plan: {error}"))?;
        let plan: Plan = serde_json::from_str(&text).map_err(|error| format!("the plan: {error}"))?;
        if plan.connections == 0 || plan.connections > 1024 || plan.request.span == 0 {
            return Err("the plan: expected 1 to 1024 connections and a span of at least 1".to_owned());
        }
        Ok(plan)
    }
}

/// What came of it. Times are microseconds.
#[derive(Debug, Serialize)]
pub struct Outcome {
    pub operations: u64,
    pub seconds: f64,
    pub ops_per_second: f64,
    pub p50_us: f64,
    pub p90_us: f64,
    pub p99_us: f64,
    pub max_us: f64,
    /// Server CPU for one operation.
    pub server_cpu_us: f64,
    /// The generator's own CPU for one operation, for a sense of what it takes from the server.
    pub generator_cpu_us: f64,
    /// Connections that the server closed although it was asked to keep them.
    pub reconnects: u64,
}
