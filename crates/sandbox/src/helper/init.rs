//! The first process of an environment: it puts the root together, forks the program, and from then on only
//! reaps and forwards.
//!
//! It is not the program itself, because the kernel lets a pid namespace's first process ignore signals that
//! it has no handler for, and makes it the parent of every orphan. It never executes a file, holds no
//! capability once the program runs, and when it ends, the kernel ends everything in the environment.

use super::cgroup::Group;
use super::confine::{self, Identity};
use super::mounts;
use super::network;
use super::program;
use super::seccomp::Filters;
use crate::protocol::{Channel, Failure, Step};
use crate::spec::Spec;
use crate::sys::{self, Ended, Forked};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::mount::{MountAttrFlags, UnmountFlags};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{DumpableBehavior, Pid, Signal};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Files of `/proc` that tell about the host or the kernel, and are hidden under an empty one.
const HIDDEN: [&str; 11] = [
    "interrupts",
    "kallsyms",
    "kcore",
    "key-users",
    "keys",
    "kmsg",
    "latency_stats",
    "sched_debug",
    "softirqs",
    "sysrq-trigger",
    "timer_list",
];

/// Everything that an environment is made from, as it arrives with the order to begin.
pub struct Plan<'a> {
    /// What the environment is to be.
    pub spec: Box<Spec>,
    /// Who its processes are outside.
    pub identity: Identity,
    /// The seccomp filters.
    pub filters: &'a Filters,
    /// The detached copy of the shared root.
    pub root: OwnedFd,
    /// The detached file system for `/tmp`.
    pub tmp: OwnedFd,
    /// The network namespace.
    pub network: OwnedFd,
    /// The program's standard output.
    pub stdout: OwnedFd,
    /// The program's standard error.
    pub stderr: OwnedFd,
}

/// What the first process tells the helper.
#[derive(Serialize, Deserialize)]
pub enum Report {
    /// The program was executed.
    Started,
    /// The environment could not be made.
    Failed(Failure),
    /// The program ended.
    Ended {
        /// Its exit status.
        code: Option<i32>,
        /// The signal that ended it.
        signal: Option<i32>,
        /// The most memory that it had itself, in bytes.
        peak_bytes: u64,
    },
}

/// What the helper tells the first process.
#[derive(Serialize, Deserialize)]
pub enum Order {
    /// Become an environment; its parts come beside it.
    Begin {
        /// What it is to be.
        spec: Box<Spec>,
        /// Who its processes are.
        identity: Identity,
    },
    /// Pass a signal on to the program, or to every process if it stops or continues.
    Signal(i32),
}

/// Lives the life of the first process, in the process that [`sys::fork`] made for it.
pub fn run(channel: &Channel, group: &Group, filters: &Filters) -> ! {
    // A panic must not unwind into the helper's own loop, of which this process has a copy.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if let Err(failure) = live(channel, group, filters) {
            let _ = channel.send(&Report::Failed(failure), &[]);
        }
    }));
    sys::exit_now(1)
}

fn live(channel: &Channel, group: &Group, filters: &Filters) -> Result<(), Failure> {
    die_with_helper()?;
    close_what_is_not_ours(channel, group)?;
    let children = sys::block_signals_and_watch_children().step("watch for ended children")?;
    group.enter().step("enter the control groups")?;
    let Some(plan) = wait_for_order(channel, filters)? else { return Ok(()) };
    network::enter(&plan.network).step("enter the network")?;
    let proc = build_root(&plan)?;
    rustix::system::sethostname(plan.spec.hostname.as_bytes()).step("set the host name")?;
    let program = start_program(&plan, proc.as_fd())?;
    drop(proc);
    retire(plan, channel, &children)?;
    channel.send(&Report::Started, &[]).step("report the start")?;
    attend(channel, &children, program);
    Ok(())
}

fn die_with_helper() -> Result<(), Failure> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).step("die with the helper")
}

/// This process is a copy of the helper, with the descriptors of every other environment.
fn close_what_is_not_ours(channel: &Channel, group: &Group) -> Result<(), Failure> {
    let mut keep = vec![channel.as_fd()];
    keep.extend(group.descriptors());
    sys::close_all_but(&keep).step("close descriptors")
}

/// Waits to be told what to be; `None` if the helper has no use for this process any more.
fn wait_for_order<'a>(channel: &Channel, filters: &'a Filters) -> Result<Option<Plan<'a>>, Failure> {
    let Some((Order::Begin { spec, identity }, parts)) = channel.receive().step("receive the order")? else {
        return Ok(None);
    };
    let [root, tmp, network, stdout, stderr] = <[OwnedFd; 5]>::try_from(parts)
        .map_err(|_| std::io::Error::from_raw_os_error(libc::EBADMSG))
        .step("receive the parts")?;
    Ok(Some(Plan { spec, identity, filters, root, tmp, network, stdout, stderr }))
}

