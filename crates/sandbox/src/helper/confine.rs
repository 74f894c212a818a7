//! Giving up rights, from the inside: identity, capabilities, limits of the process, landlock.

use crate::protocol::{Failure, Step};
use crate::spec::{INSIDE_GID, INSIDE_UID, Spec};
use landlock::{
    ABI, Access, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, Scope,
};
use rustix::fs::{Gid, Mode, OFlags, Uid, openat};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_keep_capabilities, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::BorrowedFd;

/// What a program may write: its own folder, and devices that swallow.
const WRITABLE: [&str; 1] = ["/tmp"];
const WRITABLE_DEVICES: &str = "/dev";
/// File rights up to this version of landlock are ruled; older kernels rule those that they know.
const FILE_RIGHTS: ABI = ABI::V5;

/// The identity, as the helper's user namespace counts, that an environment's processes run under.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Identity {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// Takes on the identity for good, keeping capabilities for the steps that are left.
pub fn become_identity(identity: Identity) -> Result<(), Failure> {
    set_keep_capabilities(true).step("keep capabilities")?;
    let kept = capabilities(None).step("read capabilities")?.permitted;
    // In a user namespace that its owner made alone, groups cannot be changed: they stay those of the owner.
    let _ = set_thread_groups(&[]);
    let (uid, gid) = (Uid::from_raw(identity.uid), Gid::from_raw(identity.gid));
    set_thread_res_gid(gid, gid, gid).step("set the group id")?;
    set_thread_res_uid(uid, uid, uid).step("set the user id")?;
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets).step("regain capabilities")?;
    // A change of identity makes a process opaque, and an opaque one cannot write its own id maps.
    set_dumpable_behavior(DumpableBehavior::Dumpable).step("become visible to itself")
}

/// Maps the identity to the one that the program sees, in the user namespace just made. `proc` is a `/proc`
/// that can be written.
pub fn map_identity(proc: BorrowedFd<'_>, identity: Identity) -> Result<(), Failure> {
    let Identity { uid, gid } = identity;
    write_own(proc, "self/setgroups", "deny")?;
    write_own(proc, "self/gid_map", &format!("{INSIDE_GID} {gid} 1"))?;
    write_own(proc, "self/uid_map", &format!("{INSIDE_UID} {uid} 1"))
}

/// Lets the kernel prefer this process to the server where the whole host runs out of memory.
pub fn offer_to_oom_killer(proc: BorrowedFd<'_>) -> Result<(), Failure> {
    write_own(proc, "self/oom_score_adj", "500")
}

fn write_own(proc: BorrowedFd<'_>, file: &str, text: &str) -> Result<(), Failure> {
    let write = || {
        let file = openat(proc, file, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        File::from(file).write_all(text.as_bytes())
    };
    write().step(format!("write {file}"))
}

/// Gives up every capability, and the ways to get one back.
pub fn drop_capabilities() -> io::Result<()> {
    for number in 0..u64::BITS {
        // A number that the kernel does not know is the end. Where the bounding set may not be changed, the
        // empty sets below hold all the same.
        if remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << number)).is_err() {
            break;
        }
    }
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    Ok(())
}

/// Raises this process's own limit of open files as far as it goes.
pub fn raise_open_files() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// Sets the limits that hold for each process or for the user id as a whole.
pub fn limit_resources(spec: &Spec) -> Result<(), Failure> {
    let limits = [
        // Of 0 the kernel still feeds a crash handler of the host, running as root; of 1 it does not.
        (Resource::Core, 1),
        (Resource::Nofile, u64::from(spec.max_files)),
        (Resource::Nproc, u64::from(spec.max_processes)),
        (Resource::Memlock, 64 << 10),
        (Resource::Msgqueue, 1 << 20),
    ];
    for (resource, limit) in limits {
        // What is lower already stays so: raising it takes a right that a container's root may lack.
        let limit = getrlimit(resource).maximum.map_or(limit, |maximum| maximum.min(limit));
        let both = Rlimit { current: Some(limit), maximum: Some(limit) };
        setrlimit(resource, both).step(format!("limit {resource:?}"))?;
    }
    Ok(())
}

/// Rules by landlock what may be written, and cuts off signals and abstract sockets to the outside.
pub fn landlock() -> Result<(), Failure> {
    rule().map_err(io::Error::other).step("set up landlock")
}

fn rule() -> Result<(), RulesetError> {
    let everything = AccessFs::from_all(FILE_RIGHTS);
    let mut ruleset = Ruleset::default()
        .handle_access(everything)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?;
    let read = AccessFs::from_read(FILE_RIGHTS);
    let device = read | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
    // Writing to /proc is the mount's matter, which is read-only.
    let mut places = vec![("/", read), (WRITABLE_DEVICES, device)];
    places.extend(WRITABLE.map(|place| (place, everything)));
    for (place, access) in places {
        if let Ok(place) = PathFd::new(place) {
            ruleset = ruleset.add_rule(PathBeneath::new(place, access))?;
        }
    }
    ruleset.restrict_self().map(drop)
}
