//! The helper: the process that makes environments.
//!
//! It has one thread, works in namespaces of its own, and serves one server over one socket. When the server
//! is gone it kills and clears everything and ends; when it is killed itself, the kernel kills every
//! environment, because the first process of each dies with its parent.

mod cgroup;
mod confine;
mod environment;
mod features;
mod hierarchy;
mod init;
mod mounts;
mod network;
mod program;
mod seccomp;
mod seed;
mod template;
mod watch;

use crate::capabilities::Capabilities;
use crate::protocol::{Channel, Event, ExitReport, Failure, Request, Step};
use crate::spec::Spec;
use crate::sys;
use cgroup::{Cgroups, Group};
use confine::Identity;
use environment::{Heard, Running};
use network::Networks;
use rustix::event::{Timespec, epoll};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::CapabilitySet;
use seccomp::Filters;
use seed::Seeds;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};
use template::Templates;

/// User ids of environments, as root: above what systemd and its containers hand out.
const FIRST_UID: u32 = 0x7000_0000;
/// How many ids one helper goes through before it begins anew, and how many helpers have ranges of their own.
const UIDS: u32 = 1 << 16;
const RANGES: u32 = 1 << 10;

/// How long the end waits for processes to be gone.
const FAREWELL: Duration = Duration::from_secs(5);
const RETRY_MILLISECONDS: u64 = 5;
/// After this long without a request, work that can wait is done.
const QUIET_MILLISECONDS: u64 = 10;
const MAX_EVENTS: usize = 64;
const CONTROL: u64 = 0;

/// What environments are made from.
pub struct Host {
    root: bool,
    own: Identity,
    cgroups: Cgroups,
    networks: Networks,
    seeds: Seeds,
    templates: Templates,
    filters: Filters,
}

struct Helper {
    channel: Channel,
    host: Host,
    running: BTreeMap<u64, Running>,
    /// Groups whose processes were gone a moment too late to be removed at once.
    leftover: Vec<Group>,
    events: OwnedFd,
    /// Whether the last turn made something ahead, and the next may go on with that.
    preparing: bool,
    measured: Instant,
    /// How many times all environments were measured.
    period: u64,
}

