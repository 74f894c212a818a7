//! A running environment, as the server holds it.

use crate::link::Link;
use crate::protocol::{ExitReport, GroupView};
use rustix::process::{Signal, pidfd_send_signal};
use std::fmt;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use tokio::net::unix::pipe;
use tokio::sync::{OwnedSemaphorePermit, watch};

/// A running environment. Dropping it kills it and clears everything it had.
#[derive(Debug)]
pub struct Environment {
    /// The sockets of [`Spec::listen`](crate::Spec::listen), in that order, not blocking. They accept what
    /// connects inside the environment's own network, and nothing else can connect to them.
    pub listeners: Vec<TcpListener>,
    /// What the program writes to its standard output; take it to read it. It stays readable to the end of
    /// what was written when the environment is gone.
    pub stdout: Option<pipe::Receiver>,
    /// What the program writes to its standard error; take it to read it.
    pub stderr: Option<pipe::Receiver>,
    control: Control,
}

/// What it takes to steer an environment.
pub(crate) struct Control {
    pub(crate) id: u64,
    pub(crate) pid: u32,
    pub(crate) pidfd: OwnedFd,
    pub(crate) group: GroupView,
    pub(crate) exit: watch::Receiver<Option<ExitReport>>,
    pub(crate) link: Arc<Link>,
    pub(crate) _place: OwnedSemaphorePermit,
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
    /// The most memory that it used at a time, in bytes, where the host tells; at most its limit.
    pub memory_peak_bytes: Option<u64>,
}

impl Environment {
    pub(crate) fn new(
        control: Control,
        listeners: Vec<TcpListener>,
        stdout: pipe::Receiver,
        stderr: pipe::Receiver,
    ) -> Environment {
        Environment { listeners, stdout: Some(stdout), stderr: Some(stderr), control }
    }

    /// A number that is unique for this [`Sandbox`](crate::Sandbox).
    pub fn id(&self) -> u64 {
        self.control.id
    }

    /// The first process of the environment, as the host numbers it.
    pub fn pid(&self) -> u32 {
        self.control.pid
    }

    /// Waits until no process of the environment is left, and tells how it ended; answers at once, and the
    /// same, when it has ended already.
    pub async fn wait(&self) -> Exit {
        let mut exit = self.control.exit.clone();
        let report = exit.wait_for(Option::is_some).await.ok().and_then(|report| *report);
        // Without a report the helper is gone, and the environment with it.
        let report = report.unwrap_or(ExitReport { signal: Some(libc::SIGKILL), ..ExitReport::default() });
        Exit {
            code: report.code,
            signal: report.signal,
            oom_killed: report.oom_killed,
            memory_peak_bytes: report.memory_peak_bytes,
        }
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.control.has_ended()
    }

    /// Kills every process of the environment. Returns at once; [`wait`](Self::wait) tells when it is done.
    pub fn kill(&self) {
        self.control.kill();
    }

    /// Asks the program to end (SIGTERM).
    pub fn terminate(&self) {
        self.control.link.signal(self.control.id, libc::SIGTERM);
    }

    /// Stops every process of the environment where it stands.
    ///
    /// # Errors
    /// The environment has ended, or the kernel refused.
    pub fn freeze(&self) -> io::Result<()> {
        self.control.set_frozen(true)
    }

    /// Lets every process of the environment go on.
    ///
    /// # Errors
    /// The environment has ended, or the kernel refused.
    pub fn thaw(&self) -> io::Result<()> {
        self.control.set_frozen(false)
    }

    /// Changes the share of processor time, in cores; a program may be given more while it starts. Without a
    /// cpu limit on this host it does nothing.
    ///
    /// # Errors
    /// The environment has ended, or the kernel refused.
    pub fn set_cpu_quota(&self, cores: f64) -> io::Result<()> {
        self.control.group.cpu.as_ref().map_or(Ok(()), |cpu| cpu.limit(cores))
    }

    /// The most memory used at a time until now, in bytes, where the host tells. Unlike
    /// [`Exit::memory_peak_bytes`] it counts what lies in `/tmp`.
    pub fn memory_peak(&self) -> Option<u64> {
        read_number(self.control.group.memory_peak.as_deref())
    }

    /// The memory used now, in bytes, with what lies in `/tmp`, where the host tells.
    pub fn memory_current(&self) -> Option<u64> {
        read_number(self.control.group.memory_current.as_deref())
    }
}

impl Control {
    fn has_ended(&self) -> bool {
        self.exit.borrow().is_some() || self.exit.has_changed().is_err()
    }

    /// Directly, so that it works however busy the helper is.
    fn kill(&self) {
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        let _ = self.set_frozen(false);
    }

    fn set_frozen(&self, frozen: bool) -> io::Result<()> {
        if self.has_ended() {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        match &self.group.freezer {
            Some(freezer) if frozen => fs::write(&freezer.path, &freezer.freeze),
            Some(freezer) => fs::write(&freezer.path, &freezer.thaw),
            None => {
                self.link.signal(self.id, if frozen { libc::SIGSTOP } else { libc::SIGCONT });
                Ok(())
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.kill();
        }
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("id", &self.id).field("pid", &self.pid).finish_non_exhaustive()
    }
}

fn read_number(path: Option<&Path>) -> Option<u64> {
    fs::read_to_string(path?).ok()?.trim().parse().ok()
}
