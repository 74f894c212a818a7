//! The read-only root that environments share: built once for each combination of host paths and mount
//! points, copied for each environment by one system call.
//!
//! It is a small tmpfs with directories, a made-up `/etc`, devices that are harmless, and read-only binds of
//! the host's interpreters. Nothing in it is secret and nothing in it can be written.

use super::mounts;
use crate::protocol::{Failure, Step};
use crate::spec::{INSIDE_GID, INSIDE_UID, Spec};
use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, symlinkat, unlinkat};
use rustix::io::Errno;
use rustix::mount::{MountAttrFlags, UnmountFlags, unmount};
use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// How many roots are kept; each is some tens of mounts, which every new environment's namespace copies.
const MAX_TEMPLATES: usize = 8;
const MAX_COPIED_BYTES: u64 = 4 << 20;

const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
const LINKS: [(&str, &str); 4] = [
    ("dev/fd", "/proc/self/fd"),
    ("dev/stdin", "/proc/self/fd/0"),
    ("dev/stdout", "/proc/self/fd/1"),
    ("dev/stderr", "/proc/self/fd/2"),
];
const DIRECTORIES: [&str; 8] = ["dev", "etc", "etc/ssl", "etc/pki", "etc/pki/tls", "proc", "tmp", "var"];
/// What dynamically linked interpreters and TLS libraries read; copied, so that it costs no mount.
const COPIED: [&str; 3] = ["etc/ld.so.cache", "etc/ld.so.conf", "etc/ssl/openssl.cnf"];
/// Directories of the same kind, shown where the host has them.
const SHOWN: [&str; 4] = ["etc/alternatives", "etc/ssl/certs", "etc/pki/ca-trust", "etc/pki/tls/certs"];

/// What makes one root differ from another.
#[derive(PartialEq, Eq)]
struct Key {
    host_paths: Vec<PathBuf>,
    points: Vec<Point>,
    hostname: String,
}

#[derive(PartialEq, Eq)]
struct Point {
    target: String,
    directory: bool,
}

struct Template {
    key: Key,
    root: OwnedFd,
    name: String,
}

/// The roots built so far, the one used last at the end.
pub struct Templates {
    staging: OwnedFd,
    built: Vec<Template>,
    count: u64,
}

impl Templates {
    /// Makes the place where roots are built: a mount over the helper's own root, where no path leads.
    pub fn start() -> Result<Templates, Failure> {
        let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        let staging = mounts::filesystem("tmpfs", &[("mode", "0700"), ("size", "64k")], flags)?;
        mounts::attach_over_root(staging.as_fd())?;
        Ok(Templates { staging, built: Vec::new(), count: 0 })
    }

    /// A detached, read-only copy of the root for a specification.
    pub fn copy_for(&mut self, spec: &Spec) -> Result<OwnedFd, Failure> {
        let key = Key::of(spec)?;
        let template = match self.built.iter().position(|template| template.key == key) {
            Some(place) => self.built.remove(place),
            None => self.build(key)?,
        };
        let copy = mounts::copy(template.root.as_fd());
        self.built.push(template);
        let copy = copy?;
        mounts::restrict(copy.as_fd(), false, mounts::READ_ONLY)?;
        Ok(copy)
    }

    fn build(&mut self, key: Key) -> Result<Template, Failure> {
        if self.built.len() >= MAX_TEMPLATES {
            self.discard();
        }
        let name = format!("root-{}", self.count);
        self.count += 1;
        let flags = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
        let root = mounts::filesystem("tmpfs", &[("mode", "0755"), ("size", "16m")], flags)?;
        mkdirat(&self.staging, name.as_str(), Mode::RWXU).step("make a place for a root")?;
        mounts::attach(root.as_fd(), self.staging.as_fd(), &name)?;
        let template = Template { key, root, name };
        match fill(template.root.as_fd(), &template.key) {
            Ok(()) => Ok(template),
            Err(failure) => {
                self.remove(template);
                Err(failure)
            }
        }
    }

    fn discard(&mut self) {
        let oldest = self.built.remove(0);
        self.remove(oldest);
    }

    fn remove(&self, template: Template) {
        let _ = unmount(format!("/proc/self/fd/{}", template.root.as_raw_fd()), UnmountFlags::DETACH);
        let _ = unlinkat(&self.staging, template.name.as_str(), AtFlags::REMOVEDIR);
    }
}

impl Key {
    fn of(spec: &Spec) -> Result<Key, Failure> {
        let point = |mount: &crate::Mount| {
            let kind = fs::metadata(&mount.source).step(format!("look at {}", mount.source.display()))?;
            Ok(Point { target: mount.target.clone(), directory: kind.is_dir() })
        };
        Ok(Key {
            host_paths: spec.host_paths.clone(),
            points: spec.mounts.iter().map(point).collect::<Result<_, Failure>>()?,
            hostname: spec.hostname.clone(),
        })
    }
}

