//! Mounting by descriptor: every mount is made detached, given its attributes, and only then put in place,
//! so that nothing is ever visible with more rights than it is to have.

use crate::protocol::{Failure, Step};
use crate::sys::{self, MountAttributes};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
    fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Attributes of what only is to be read.
pub const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;

/// A new file system of a kind, with options, mounted nowhere yet.
pub fn filesystem(kind: &str, options: &[(&str, &str)], flags: MountAttrFlags) -> Result<OwnedFd, Failure> {
    let make = || {
        let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
        for (name, value) in options {
            fsconfig_set_string(context.as_fd(), *name, *value)?;
        }
        fsconfig_create(context.as_fd())?;
        fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, flags)
    };
    make().step(format!("make a {kind} file system"))
}

/// A detached copy of the mount at `path` of the current root, with all below it.
pub fn tree(path: &Path) -> Result<OwnedFd, Failure> {
    let flags =
        OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    open_tree(CWD, path, flags).step(format!("bind {}", path.display()))
}

/// A detached copy of the mount that `mount` stands for, with all below it.
pub fn copy(mount: BorrowedFd<'_>) -> Result<OwnedFd, Failure> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_EMPTY_PATH;
    open_tree(mount, "", flags).step("copy a mount")
}

/// Sets attributes, and cuts the mount off from changes that the host makes later.
pub fn restrict(mount: BorrowedFd<'_>, recursive: bool, set: u64) -> Result<(), Failure> {
    let attributes = MountAttributes { set, propagation: libc::MS_PRIVATE, ..Default::default() };
    sys::mount_setattr(mount, recursive, attributes).step("restrict a mount")
}

/// Shows the host's `source` at `target` below `root`, to be read only.
pub fn show(root: BorrowedFd<'_>, source: &Path, target: &str) -> Result<(), Failure> {
    let mount = tree(source)?;
    restrict(mount.as_fd(), true, READ_ONLY)?;
    attach(mount.as_fd(), root, target)
}

/// Puts a detached mount at `target` below `root`. Symbolic links on the way stay below `root`.
pub fn attach(mount: BorrowedFd<'_>, root: BorrowedFd<'_>, target: &str) -> Result<(), Failure> {
    let place = open_place(root, target).step(format!("find {target}"))?;
    attach_at(mount, place.as_fd(), target)
}

/// Puts a detached mount at a place that was opened; `name` is for the failure.
pub fn attach_at(mount: BorrowedFd<'_>, place: BorrowedFd<'_>, name: &str) -> Result<(), Failure> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(mount, "", place, "", flags).step(format!("mount on {name}"))
}

/// Opens a place below `root` as a name, without following links out of it.
pub fn open_place(root: BorrowedFd<'_>, target: &str) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    loop {
        match openat2(root, target, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve) {
            // The kernel asks to try again where a rename elsewhere crossed the walk.
            Err(Errno::AGAIN) => {}
            opened => return opened,
        }
    }
}

/// Puts a detached mount over the whole tree, where a process that has its root below does not see it.
pub fn attach_over_root(mount: BorrowedFd<'_>) -> Result<(), Failure> {
    move_mount(mount, "", CWD, "/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH).step("mount over the root")
}
