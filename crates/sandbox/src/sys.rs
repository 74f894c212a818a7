//! The system calls that no safe wrapper offers, each behind a safe function.
//!
//! Everything here that forks or changes the process as a whole is for the helper and its children only:
//! they have one thread, which [`assert_single_thread`] checks at the helper's start.
#![allow(unsafe_code)]

use rustix::process::Pid;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Which side of [`fork`] this is.
pub enum Forked {
    /// The new process.
    Child,
    /// The process that called, holding a descriptor that stands for the new one.
    Parent {
        /// The new process's number, as the caller's pid namespace counts.
        pid: Pid,
        /// Readable once the process has ended.
        pidfd: OwnedFd,
    },
}

#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

/// The kernel's `struct mount_attr`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct MountAttributes {
    /// Attributes to set, of `libc::MOUNT_ATTR_*`.
    pub set: u64,
    /// Attributes to clear.
    pub clear: u64,
    /// The new propagation, of `libc::MS_*`; 0 leaves it.
    pub propagation: u64,
    /// A user namespace to map ids by, with `MOUNT_ATTR_IDMAP`.
    pub user_namespace: u64,
}

/// Fails unless this process has one thread.
pub fn assert_single_thread() -> io::Result<()> {
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    if threads == 1 {
        return Ok(());
    }
    Err(io::Error::other(format!("expected the helper to have one thread, got {threads}")))
}

/// Makes a child process, in new namespaces if `namespaces` (of `libc::CLONE_NEW*`) names any.
pub fn fork(namespaces: i32) -> io::Result<Forked> {
    let mut pidfd: RawFd = -1;
    let arguments = CloneArgs {
        flags: (namespaces | libc::CLONE_PIDFD) as u32 as u64,
        pidfd: (&raw mut pidfd) as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArgs::default()
    };
    // SAFETY: without CLONE_VM the child has a copy of the memory, as with fork; the process has one
    // thread, so no lock of the allocator or of the standard library is held by another. The structure is
    // the kernel's, its size is passed, and `pidfd` outlives the call.
    let result = unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<CloneArgs>()) };
    match result {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        pid => {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            let pid = pid.ok_or_else(|| io::Error::other("expected a process number from clone3"))?;
            // SAFETY: the kernel has just stored a new descriptor there, which nobody else owns.
            Ok(Forked::Parent { pid, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } })
        }
    }
}

/// Leaves the current namespaces for new ones, of `libc::CLONE_NEW*`.
pub fn unshare(namespaces: i32) -> io::Result<()> {
    // SAFETY: takes a number and touches no memory; file descriptors stay shared, as callers pass
    // namespace flags only.
    check(unsafe { libc::unshare(namespaces) })
}

/// Ends this process without running anything that was registered to run at exit.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: takes a number and does not return.
    unsafe { libc::_exit(code) }
}

/// Changes the attributes of the mount that `mount` stands for, and with `recursive` of all below it.
pub fn mount_setattr(mount: BorrowedFd<'_>, recursive: bool, attributes: MountAttributes) -> io::Result<()> {
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is an empty C string, the structure is the kernel's and its size is passed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<MountAttributes>(),
        )
    };
    check(i32::try_from(result).unwrap_or(-1))
}

/// Closes every descriptor but those of `keep` and standard input, output and error.
///
/// Owners of the closed descriptors still exist as values in a process that was just forked: it must
/// never drop them, and ends by exec or [`exit_now`].
pub fn close_all_but(keep: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut kept: Vec<u32> = keep.iter().map(|fd| fd.as_raw_fd() as u32).filter(|fd| *fd > 2).collect();
    kept.sort_unstable();
    kept.dedup();
    let mut first = 3;
    for fd in kept {
        if fd > first {
            close_range(first, fd - 1, 0)?;
        }
        first = fd + 1;
    }
    close_range(first, u32::MAX, 0)
}

/// Marks every descriptor from 3 up to be closed by exec.
pub fn close_all_on_exec() -> io::Result<()> {
    close_range(3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC)
}

fn close_range(first: u32, last: u32, flags: u32) -> io::Result<()> {
    // SAFETY: takes numbers and touches no memory; which descriptors may be closed is the callers' matter.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
    check(i32::try_from(result).unwrap_or(-1))
}

