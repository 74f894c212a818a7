//! The last steps before the program: what its process does between being forked and becoming it.
//!
//! Order matters: each step takes a right that a later one gives up. Seccomp comes last, because it refuses
//! what the others need.

use super::confine;
use super::init::Plan;
use crate::protocol::{Failure, Step};
use crate::sys;
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::ffi::CString;
use std::io;
use std::os::fd::BorrowedFd;

const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Becomes the program. Returns only a failure.
pub fn run(plan: &Plan<'_>, proc: BorrowedFd<'_>) -> Failure {
    match prepare(plan, proc).and_then(|()| execute(plan)) {
        Ok(never) => match never {},
        Err(failure) => failure,
    }
}

fn prepare(plan: &Plan<'_>, proc: BorrowedFd<'_>) -> Result<(), Failure> {
    sys::reset_signals();
    rustix::process::setsid().step("start a session")?;
    rustix::process::umask(Mode::WGRP | Mode::WOTH);
    connect_output(plan)?;
    confine::offer_to_oom_killer(proc)?;
    // From inside, the groups that this process was born in are the top.
    sys::unshare(libc::CLONE_NEWCGROUP).step("make a cgroup namespace")?;
    confine::become_identity(plan.identity)?;
    sys::unshare(libc::CLONE_NEWUSER).step("make a user namespace")?;
    confine::map_identity(proc, plan.identity)?;
    // Within the new user namespace, so that processes are counted for this environment alone.
    confine::limit_resources(&plan.spec)?;
    rustix::process::chdir(plan.spec.cwd.as_str()).step(format!("change to {}", plan.spec.cwd))?;
    confine::drop_capabilities().step("drop capabilities")?;
    rustix::thread::set_no_new_privs(true).step("refuse new privileges")?;
    confine::landlock()
}

fn connect_output(plan: &Plan<'_>) -> Result<(), Failure> {
    let connect = || {
        let null = openat(CWD, "/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::stdio::dup2_stdin(&null)?;
        rustix::stdio::dup2_stdout(&plan.stdout)?;
        rustix::stdio::dup2_stderr(&plan.stderr)
    };
    connect().step("connect standard input and output")
}

fn execute(plan: &Plan<'_>) -> Result<std::convert::Infallible, Failure> {
    let spec = &plan.spec;
    let words = spec.program.iter().map(|word| CString::new(word.as_str())).collect::<Result<Vec<_>, _>>();
    let variables = spec.env.iter().map(|(name, value)| CString::new(format!("{name}={value}")));
    let (words, variables) = (words.step("read the program")?, variables.collect::<Result<Vec<_>, _>>());
    let variables = variables.step("read the environment")?;
    let candidates = candidates(plan)?;
    sys::close_all_on_exec().step("close descriptors")?;
    plan.filters.install().step("install seccomp filters")?;
    let mut error = io::Error::from_raw_os_error(libc::ENOENT);
    for candidate in candidates {
        let tried = sys::execute(&candidate, &words, &variables);
        // As a shell does: go on where nothing is there, but tell of a file that may not be executed.
        if ![Some(libc::ENOENT), Some(libc::ENOTDIR)].contains(&tried.raw_os_error()) {
            error = tried;
        }
    }
    Err(error).step(Failure::EXEC)
}

/// The files that the first word may mean.
fn candidates(plan: &Plan<'_>) -> Result<Vec<CString>, Failure> {
    let name = plan.spec.program[0].as_str();
    if name.contains('/') {
        return CString::new(name).map(|path| vec![path]).step("read the program");
    }
    let path = plan.spec.env.iter().find(|(variable, _)| variable == "PATH");
    let path = path.map_or(DEFAULT_PATH, |(_, value)| value.as_str());
    path.split(':')
        .filter(|directory| !directory.is_empty())
        .map(|directory| CString::new(format!("{directory}/{name}")).step("read the program"))
        .collect()
}