/// Puts the root together and makes it the root; gives a `/proc` that can be written, mounted nowhere.
fn build_root(plan: &Plan<'_>) -> Result<OwnedFd, Failure> {
    let root = plan.root.as_fd();
    mounts::attach_over_root(root)?;
    for mount in &plan.spec.mounts {
        mounts::show(root, &mount.source, mount.target.trim_start_matches('/'))?;
    }
    mounts::attach(plan.tmp.as_fd(), root, "tmp")?;
    let proc = mount_proc(root)?;
    rustix::process::fchdir(root).step("enter the new root")?;
    rustix::process::pivot_root(".", ".").step("change the root")?;
    // Two mounts now lie over the new root, and come off from the top: the place where the helper builds
    // roots, then the old root with every mount of the host. Were one left, the kernel would refuse the
    // program its user namespace.
    for _ in 0..2 {
        rustix::mount::unmount(".", UnmountFlags::DETACH).step("leave the old root")?;
    }
    rustix::process::chdir("/").step("enter the root")?;
    Ok(proc)
}

fn mount_proc(root: BorrowedFd<'_>) -> Result<OwnedFd, Failure> {
    let flags = MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let proc = mounts::filesystem("proc", &[("hidepid", "invisible")], flags)?;
    mounts::attach(proc.as_fd(), root, "proc")?;
    let writable = mounts::copy(proc.as_fd())?;
    hide(root)?;
    mounts::restrict(proc.as_fd(), false, mounts::READ_ONLY | libc::MOUNT_ATTR_NOEXEC)?;
    Ok(writable)
}

/// Puts the empty device over what tells too much. Which of these files there are is the kernel's matter.
fn hide(root: BorrowedFd<'_>) -> Result<(), Failure> {
    let null = mounts::open_place(root, "dev/null").step("open /dev/null")?;
    for name in HIDDEN {
        if let Ok(place) = mounts::open_place(root, &format!("proc/{name}")) {
            mounts::attach_at(mounts::copy(null.as_fd())?.as_fd(), place.as_fd(), name)?;
        }
    }
    Ok(())
}

/// Forks the program and waits until it has been executed.
fn start_program(plan: &Plan<'_>, proc: BorrowedFd<'_>) -> Result<Pid, Failure> {
    // The kernel closes the writing end when the program is executed; before that, a failure goes through it.
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).step("make a pipe")?;
    match sys::fork(0).step("fork the program")? {
        Forked::Child => {
            let failure = program::run(plan, proc);
            let text = serde_json::to_vec(&failure).unwrap_or_default();
            let _ = File::from(writer).write_all(&text);
            sys::exit_now(1)
        }
        Forked::Parent { pid, .. } => {
            drop(writer);
            let mut text = Vec::new();
            File::from(reader).read_to_end(&mut text).step("wait for the program")?;
            match text.is_empty() {
                true => Ok(pid),
                false => Err(serde_json::from_slice(&text)
                    .map_err(std::io::Error::from)
                    .step("read the failure")?),
            }
        }
    }
}

/// Gives up all that only the set-up needed. The signal of the parent's death is lost with the identity, so
/// it is asked for again.
fn retire(plan: Plan<'_>, channel: &Channel, children: &OwnedFd) -> Result<(), Failure> {
    confine::become_identity(plan.identity)?;
    confine::drop_capabilities().step("drop capabilities")?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).step("become opaque")?;
    die_with_helper()?;
    let filters = plan.filters;
    drop(plan);
    sys::close_all_but(&[channel.as_fd(), children.as_fd()]).step("close descriptors")?;
    filters.install().step("install seccomp filters")
}

/// Reaps every child, passes signals on, and ends with the program or with the helper.
fn attend(channel: &Channel, children: &OwnedFd, program: Pid) {
    loop {
        let mut watched = [PollFd::new(channel, PollFlags::IN), PollFd::new(children, PollFlags::IN)];
        if poll(&mut watched, None).is_err() {
            continue;
        }
        let (spoken, ended) = (!watched[0].revents().is_empty(), !watched[1].revents().is_empty());
        if ended && let Some(ended) = reap_until(children, program) {
            let (code, signal) = (sys::exit_code(ended.status), sys::exit_signal(ended.status));
            let _ = channel.send(&Report::Ended { code, signal, peak_bytes: ended.peak_bytes }, &[]);
            return;
        }
        if spoken {
            match channel.receive::<Order>() {
                Ok(Some((Order::Signal(signal), _))) => pass_on(signal, program),
                _ => return,
            }
        }
    }
}

/// Takes every status there is; tells the program's.
fn reap_until(children: &OwnedFd, program: Pid) -> Option<Ended> {
    let _ = rustix::io::read(children, &mut [0u8; 512]);
    while let Some(ended) = sys::reap() {
        if ended.pid == program.as_raw_nonzero().get() {
            return Some(ended);
        }
    }
    None
}

fn pass_on(signal: i32, program: Pid) {
    let everyone = signal == libc::SIGSTOP || signal == libc::SIGCONT;
    sys::send_signal((!everyone).then_some(program), signal);
}