/// Runs the helper: the server's socket is standard input.
pub fn main() -> io::Result<()> {
    sys::assert_single_thread()?;
    sys::ignore_group_signals();
    let _ = rustix::process::setsid();
    let _ = rustix::thread::set_name(c"nephos-sandbox");
    // Each environment takes three descriptors.
    confine::raise_open_files();
    let channel = Channel::from_socket(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?);
    let null = openat(CWD, "/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    let root = is_root();
    match Host::start(root) {
        Ok((host, capabilities)) => {
            channel.send(&Event::Hello(capabilities), &[])?;
            Helper::new(channel, host)?.serve();
            Ok(())
        }
        Err(failure) => {
            let reason = format!("{}: {}", failure.step, failure.source());
            channel.send(&Event::Hello(features::without_namespaces(root, &reason)), &[])
        }
    }
}

/// Whether this is the host's root with the right to mount, and not merely a user or a container's root.
fn is_root() -> bool {
    let needed =
        CapabilitySet::SYS_ADMIN | CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::CHOWN;
    rustix::process::geteuid().is_root()
        && rustix::thread::capabilities(None).is_ok_and(|sets| sets.effective.contains(needed))
}

impl Host {
    fn start(root: bool) -> Result<(Host, Capabilities), Failure> {
        let own =
            Identity { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() };
        if !root {
            enter_user_namespace(own)?;
        }
        sys::unshare(libc::CLONE_NEWNS).step("make a mount namespace")?;
        // What the host mounts later is to be seen here, and nothing that is mounted here by the host.
        let slave = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
        mount_change("/", slave).step("detach from the host's mounts")?;
        let networks = Networks::start().step("make a network namespace")?;
        let cgroups = Cgroups::start();
        // Before the templates: with a mount over its root, a process counts as confined to a part of the
        // tree, and may not make user namespaces.
        let capabilities = features::survey(root, &cgroups);
        let templates = Templates::start()?;
        let filters = Filters::compile().step("compile seccomp filters")?;
        let seeds = Seeds::default();
        Ok((Host { root, own, cgroups, networks, seeds, templates, filters }, capabilities))
    }

    /// Who an environment's processes are: as root, somebody else in each.
    fn identity(&self, id: u64) -> Identity {
        if !self.root {
            return self.own;
        }
        let range = std::process::id() % RANGES;
        let place = u32::try_from(id % u64::from(UIDS)).unwrap_or(0);
        let uid = FIRST_UID + range * UIDS + place;
        Identity { uid, gid: uid }
    }
}

/// Without root: a user namespace in which this process may mount, and in which it is who it was.
fn enter_user_namespace(own: Identity) -> Result<(), Failure> {
    sys::unshare(libc::CLONE_NEWUSER).step("make a user namespace")?;
    let write = |file: &str, text: String| {
        std::fs::write(format!("/proc/self/{file}"), text).step(format!("write {file}"))
    };
    write("setgroups", "deny".into())?;
    write("gid_map", format!("{0} {0} 1", own.gid))?;
    write("uid_map", format!("{0} {0} 1", own.uid))
}

impl Helper {
    fn new(channel: Channel, host: Host) -> io::Result<Helper> {
        let events = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let data = epoll::EventData::new_u64(CONTROL);
        epoll::add(&events, &channel, data, epoll::EventFlags::IN)?;
        let (running, leftover) = (BTreeMap::new(), Vec::new());
        Ok(Helper {
            channel,
            host,
            running,
            leftover,
            events,
            preparing: false,
            measured: Instant::now(),
            period: 0,
        })
    }

    /// Serves until the server is gone.
    fn serve(mut self) {
        loop {
            for event in self.next_events() {
                if event == CONTROL {
                    if !self.obey() {
                        return self.farewell();
                    }
                } else {
                    self.attend(event / 2, event % 2 == 1);
                }
            }
            self.leftover.retain_mut(|group| !group.remove());
            self.measure();
        }
    }

    /// Waits for something to do; after a while without, makes ahead what the next environment needs.
    fn next_events(&mut self) -> Vec<u64> {
        let ready = self.wait(Some(if self.preparing { 0 } else { QUIET_MILLISECONDS }));
        self.preparing = ready.is_empty() && self.prepare();
        if !ready.is_empty() || self.preparing {
            return ready;
        }
        self.wait(match (self.leftover.is_empty(), self.running.is_empty()) {
            (false, _) => Some(RETRY_MILLISECONDS),
            (true, false) => Some(watch::PERIOD_MILLISECONDS),
            (true, true) => None,
        })
    }

    fn wait(&self, milliseconds: Option<u64>) -> Vec<u64> {
        let timeout = milliseconds.and_then(|pause| Timespec::try_from(Duration::from_millis(pause)).ok());
        let mut ready = Vec::with_capacity(MAX_EVENTS);
        // An interrupted wait is one in which nothing happened.
        let _ = epoll::wait(&self.events, rustix::buffer::spare_capacity(&mut ready), timeout.as_ref());
        ready.iter().map(|event| event.data.u64()).collect()
    }

    /// Makes one thing ahead that the next environment needs, unless one is just being made; whether it did.
    fn prepare(&mut self) -> bool {
        let starting = self.running.values().any(|running| !running.started);
        !starting && (self.host.prepare_seed() || self.host.networks.prepare())
    }

    /// Does what the server asks; `false` once the server is gone.
    fn obey(&mut self) -> bool {
        let Ok(Some((request, descriptors))) = self.channel.receive::<Request>() else { return false };
        match request {
            Request::Spawn { id, spec } => {
                if let Err(failure) = self.spawn(id, *spec, descriptors) {
                    self.tell(&Event::Failed { id, failure }, &[]);
                }
            }
            Request::Signal { id, signal } => {
                if let Some(running) = self.running.get(&id) {
                    running.signal(signal);
                }
            }
            Request::Kill { id } => {
                if let Some(running) = self.running.get(&id) {
                    running.seed.kill();
                }
            }
        }
        true
    }

    fn spawn(&mut self, id: u64, spec: Spec, descriptors: Vec<OwnedFd>) -> Result<(), Failure> {
        let output = <[OwnedFd; 2]>::try_from(descriptors)
            .map_err(|_| io::Error::from_raw_os_error(libc::EBADMSG))
            .step("receive standard output and error")?;
        let running = Running::start(&mut self.host, id, spec, output)?;
        match self.watch(id, &running) {
            Ok(()) => {
                self.running.insert(id, running);
                Ok(())
            }
            Err(error) => {
                running.seed.kill();
                let _ = self.conclude(running);
                Err(error).step("watch the first process")
            }
        }
    }

    fn watch(&self, id: u64, running: &Running) -> io::Result<()> {
        let data = epoll::EventData::new_u64;
        epoll::add(&self.events, &running.seed.channel, data(2 * id), epoll::EventFlags::IN)?;
        Ok(epoll::add(&self.events, &running.seed.pidfd, data(2 * id + 1), epoll::EventFlags::IN)?)
    }

    /// Looks after one environment: its first process speaks, or has ended.
    fn attend(&mut self, id: u64, ended: bool) {
        if ended {
            return self.finish(id);
        }
        let Some(running) = self.running.get_mut(&id) else { return };
        match running.hear() {
            Some(Heard::Started) => tell_started(&self.channel, id, running),
            Some(Heard::Other) => {}
            // It has closed its end, and is about to end.
            None => {
                let _ = epoll::delete(&self.events, &running.seed.channel);
            }
        }
    }

    /// Every process has ended: tells how, after what was said before.
    fn finish(&mut self, id: u64) {
        let Some(mut running) = self.running.remove(&id) else { return };
        while let Some(heard) = running.hear() {
            if matches!(heard, Heard::Started) {
                tell_started(&self.channel, id, &mut running);
            }
        }
        let event = match self.conclude(running) {
            Ok(exit) => Event::Exited { id, exit },
            Err(failure) => Event::Failed { id, failure },
        };
        self.tell(&event, &[]);
    }

    fn conclude(&mut self, mut running: Running) -> Result<ExitReport, Failure> {
        let result = running.conclude();
        let mut group = running.seed.group;
        if !group.remove() {
            self.leftover.push(group);
        }
        result
    }

    fn tell(&self, event: &Event, descriptors: &[BorrowedFd<'_>]) {
        // A server that cannot be told is gone, which the next turn finds out.
        let _ = self.channel.send(event, descriptors);
    }

    fn measure(&mut self) {
        if self.measured.elapsed() < Duration::from_millis(watch::PERIOD_MILLISECONDS) {
            return;
        }
        self.measured = Instant::now();
        self.period += 1;
        let period = self.period;
        self.running.values_mut().for_each(|running| running.measure(period));
    }

    /// Kills and clears everything.
    fn farewell(mut self) {
        self.leftover.extend(self.host.discard_seeds());
        self.running.values().for_each(|running| running.seed.kill());
        let deadline = Instant::now() + FAREWELL;
        while Instant::now() < deadline && !(self.running.is_empty() && self.leftover.is_empty()) {
            let ended: Vec<u64> = self
                .running
                .iter()
                .filter(|(_, running)| running.seed.has_ended())
                .map(|(id, _)| *id)
                .collect();
            ended.into_iter().for_each(|id| self.finish(id));
            self.leftover.retain_mut(|group| !group.remove());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn tell_started(channel: &Channel, id: u64, running: &mut Running) {
    let listeners = std::mem::take(&mut running.listeners);
    let mut beside = vec![running.seed.pidfd.as_fd()];
    beside.extend(listeners.iter().map(AsFd::as_fd));
    let _ =
        channel.send(&Event::Started { id, pid: running.pid(), group: running.seed.group.view() }, &beside);
}
