//! What this host offers for isolation, what is degraded without it, and how to mend that.

use crate::{Config, Sandbox};
use serde::{Deserialize, Serialize};

/// What was found on this host; the helper finds it out by trying, not by guessing from versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Whether the helper runs as the host's root; otherwise it works in a user namespace of its own.
    pub root: bool,
    /// One entry a means of isolation, in a fixed order.
    pub features: Vec<Feature>,
}

/// One means of isolation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// Short stable name, such as `memory limit`.
    pub name: String,
    /// Whether it is there.
    pub status: Status,
    /// What was found, in words.
    pub detail: String,
    /// What an operator can do about it; empty if nothing is to be done.
    pub mend: String,
}

/// Whether a means of isolation is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// As promised.
    Available,
    /// Weaker than promised; used only where the operator accepts that.
    Degraded,
    /// Not there, and without it no function is run.
    Missing,
}

impl Capabilities {
    /// Whether functions can be run here at all.
    pub fn usable(&self) -> bool {
        self.features.iter().all(|feature| feature.status != Status::Missing)
    }

    /// Whether everything is as promised.
    pub fn complete(&self) -> bool {
        self.features.iter().all(|feature| feature.status == Status::Available)
    }

    /// What is weaker than promised, or missing.
    pub fn shortcomings(&self) -> impl Iterator<Item = &Feature> {
        self.features.iter().filter(|feature| feature.status != Status::Available)
    }
}

/// Starts a helper from the running binary, asks it what the host offers, and stops it.
///
/// The running binary's `main` must call [`run_if_helper`](crate::run_if_helper).
pub fn probe() -> Capabilities {
    match Sandbox::start(Config { accept_degraded: true, ..Config::default() }) {
        Ok(sandbox) => sandbox.capabilities().clone(),
        Err(error) => Capabilities {
            root: false,
            features: vec![Feature {
                name: "helper".into(),
                status: Status::Missing,
                detail: error.to_string(),
                mend: "see the error".into(),
            }],
        },
    }
}
