//! What the server and the helper say to each other, and how: one JSON text a message, descriptors beside
//! it, over a socket pair that keeps message boundaries.
//!
//! Invariants: a message has at most [`MAX_MESSAGE_BYTES`] and [`MAX_DESCRIPTORS`]; whoever breaks that, or
//! sends what cannot be read, is treated as gone.

use crate::{Capabilities, Spec};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair, sockopt,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

/// The longest message, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 128 << 10;
/// The most descriptors beside one message.
pub const MAX_DESCRIPTORS: usize = 24;

/// What the server asks for.
#[derive(Serialize, Deserialize)]
pub enum Request {
    /// Make an environment; beside it go the writing ends of its standard output and error.
    Spawn {
        /// The server's number for it.
        id: u64,
        /// What it is to be.
        spec: Box<Spec>,
    },
    /// Send a signal to the program; SIGSTOP and SIGCONT go to every process of the environment.
    Signal {
        /// Which environment.
        id: u64,
        /// The signal's number.
        signal: i32,
    },
    /// Kill an environment, started or still starting.
    Kill {
        /// Which environment.
        id: u64,
    },
}

/// What the helper tells.
#[derive(Serialize, Deserialize)]
pub enum Event {
    /// The first message: what the host offers.
    Hello(Capabilities),
    /// The program was executed; beside it go a descriptor of the first process and the listening sockets.
    Started {
        /// Which environment.
        id: u64,
        /// Its first process, as the host numbers it.
        pid: u32,
        /// Where its figures are to be read and its freezing is to be done.
        group: GroupView,
    },
    /// The environment could not be made, and nothing of it is left.
    Failed {
        /// Which environment.
        id: u64,
        /// At which step.
        failure: Failure,
    },
    /// The environment has ended, and no process of it is left.
    Exited {
        /// Which environment.
        id: u64,
        /// How.
        exit: ExitReport,
    },
}

/// The control group files of an environment that the server itself reads and writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupView {
    /// The file that tells the memory in use.
    pub memory_current: Option<PathBuf>,
    /// The file that tells the most memory used.
    pub memory_peak: Option<PathBuf>,
    /// How to freeze.
    pub freezer: Option<FreezerView>,
    /// How to change the share of processor time.
    pub cpu: Option<CpuView>,
}

/// The file that limits an environment's processor time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuView {
    /// The file.
    pub path: PathBuf,
    /// Whether the period is written after the quota.
    pub with_period: bool,
}

impl CpuView {
    const PERIOD_MICROSECONDS: u32 = 100_000;
    /// The least that the kernel takes.
    const LEAST_MICROSECONDS: f64 = 1_000.0;

    /// Sets the share, in cores.
    pub fn limit(&self, cores: f64) -> io::Result<()> {
        let quota = (cores * f64::from(Self::PERIOD_MICROSECONDS)).max(Self::LEAST_MICROSECONDS) as u64;
        let period = if self.with_period { format!(" {}", Self::PERIOD_MICROSECONDS) } else { String::new() };
        std::fs::write(&self.path, format!("{quota}{period}"))
    }
}

/// The file that freezes an environment, and what to write to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezerView {
    /// The file.
    pub path: PathBuf,
    /// What freezes.
    pub freeze: String,
    /// What thaws.
    pub thaw: String,
}

/// A step that failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Failure {
    /// The step, in words; [`Failure::EXEC`] for the last one.
    pub step: String,
    /// The kernel's error number.
    pub errno: i32,
}

impl Failure {
    /// The step that executes the program.
    pub const EXEC: &str = "execute";

    /// What the kernel said, as an error.
    pub fn source(&self) -> io::Error {
        io::Error::from_raw_os_error(self.errno)
    }
}

/// Names the step that an error belongs to.
pub trait Step<T> {
    /// Turns the error into a [`Failure`] of that step.
    fn step(self, step: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> Step<T> for Result<T, E> {
    fn step(self, step: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| {
            let errno = error.into().raw_os_error().unwrap_or(Errno::IO.raw_os_error());
            Failure { step: step.into(), errno }
        })
    }
}

/// How an environment ended, as the helper knows it.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct ExitReport {
    /// The program's exit status.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether it went over its memory.
    pub oom_killed: bool,
    /// The most memory it used, in bytes.
    pub memory_peak_bytes: Option<u64>,
}

/// One end of the socket pair.
#[derive(Debug)]
pub struct Channel {
    socket: OwnedFd,
}

impl Channel {
    /// Both ends of a new pair.
    pub fn pair() -> io::Result<(Channel, Channel)> {
        let (one, other) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        for socket in [&one, &other] {
            sockopt::set_socket_send_buffer_size(socket, 2 * MAX_MESSAGE_BYTES)?;
        }
        Ok((Channel { socket: one }, Channel { socket: other }))
    }

    /// Wraps an end that was inherited.
    pub fn from_socket(socket: OwnedFd) -> Channel {
        Channel { socket }
    }

    /// Gives the end up, to be inherited.
    pub fn into_socket(self) -> OwnedFd {
        self.socket
    }

    /// Sends one message; waits while the other side's queue is full.
    pub fn send<M: Serialize>(&self, message: &M, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let text = serde_json::to_vec(message)?;
        if text.len() > MAX_MESSAGE_BYTES || descriptors.len() > MAX_DESCRIPTORS {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("expected a message of up to {MAX_MESSAGE_BYTES} bytes, got {}", text.len()),
            ));
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut beside = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        loop {
            match sendmsg(&self.socket, &[IoSlice::new(&text)], &mut beside, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                sent => return sent.map(drop).map_err(Into::into),
            }
        }
    }

    /// Receives one message; `None` once the other side is gone. Waits for one.
    pub fn receive<M: DeserializeOwned>(&self) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
        let mut text = vec![0; MAX_MESSAGE_BYTES];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let received = loop {
            let mut parts = [IoSliceMut::new(&mut text)];
            match recvmsg(&self.socket, &mut parts, &mut beside, RecvFlags::CMSG_CLOEXEC) {
                Err(Errno::INTR) => {}
                Err(Errno::CONNRESET) => return Ok(None),
                received => break received?,
            }
        };
        if received.bytes == 0 {
            return Ok(None);
        }
        if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(io::Error::other("expected a whole message, got a part of one"));
        }
        let descriptors = beside
            .drain()
            .flat_map(|message| match message {
                RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect::<Vec<_>>(),
                _ => Vec::new(),
            })
            .collect();
        Ok(Some((serde_json::from_slice(&text[..received.bytes])?, descriptors)))
    }

    /// Ends the conversation for both sides; who waits in [`receive`](Self::receive) is woken.
    pub fn close(&self) {
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
