//! What can go wrong on the way to a running environment.

use std::io;

/// Why an environment, or the helper that makes them, could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The specification itself is wrong: nothing was started.
    #[error("invalid sandbox specification: {0}")]
    InvalidSpec(String),
    /// The host lacks something without which there is no isolation, or which the configuration does
    /// not allow to be degraded.
    #[error("this host cannot isolate functions: {missing}; {mend}")]
    Unsupported {
        /// What is missing, in words.
        missing: String,
        /// What an operator can do about it.
        mend: String,
    },
    /// The helper process could not be started or is gone.
    #[error("the sandbox helper is not there: {0}")]
    Helper(#[source] io::Error),
    /// A step of the set-up failed; the environment is gone.
    #[error("sandbox set-up failed at {step}: {source}")]
    Setup {
        /// The step, such as `bind /var/task`.
        step: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The program could not be executed inside; the environment is gone.
    #[error("cannot execute {program}: {source}")]
    Exec {
        /// The first word of [`Spec::program`](crate::Spec::program).
        program: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// As many environments run as [`Config::max_environments`](crate::Config::max_environments) allows.
    #[error("{limit} environments run already, which is the limit")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}
