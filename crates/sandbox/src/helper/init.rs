//! The first process of an environment: it puts the root together, forks the program, and from then on only
//! reaps and forwards.
//!
//! It is not the program itself, because the kernel lets a pid namespace's first process ignore signals that
//! it has no handler for, and makes it the parent of every orphan. It never executes a file, holds no
//! capability once the program runs, and when it ends, the kernel ends everything in the environment.

use super::cgroup::Group;
use super::confine::{self, Identity};
use super::mounts;
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

/// Everything that the first process needs, made by the helper before the fork.
pub struct Plan<'a> {
    /// What the environment is to be.
    pub spec: &'a Spec,
    /// The detached copy of the shared root.
    pub root: BorrowedFd<'a>,
    /// The detached file system for `/tmp`.
    pub tmp: BorrowedFd<'a>,
    /// The way to the helper.
    pub channel: &'a Channel,
    /// The program's standard output.
    pub stdout: BorrowedFd<'a>,
    /// The program's standard error.
    pub stderr: BorrowedFd<'a>,
    /// The control groups that the program enters.
    pub group: &'a Group,
    /// Who the processes are outside.
    pub identity: Identity,
    /// The seccomp filters.
    pub filters: &'a Filters,
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

/// What the helper tells the first process: a signal to pass on.
#[derive(Serialize, Deserialize)]
pub struct Order {
    /// The signal's number.
    pub signal: i32,
}

/// Lives the life of the first process, in the process that [`sys::fork`] made for it.
pub fn run(plan: &Plan<'_>) -> ! {
    // A panic must not unwind into the helper's own loop, of which this process has a copy.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if let Err(failure) = live(plan) {
            let _ = plan.channel.send(&Report::Failed(failure), &[]);
        }
    }));
    sys::exit_now(1)
}

fn live(plan: &Plan<'_>) -> Result<(), Failure> {
    die_with_helper()?;
    close_what_is_not_ours(plan)?;
    let proc = build_root(plan)?;
    rustix::system::sethostname(plan.spec.hostname.as_bytes()).step("set the host name")?;
    let children = sys::block_signals_and_watch_children().step("watch for ended children")?;
    let program = start_program(plan, proc.as_fd())?;
    drop(proc);
    retire(plan, &children)?;
    plan.channel.send(&Report::Started, &[]).step("report the start")?;
    attend(plan.channel, &children, program);
    Ok(())
}

fn die_with_helper() -> Result<(), Failure> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).step("die with the helper")
}

/// This process is a copy of the helper, with the descriptors of every other environment.
fn close_what_is_not_ours(plan: &Plan<'_>) -> Result<(), Failure> {
    let mut keep = vec![plan.root, plan.tmp, plan.channel.as_fd(), plan.stdout, plan.stderr];
    keep.extend(plan.group.descriptors());
    sys::close_all_but(&keep).step("close descriptors")
}

/// Puts the root together and makes it the root; gives a `/proc` that can be written, mounted nowhere.
fn build_root(plan: &Plan<'_>) -> Result<OwnedFd, Failure> {
    let root = plan.root;
    mounts::attach_over_root(root)?;
    for mount in &plan.spec.mounts {
        mounts::show(root, &mount.source, mount.target.trim_start_matches('/'))?;
    }
    mounts::attach(plan.tmp, root, "tmp")?;
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
    for name in HIDDEN {
        let place = format!("proc/{name}");
        if mounts::open_place(root, &place).is_ok() {
            let null = mounts::open_place(root, "dev/null").step("open /dev/null")?;
            mounts::attach(mounts::copy(null.as_fd())?.as_fd(), root, &place)?;
        }
    }
    mounts::restrict(proc.as_fd(), false, mounts::READ_ONLY | libc::MOUNT_ATTR_NOEXEC)?;
    Ok(writable)
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
fn retire(plan: &Plan<'_>, children: &OwnedFd) -> Result<(), Failure> {
    confine::become_identity(plan.identity)?;
    confine::drop_capabilities().step("drop capabilities")?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).step("become opaque")?;
    die_with_helper()?;
    sys::close_all_but(&[plan.channel.as_fd(), children.as_fd()]).step("close descriptors")?;
    plan.filters.install().step("install seccomp filters")
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
                Ok(Some((order, _))) => pass_on(order.signal, program),
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
