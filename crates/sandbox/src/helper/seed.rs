//! First processes made ahead: already in their namespaces and control groups, waiting for what they are to be.
//!
//! Entering a control group makes the kernel wait for every processor to pass through a quiet state, which
//! takes tens of milliseconds on an idle host, and only a fork inherits membership without that. So the wait
//! is done by a process that nobody waits for yet.

use super::Host;
use super::cgroup::Group;
use super::init;
use crate::protocol::{Channel, Failure, Step};
use crate::sys::{self, Forked};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid};
use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};

/// How many wait ready; each is a process of some hundred kilobytes.
const AHEAD: usize = 4;

/// A first process, with what the helper holds of it.
pub struct Seed {
    /// The process, as the helper counts.
    pub pid: Pid,
    /// Readable once every process of its namespace has ended.
    pub pidfd: OwnedFd,
    /// The way to it.
    pub channel: Channel,
    /// Its control groups.
    pub group: Group,
}

/// The first processes that wait.
#[derive(Default)]
pub struct Seeds {
    ready: VecDeque<Seed>,
    count: u64,
}

impl Host {
    /// A first process: the one that has waited longest, or else a new one.
    pub fn take_seed(&mut self) -> Result<Seed, Failure> {
        while let Some(seed) = self.seeds.ready.pop_front() {
            if !seed.has_ended() {
                return Ok(seed);
            }
            seed.discard();
        }
        self.make_seed()
    }

    /// Makes one more ahead, if that is worth it; whether it did.
    pub fn prepare_seed(&mut self) -> bool {
        // A host where nothing was ever run is left in peace.
        if self.seeds.count == 0 || self.seeds.ready.len() >= AHEAD {
            return false;
        }
        let made = self.make_seed();
        let worked = made.is_ok();
        self.seeds.ready.extend(made);
        worked
    }

    /// Ends all that wait; gives the groups that are left to be removed.
    pub fn discard_seeds(&mut self) -> Vec<Group> {
        self.seeds.ready.drain(..).filter_map(Seed::discard).collect()
    }

    fn make_seed(&mut self) -> Result<Seed, Failure> {
        self.seeds.count += 1;
        let (channel, inner) = Channel::pair().step("make a channel")?;
        let mut group = self.cgroups.create(self.seeds.count)?;
        let namespaces = libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
        match sys::fork(namespaces) {
            Ok(Forked::Child) => init::run(&inner, &group, &self.filters),
            Ok(Forked::Parent { pid, pidfd }) => {
                group.seal();
                Ok(Seed { pid, pidfd, channel, group })
            }
            Err(error) => {
                group.remove();
                Err(error).step("make namespaces")
            }
        }
    }
}

impl Seed {
    /// Whether it is no more.
    pub fn has_ended(&self) -> bool {
        let mut watched = [PollFd::new(&self.pidfd, PollFlags::IN)];
        poll(&mut watched, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
    }

    /// Kills it, with which the kernel kills every process of its namespace.
    pub fn kill(&self) {
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        self.group.thaw();
    }

    /// Takes its status; it has ended, or is about to.
    pub fn reap(&self) {
        let _ = waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED);
    }

    fn discard(self) -> Option<Group> {
        self.kill();
        self.reap();
        let mut group = self.group;
        (!group.remove()).then_some(group)
    }
}
