//! Linux isolation of a function's process.
//!
//! A [`Sandbox`] starts a small single-threaded helper process; the helper makes one isolated
//! [`Environment`] per [`Spec`]: own user, mount, pid, network, ipc, uts and cgroup namespaces, a
//! read-only root put together from bind mounts, bounded memory, processes, cpu and `/tmp`, no
//! capabilities, a seccomp filter and landlock. It knows nothing of any cloud's control plane.
//!
//! Invariants:
//! - Only this crate of the workspace holds `unsafe`, in the modules that say so.
//! - A server never forks itself: every process is made by the helper, which has one thread.
//! - Nothing outlives its owner: when an `Environment` is dropped, when the helper dies, or when the
//!   server is killed, its processes, mounts, namespaces and cgroups are gone.
//! - What the host cannot give is refused, unless [`Config::accept_degraded`] says otherwise.
//!
//! Reading order: [`Spec`], `sandbox`, `link`, `protocol`, `helper`; then `helper/environment`,
//! `helper/init` and `helper/program`, which are the life of one environment from outside to inside.

use std::io::Write;

mod capabilities;
mod environment;
mod error;
mod helper;
mod link;
mod protocol;
mod sandbox;
mod spec;
mod sys;

pub use capabilities::{Capabilities, Feature, Status, probe};
pub use environment::{Environment, Exit};
pub use error::SandboxError;
pub use sandbox::Sandbox;
pub use spec::{Config, INSIDE_GID, INSIDE_UID, Mount, Spec};

/// The hidden first argument that turns the binary into the helper.
pub const HELPER_ARGUMENT: &str = "sandbox-helper";

/// Becomes the helper, and never returns, if the first argument is [`HELPER_ARGUMENT`].
///
/// Call it first thing in `main`, before any thread exists: the helper unshares namespaces and forks,
/// which only a process with one thread may do.
pub fn run_if_helper() {
    if std::env::args_os().nth(1).is_none_or(|argument| argument != HELPER_ARGUMENT) {
        return;
    }
    let code = match helper::main() {
        Ok(()) => 0,
        Err(error) => {
            // No log is set up here: standard error is the server's own.
            let _ = writeln!(std::io::stderr(), "the sandbox helper cannot run: {error}");
            1
        }
    };
    std::process::exit(code);
}
