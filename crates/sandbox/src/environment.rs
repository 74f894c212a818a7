//! A running environment, as the server holds it.

use std::net::TcpListener;
use tokio::net::unix::pipe;

/// A running environment. Dropping it kills it and clears everything it had.
#[derive(Debug)]
pub struct Environment {
    /// The sockets of [`Spec::listen`](crate::Spec::listen), in that order, not blocking. They accept what
    /// connects inside the environment's own network, and nothing else can connect to them.
    pub listeners: Vec<TcpListener>,
    /// What the program writes to its standard output; take it to read it.
    pub stdout: Option<pipe::Receiver>,
    /// What the program writes to its standard error; take it to read it.
    pub stderr: Option<pipe::Receiver>,
    id: u64,
}

/// How an environment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// The program's exit status, if it exited by itself.
    pub code: Option<i32>,
    /// The signal that ended it, otherwise.
    pub signal: Option<i32>,
    /// Whether it ended because it went over its memory.
    pub oom_killed: bool,
    /// The most memory that it used at a time, in bytes, where the host tells.
    pub memory_peak_bytes: Option<u64>,
}

impl Environment {
    /// A number that is unique for this [`Sandbox`](crate::Sandbox).
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The first process of the environment, as the host numbers it.
    pub fn pid(&self) -> u32 {
        0
    }

    /// Waits for the end; answers at once, and the same, when it has ended already.
    pub async fn wait(&self) -> Exit {
        std::future::pending().await
    }

    /// Kills every process of the environment. Returns at once; [`wait`](Self::wait) tells when it is done.
    pub fn kill(&self) {}

    /// Asks the program to end (SIGTERM).
    pub fn terminate(&self) {}

    /// Stops every process of the environment where it stands.
    ///
    /// # Errors
    /// The environment has ended, or the kernel refused.
    pub fn freeze(&self) -> std::io::Result<()> {
        Ok(())
    }

    /// Lets every process of the environment go on.
    ///
    /// # Errors
    /// The environment has ended, or the kernel refused.
    pub fn thaw(&self) -> std::io::Result<()> {
        Ok(())
    }

    /// The most memory used at a time until now, in bytes, where the host tells.
    pub fn memory_peak(&self) -> Option<u64> {
        None
    }

    /// The memory used now, in bytes, where the host tells.
    pub fn memory_current(&self) -> Option<u64> {
        None
    }
}