fn fill(root: BorrowedFd<'_>, key: &Key) -> Result<(), Failure> {
    DIRECTORIES.iter().try_for_each(|directory| make_directories(root, Path::new(directory)))?;
    for (name, target) in LINKS {
        symlinkat(target, root, name).step(format!("link /{name}"))?;
    }
    for device in DEVICES.map(|name| format!("dev/{name}")) {
        make_file(root, Path::new(&device), b"")?;
        let mount = mounts::tree(&Path::new("/").join(&device))?;
        mounts::restrict(
            mount.as_fd(),
            false,
            libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC,
        )?;
        mounts::attach(mount.as_fd(), root, &device)?;
    }
    fill_etc(root, &key.hostname)?;
    for point in &key.points {
        make_point(root, relative(Path::new(&point.target)), point.directory)?;
    }
    key.host_paths.iter().try_for_each(|path| show_host_path(root, path))
}

fn fill_etc(root: BorrowedFd<'_>, hostname: &str) -> Result<(), Failure> {
    let files = [
        (
            "etc/passwd",
            format!(
                "root:x:0:0:root:/:/sbin/nologin\nsbx_user1051:x:{INSIDE_UID}:{INSIDE_GID}::/tmp:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"
            ),
        ),
        ("etc/group", format!("root:x:0:\nsbx_user1051:x:{INSIDE_GID}:\nnobody:x:65534:\n")),
        (
            "etc/hosts",
            format!(
                "127.0.0.1 localhost sandbox sandbox.localdomain {hostname}\n::1 localhost ip6-localhost\n"
            ),
        ),
        ("etc/hostname", format!("{hostname}\n")),
        ("etc/resolv.conf", "options attempts:1 timeout:1\n".into()),
        ("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n".into()),
    ];
    for (name, text) in files {
        make_file(root, Path::new(name), text.as_bytes())?;
    }
    symlinkat("/usr/share/zoneinfo/UTC", root, "etc/localtime").step("link /etc/localtime")?;
    for name in COPIED {
        if let Some(bytes) = read_small(&Path::new("/").join(name)) {
            make_file(root, Path::new(name), &bytes)?;
        }
    }
    for name in SHOWN {
        let source = Path::new("/").join(name);
        if source.is_dir() {
            make_directories(root, Path::new(name))?;
            mounts::show(root, &source, name)?;
        }
    }
    Ok(())
}

fn read_small(path: &Path) -> Option<Vec<u8>> {
    let small = fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() <= MAX_COPIED_BYTES);
    small.then(|| fs::read(path).ok()).flatten()
}

/// Shows a place of the host under its own name. What is a link there is the same link here.
fn show_host_path(root: BorrowedFd<'_>, path: &Path) -> Result<(), Failure> {
    let step = || format!("show {}", path.display());
    let kind = match fs::symlink_metadata(path) {
        Ok(kind) => kind,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).step(step()),
    };
    let place = relative(path);
    if kind.is_symlink() {
        if let Some(parent) = place.parent() {
            make_directories(root, parent)?;
        }
        let target = fs::read_link(path).step(step())?;
        return match symlinkat(target, root, place) {
            Err(Errno::EXIST) => Ok(()),
            linked => linked.step(step()),
        };
    }
    make_point(root, place, kind.is_dir())?;
    mounts::show(root, path, &place.to_string_lossy())
}

fn relative(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap_or(path)
}

fn make_point(root: BorrowedFd<'_>, place: &Path, directory: bool) -> Result<(), Failure> {
    if directory {
        return make_directories(root, place);
    }
    if let Some(parent) = place.parent() {
        make_directories(root, parent)?;
    }
    make_file(root, place, b"")
}

/// Makes a directory and those above it. What lies inside a bind that is there already is left as it is.
fn make_directories(root: BorrowedFd<'_>, place: &Path) -> Result<(), Failure> {
    let mut so_far = PathBuf::new();
    for part in place.components() {
        so_far.push(part);
        let mode = Mode::RWXU | Mode::RGRP | Mode::XGRP | Mode::ROTH | Mode::XOTH;
        match mkdirat(root, &so_far, mode) {
            Err(Errno::EXIST | Errno::ROFS) => {}
            made => made.step(format!("make /{}", so_far.display()))?,
        }
    }
    Ok(())
}

fn make_file(root: BorrowedFd<'_>, place: &Path, content: &[u8]) -> Result<(), Failure> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
    let write = || {
        let file = match openat(root, place, flags, mode) {
            Err(Errno::ROFS) => return Ok(()),
            opened => opened?,
        };
        fs::File::from(file).write_all(content)
    };
    write().step(format!("write /{}", place.display()))
}