/// Replaces this process by a program; returns only if that failed.
pub fn execute(program: &CString, arguments: &[CString], environment: &[CString]) -> io::Error {
    let pointers = |words: &[CString]| {
        let mut list: Vec<*const libc::c_char> = words.iter().map(|word| word.as_ptr()).collect();
        list.push(std::ptr::null());
        list
    };
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: both lists end with a null pointer and hold C strings that outlive the call.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Sets every signal to its default action, unblocked, as a program expects to find it.
pub fn reset_signals() {
    const LAST: i32 = 64;
    const SET_BYTES: usize = 8;
    // The kernel's own structure: handler, flags, restorer and set, each of 8 bytes, where all zeros is the
    // default action. The C library's function refuses the two signals that it keeps for itself.
    let default = [0u64; 4];
    for signal in 1..=LAST {
        // SAFETY: the kernel reads one structure that outlives the call; no function of ours becomes a handler.
        // Signals that cannot be changed are refused, which is fine.
        unsafe {
            let none = std::ptr::null_mut::<u64>();
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), none, SET_BYTES)
        };
    }
    // SAFETY: the set is filled by sigemptyset before its use.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Ignores the signals that a terminal or a service manager sends to a whole group of processes.
pub fn ignore_group_signals() {
    for signal in [libc::SIGINT, libc::SIGHUP, libc::SIGTERM, libc::SIGQUIT] {
        // SAFETY: SIG_IGN is no function of ours.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Blocks all signals and gives a descriptor that is readable when a child has ended.
pub fn block_signals_and_watch_children() -> io::Result<OwnedFd> {
    // SAFETY: both sets are filled before their use, and the new descriptor is owned by nobody else.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut set);
        check(libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut()))?;
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        let fd = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        check(fd)?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// One child that has ended.
pub struct Ended {
    /// Its number.
    pub pid: i32,
    /// Its wait status, to be taken apart with [`exit_code`] and [`exit_signal`].
    pub status: i32,
    /// The most memory it had, in bytes.
    pub peak_bytes: u64,
}

/// Takes the status of one child that has ended, if there is one.
pub fn reap() -> Option<Ended> {
    let mut status = 0;
    // SAFETY: a zeroed rusage is valid, and both places outlive the call.
    let (pid, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let pid = libc::wait4(-1, &raw mut status, libc::WNOHANG, &raw mut usage);
        (pid, usage)
    };
    (pid > 0).then(|| Ended { pid, status, peak_bytes: u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024 })
}

/// The exit status in a wait status, if the process exited by itself.
pub fn exit_code(status: i32) -> Option<i32> {
    libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status))
}

/// The signal in a wait status, if one ended the process.
pub fn exit_signal(status: i32) -> Option<i32> {
    libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status))
}

/// Sends a signal to one process, or with `None` to every process of this pid namespace but this one.
pub fn send_signal(pid: Option<Pid>, signal: i32) {
    // SAFETY: takes numbers and touches no memory. It may find nobody, which is fine.
    unsafe { libc::kill(pid.map_or(-1, |pid| pid.as_raw_nonzero().get()), signal) };
}

/// Brings up the loopback interface of the current network namespace.
pub fn loopback_up(socket: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: a zeroed ifreq is valid; the name fits and ends with NUL; the kernel reads and writes within
    // the structure, whose flags are the union's active member for these two requests.
    unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l' as libc::c_char;
        request.ifr_name[1] = b'o' as libc::c_char;
        check(libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request))?;
        request.ifr_ifru.ifru_flags |= libc::IFF_UP as libc::c_short;
        check(libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request))
    }
}

/// The version of landlock that the kernel offers; 0 if none.
pub fn landlock_version() -> u32 {
    const VERSION: u32 = 1;
    // SAFETY: with this flag the kernel takes no structure and makes no descriptor.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0usize, VERSION) };
    u32::try_from(version).unwrap_or(0)
}

/// Whether the kernel can filter system calls with an error as the answer.
pub fn seccomp_available() -> bool {
    const GET_ACTION_AVAILABLE: u32 = 2;
    let action: u32 = libc::SECCOMP_RET_ERRNO;
    // SAFETY: the kernel reads one number that outlives the call.
    unsafe { libc::syscall(libc::SYS_seccomp, GET_ACTION_AVAILABLE, 0, &raw const action) == 0 }
}

fn check(result: i32) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
