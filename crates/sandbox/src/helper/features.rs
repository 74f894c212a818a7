//! What the host offers, found out by trying, with the mend for what it lacks.

use super::cgroup::Cgroups;
use super::hierarchy::{Hierarchy, Version};
use crate::capabilities::{Capabilities, Feature, Status};
use crate::sys::{self, Forked};
use rustix::process::{WaitId, WaitIdOptions, waitid};
use std::os::fd::AsFd;

/// Builds the list, in the order in which it is shown.
pub fn survey(root: bool, cgroups: &Cgroups) -> Capabilities {
    let all = &cgroups.hierarchies;
    let features = vec![
        namespaces(root),
        seccomp(),
        landlock(),
        group("memory limit", all.memory.as_ref(), "sampled several times a second, and ended when above"),
        group("process limit", all.pids.as_ref(), "by the user's limit of processes alone"),
        group("cpu limit", all.cpu.as_ref(), "none: a busy function may take all cores"),
        freezing(all.freezer.as_ref()),
        identity(root),
    ];
    Capabilities { root, features }
}

/// The list of a host where the helper could not even make its own namespaces.
pub fn without_namespaces(root: bool, reason: &str) -> Capabilities {
    let mend = "needs Linux 5.12 or newer and user namespaces: run as root, or allow them \
                (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0, \
                kernel.apparmor_restrict_unprivileged_userns=0); in a container, allow unshare and mount";
    Capabilities { root, features: vec![feature("namespaces", Status::Missing, reason, mend)] }
}

fn feature(name: &str, status: Status, detail: &str, mend: &str) -> Feature {
    Feature { name: name.into(), status, detail: detail.into(), mend: mend.into() }
}

fn namespaces(root: bool) -> Feature {
    let all = libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWCGROUP;
    let worked = match sys::fork(all) {
        Ok(Forked::Child) => sys::exit_now(i32::from(sys::unshare(libc::CLONE_NEWUSER).is_err())),
        Ok(Forked::Parent { pidfd, .. }) => waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED)
            .ok()
            .flatten()
            .is_some_and(|status| status.exit_status() == Some(0)),
        Err(_) => false,
    };
    if worked {
        return feature("namespaces", Status::Available, "user, mount, pid, net, ipc, uts, cgroup", "");
    }
    without_namespaces(root, "the kernel refused new namespaces").features.remove(0)
}

fn seccomp() -> Feature {
    match sys::seccomp_available() {
        true => feature("seccomp", Status::Available, "system calls are filtered", ""),
        false => feature("seccomp", Status::Missing, "no filters", "use a kernel with CONFIG_SECCOMP_FILTER"),
    }
}

fn landlock() -> Feature {
    match sys::landlock_version() {
        0 => feature(
            "landlock",
            Status::Degraded,
            "not there: mounts and user ids alone guard files",
            "use Linux 5.13 or newer with landlock in the kernel's lsm= list",
        ),
        version => feature("landlock", Status::Available, &format!("version {version}"), ""),
    }
}

fn group(name: &str, hierarchy: Option<&Hierarchy>, without: &str) -> Feature {
    let Some(hierarchy) = hierarchy else {
        let mend =
            "run as root, or in a delegated group: systemd-run --user --scope -p Delegate=yes nephos ...";
        return feature(name, Status::Degraded, without, mend);
    };
    let version = if hierarchy.version == Version::One { "v1" } else { "v2" };
    feature(name, Status::Available, &format!("cgroup {version} at {}", hierarchy.directory.display()), "")
}

fn freezing(hierarchy: Option<&Hierarchy>) -> Feature {
    match hierarchy {
        Some(_) => Feature { name: "freezing".into(), ..group("", hierarchy, "") },
        None => feature("freezing", Status::Available, "by SIGSTOP to every process", ""),
    }
}

fn identity(root: bool) -> Feature {
    let detail = match root {
        true => "each environment has a user id of its own",
        false => "environments share the user's id and groups, and are apart by namespaces",
    };
    feature("user ids", Status::Available, detail, "")
}
