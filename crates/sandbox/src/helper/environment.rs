//! One environment, as the helper holds it: made here, attended here, cleared here.

use super::Host;
use super::cgroup::Limits;
use super::confine::Identity;
use super::init::{Order, Report};
use super::mounts;
use super::seed::Seed;
use super::watch;
use crate::protocol::{ExitReport, Failure, Step};
use crate::spec::Spec;
use rustix::fs::{Gid, Uid, fchown};
use rustix::mount::MountAttrFlags;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};

/// An inode of tmpfs holds at least this much of its size, so that empty files are bounded as well.
const TMP_BYTES_PER_INODE: u64 = 4096;
const MIN_TMP_INODES: u64 = 1024;

/// A living environment.
pub struct Running {
    /// Its first process.
    pub seed: Seed,
    /// The sockets to be handed out, until they are.
    pub listeners: Vec<TcpListener>,
    tmp: OwnedFd,
    memory_bytes: u64,
    /// Whether the program has been executed.
    pub started: bool,
    at_ease: bool,
    over_memory: bool,
    /// The most that was measured here.
    highest_bytes: u64,
    ended: Option<Report>,
}

impl Running {
    /// Makes the environment's parts and hands them to a first process, which does the rest.
    pub fn start(host: &mut Host, id: u64, spec: Spec, output: [OwnedFd; 2]) -> Result<Running, Failure> {
        let identity = host.identity(id);
        if host.root {
            own_output(&output, identity)?;
        }
        let root = host.templates.copy_for(&spec)?;
        let tmp = make_tmp(spec.tmp_bytes)?;
        let network = host.networks.take(&spec.listen)?;
        let seed = host.take_seed()?;
        let mut running = Running {
            seed,
            listeners: network.listeners,
            tmp,
            memory_bytes: spec.memory_bytes,
            started: false,
            at_ease: false,
            over_memory: false,
            highest_bytes: 0,
            ended: None,
        };
        let limited = running.seed.group.limit(&limits(&spec));
        let [stdout, stderr] = &output;
        // In the order in which the first process takes them.
        let parts = [&root, &running.tmp, &network.namespace, stdout, stderr].map(AsFd::as_fd);
        let begin = Order::Begin { spec: Box::new(spec), identity };
        match limited.and_then(|()| running.seed.channel.send(&begin, &parts).step("give the order")) {
            Ok(()) => Ok(running),
            Err(failure) => {
                running.seed.kill();
                let _ = running.conclude();
                running.seed.group.remove();
                Err(failure)
            }
        }
    }

    /// Takes one report of the first process; `None` if it says nothing any more.
    pub fn hear(&mut self) -> Option<Heard> {
        match self.seed.channel.receive::<Report>() {
            Ok(Some((Report::Started, _))) => {
                self.started = true;
                Some(Heard::Started)
            }
            Ok(Some((report, _))) => {
                self.ended = Some(report);
                Some(Heard::Other)
            }
            _ => None,
        }
    }

    /// Passes a signal on to the program.
    pub fn signal(&self, signal: i32) {
        let _ = self.seed.channel.send(&Order::Signal(signal), &[]);
    }

    /// Its first process, as the host numbers it.
    pub fn pid(&self) -> u32 {
        self.seed.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Measures its memory, if that is due in this period, and kills it if it holds more than it may.
    pub fn measure(&mut self, period: u64) {
        if self.at_ease && !period.is_multiple_of(watch::PERIODS_AT_EASE) {
            return;
        }
        let measured = watch::measure(self.memory_bytes, &self.seed.group, &self.tmp, self.pid());
        self.at_ease = measured.at_ease;
        self.highest_bytes = self.highest_bytes.max(measured.held_bytes);
        if measured.held_bytes > self.memory_bytes {
            self.over_memory = true;
            self.seed.kill();
        }
    }

    /// Takes the status of the first process, which has ended and said all it had to say, and tells how the
    /// environment ended.
    pub fn conclude(&mut self) -> Result<ExitReport, Failure> {
        self.seed.reap();
        if let Some(Report::Failed(failure)) =
            self.ended.take_if(|report| matches!(report, Report::Failed(_)))
        {
            return Err(failure);
        }
        if !self.started {
            return Err(io::Error::from_raw_os_error(libc::ESRCH)).step("start the first process");
        }
        let (code, signal, own_peak) = match self.ended {
            Some(Report::Ended { code, signal, peak_bytes }) => (code, signal, peak_bytes),
            _ => (None, Some(libc::SIGKILL), 0),
        };
        let killed_for_memory = self.over_memory || (self.seed.group.oom_kills() > 0 && code != Some(0));
        let measured = Some(own_peak.max(self.highest_bytes)).filter(|peak| *peak > 0);
        // What the kernel charged includes /tmp, of which only what is still there can be told.
        let charged = self.seed.group.memory_peak().map(|peak| peak.saturating_sub(watch::used(&self.tmp)));
        let peak = charged.or(measured).map(|peak| peak.min(self.memory_bytes));
        Ok(ExitReport { code, signal, oom_killed: killed_for_memory, memory_peak_bytes: peak })
    }
}

/// What was heard.
pub enum Heard {
    /// The program was executed.
    Started,
    /// Something that matters only once the environment has ended.
    Other,
}

fn limits(spec: &Spec) -> Limits {
    Limits {
        memory_bytes: spec.memory_bytes.saturating_add(spec.tmp_bytes),
        processes: spec.max_processes,
        cpu_quota: spec.cpu_quota,
    }
}

fn make_tmp(bytes: u64) -> Result<OwnedFd, Failure> {
    let inodes = (bytes / TMP_BYTES_PER_INODE).max(MIN_TMP_INODES).to_string();
    let options = [("mode", "1777"), ("size", &bytes.to_string()), ("nr_inodes", inodes.as_str())];
    let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    mounts::filesystem("tmpfs", &options, flags)
}

/// Programs open `/dev/stdout` anew, which takes the right to the pipe itself.
fn own_output(output: &[OwnedFd; 2], identity: Identity) -> Result<(), Failure> {
    output.iter().try_for_each(|pipe| {
        fchown(pipe, Some(Uid::from_raw(identity.uid)), Some(Gid::from_raw(identity.gid)))
            .step("hand over standard output")
    })
}
