//! Control groups: one directory an environment in every hierarchy that limits something, on cgroup v2, v1
//! and hosts that mix both.
//!
//! Invariants: directories are made below the helper's own group, so that whatever limits the server limits
//! its functions too; a directory's name says which helper owns it, so that a later helper can tell and
//! sweep what a killed one left.

use super::hierarchy::{Hierarchies, Hierarchy, Version};
use crate::protocol::{CpuView, Failure, FreezerView, GroupView, Step};
use rustix::process::Pid;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// What a group limits.
pub struct Limits {
    /// All memory that the kernel charges to the group, in bytes.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub processes: u32,
    /// Cores.
    pub cpu_quota: f64,
}

/// The groups of all environments of this helper.
pub struct Cgroups {
    /// Where groups are made.
    pub hierarchies: Hierarchies,
    owner: String,
}

/// The directories of one environment.
#[derive(Default)]
pub struct Group {
    directories: Vec<PathBuf>,
    members: Vec<File>,
    memory: Option<Part>,
    /// The file that tells the memory in use, kept open as it is read again and again.
    usage: Option<File>,
    pids: Option<Part>,
    cpu: Option<Part>,
    freezer: Option<Part>,
}

/// The directory of one controller, and its interface.
type Part = (Version, PathBuf);

impl Cgroups {
    /// Finds the hierarchies and sweeps what helpers that are gone left behind.
    pub fn start() -> Cgroups {
        let hierarchies = Hierarchies::detect();
        let cgroups = Cgroups { hierarchies, owner: owner_name("self").unwrap_or_else(|| "unknown".into()) };
        for directory in cgroups.hierarchies.directories() {
            sweep(directory);
        }
        cgroups
    }

    /// Makes the directories of environment `id`, without limits yet.
    pub fn create(&self, id: u64) -> Result<Group, Failure> {
        let mut group = Group::default();
        let made = self.fill(&mut group, &format!("{}-{id}", self.owner));
        if made.is_err() {
            group.remove();
        }
        made.step("make control groups").map(|()| group)
    }

    fn fill(&self, group: &mut Group, name: &str) -> io::Result<()> {
        let all = &self.hierarchies;
        group.memory = group.make(all.memory.as_ref(), name)?;
        group.usage = group.view().memory_current.and_then(|path| File::open(path).ok());
        group.pids = group.make(all.pids.as_ref(), name)?;
        group.cpu = group.make(all.cpu.as_ref(), name)?;
        group.freezer = group.make(all.freezer.as_ref(), name)?;
        Ok(())
    }
}

fn limit_memory(version: Version, directory: &Path, bytes: u64) -> io::Result<()> {
    let bytes = bytes.to_string();
    if version == Version::Two {
        fs::write(directory.join("memory.max"), &bytes)?;
        write_if_there(directory.join("memory.swap.max"), "0")?;
        return write_if_there(directory.join("memory.oom.group"), "1");
    }
    fs::write(directory.join("memory.limit_in_bytes"), &bytes)?;
    write_if_there(directory.join("memory.memsw.limit_in_bytes"), &bytes)
}

fn cpu_view(version: Version, directory: &Path) -> CpuView {
    match version {
        Version::One => CpuView { path: directory.join("cpu.cfs_quota_us"), with_period: false },
        Version::Two => CpuView { path: directory.join("cpu.max"), with_period: true },
    }
}

/// For files that a kernel without swap accounting, or an older one, does not have.
fn write_if_there(path: PathBuf, text: &str) -> io::Result<()> {
    match fs::write(path, text) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // A kernel without the feature opens the file only to refuse.
        Err(error) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => Ok(()),
        written => written,
    }
}

impl Group {
    /// Makes this group's directory in a hierarchy, unless another controller has made it already.
    fn make(&mut self, hierarchy: Option<&Hierarchy>, name: &str) -> io::Result<Option<Part>> {
        let Some(hierarchy) = hierarchy else { return Ok(None) };
        let directory = hierarchy.directory.join(name);
        if !self.directories.contains(&directory) {
            fs::create_dir(&directory)?;
            self.directories.push(directory.clone());
            self.members.push(OpenOptions::new().write(true).open(directory.join("cgroup.procs"))?);
        }
        Ok(Some((hierarchy.version, directory)))
    }

    /// Sets the limits.
    pub fn limit(&self, limits: &Limits) -> Result<(), Failure> {
        let write = || {
            if let Some((version, directory)) = &self.memory {
                limit_memory(*version, directory, limits.memory_bytes)?;
            }
            if let Some((_, directory)) = &self.pids {
                // The first process, which forwards signals, is one more.
                fs::write(directory.join("pids.max"), (u64::from(limits.processes) + 1).to_string())?;
            }
            if let Some((version, directory)) = &self.cpu {
                cpu_view(*version, directory).limit(limits.cpu_quota)?;
            }
            Ok::<_, io::Error>(())
        };
        write().step("limit by control groups")
    }

    /// The descriptors through which a process joins.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.members.iter().map(AsFd::as_fd)
    }

    /// Moves the calling process, and what it forks from now on, into the group. May take tens of milliseconds.
    pub fn enter(&self) -> io::Result<()> {
        self.members.iter().try_for_each(|mut file| file.write_all(b"0"))
    }

    /// Lets go of the descriptors, in the process that does not enter.
    pub fn seal(&mut self) {
        self.members.clear();
    }

    /// Whether memory is limited by this group.
    pub fn limits_memory(&self) -> bool {
        self.memory.is_some()
    }

    /// The files that the server reads and writes itself.
    pub fn view(&self) -> GroupView {
        let memory = |one: &str, two: &str| {
            let (version, directory) = self.memory.as_ref()?;
            Some(directory.join(if *version == Version::One { one } else { two }))
                .filter(|path| path.exists())
        };
        let freezer = self.freezer.as_ref().map(|(version, directory)| match version {
            Version::One => freezer_view(directory, "freezer.state", "FROZEN", "THAWED"),
            Version::Two => freezer_view(directory, "cgroup.freeze", "1", "0"),
        });
        GroupView {
            memory_current: memory("memory.usage_in_bytes", "memory.current"),
            memory_peak: memory("memory.max_usage_in_bytes", "memory.peak"),
            freezer,
            cpu: self.cpu.as_ref().map(|(version, directory)| cpu_view(*version, directory)),
        }
    }

    /// Lets a frozen group go on: on cgroup v1 a frozen process cannot even be killed.
    pub fn thaw(&self) {
        if let Some(view) = self.view().freezer {
            let _ = fs::write(view.path, view.thaw);
        }
    }

    /// The memory charged now, in bytes.
    pub fn memory_current(&self) -> Option<u64> {
        let mut text = [0; 32];
        let length = self.usage.as_ref()?.read_at(&mut text, 0).ok()?;
        std::str::from_utf8(&text[..length]).ok()?.trim().parse().ok()
    }

    /// The most memory charged, in bytes.
    pub fn memory_peak(&self) -> Option<u64> {
        fs::read_to_string(self.view().memory_peak?).ok()?.trim().parse().ok()
    }

    /// What cannot be reclaimed, in bytes: anonymous memory, and shared memory with all `tmpfs`.
    pub fn memory_pinned(&self) -> Option<(u64, u64)> {
        let (version, directory) = self.memory.as_ref()?;
        let text = fs::read_to_string(directory.join("memory.stat")).ok()?;
        let anonymous = if *version == Version::One { "rss" } else { "anon" };
        Some((field(&text, anonymous)?, field(&text, "shmem")?))
    }

    /// How many processes the kernel killed for want of memory.
    pub fn oom_kills(&self) -> u64 {
        let Some((version, directory)) = self.memory.as_ref() else { return 0 };
        let file = if *version == Version::One { "memory.oom_control" } else { "memory.events" };
        fs::read_to_string(directory.join(file)).ok().and_then(|text| field(&text, "oom_kill")).unwrap_or(0)
    }

    /// Removes the directories; `false` if some are still in use and it is to be tried again.
    pub fn remove(&mut self) -> bool {
        self.members.clear();
        self.directories.retain(|directory| match fs::remove_dir(directory) {
            Ok(()) => false,
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        });
        self.directories.is_empty()
    }
}

fn freezer_view(directory: &Path, file: &str, freeze: &str, thaw: &str) -> FreezerView {
    FreezerView { path: directory.join(file), freeze: freeze.into(), thaw: thaw.into() }
}

/// The number after a name in a file of `name number` lines.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

/// `nephos-<pid namespace>-<pid>-<start time>` of a living process: a name that no other process ever has.
fn owner_name(process: &str) -> Option<String> {
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    let namespace: String = namespace.to_str()?.chars().filter(char::is_ascii_digit).collect();
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let pid: u32 = stat.split(' ').next()?.parse().ok()?;
    // The second field is a name in parentheses that may hold anything; the third is the state, and the 22nd
    // the start time.
    let mut fields = stat.rsplit(')').next()?.split_ascii_whitespace();
    let (state, start) = (fields.next()?, fields.nth(18)?);
    if ["Z", "X"].contains(&state) {
        return None;
    }
    Some(format!("nephos-{namespace}-{pid}-{start}"))
}

/// Removes the groups of helpers of this pid namespace that are gone, with whatever is still in them.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(owner) = name.to_str().and_then(gone_owner) else { continue };
        tracing::debug!(owner, "sweeping a control group of a helper that is gone");
        remove_with_members(&entry.path());
    }
}

/// The owner in a group's name, if it is of this pid namespace and its process is gone.
fn gone_owner(name: &str) -> Option<&str> {
    let (owner, id) = name.rsplit_once('-')?;
    id.parse::<u64>().ok()?;
    let mut parts = owner.split('-');
    let (prefix, namespace, pid) = (parts.next()?, parts.next()?, parts.next()?);
    let current = owner_name("self")?;
    let of_this_namespace = prefix == "nephos" && current.split('-').nth(1) == Some(namespace);
    let gone = owner_name(pid).as_deref() != Some(owner);
    (of_this_namespace && pid.parse::<u32>().is_ok() && gone).then_some(owner)
}

/// Kills what is left in a group, and removes it as soon as it is empty; gives up after a moment.
fn remove_with_members(directory: &Path) {
    let _ = write_if_there(directory.join("freezer.state"), "THAWED");
    for _ in 0..100 {
        let members = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
        for pid in members.lines().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        if fs::remove_dir(directory).is_ok() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(version: Version, directory: &Path) -> Group {
        let part = Some((version, directory.to_owned()));
        Group { memory: part.clone(), freezer: part, ..Group::default() }
    }

    #[test]
    fn version_two_has_its_own_files() {
        let directory = tempfile::tempdir().unwrap();
        limit_memory(Version::Two, directory.path(), 1 << 20).unwrap();
        cpu_view(Version::Two, directory.path()).limit(0.5).unwrap();
        let read = |file: &str| fs::read_to_string(directory.path().join(file)).unwrap();
        assert_eq!(read("memory.max"), "1048576");
        assert_eq!(read("memory.swap.max"), "0");
        assert_eq!(read("memory.oom.group"), "1");
        assert_eq!(read("cpu.max"), "50000 100000");
        fs::write(directory.path().join("memory.events"), "low 0\noom 4\noom_kill 3\n").unwrap();
        fs::write(directory.path().join("memory.stat"), "anon 11\nfile 12\nshmem 13\n").unwrap();
        let group = group(Version::Two, directory.path());
        assert_eq!(group.oom_kills(), 3);
        assert_eq!(group.memory_pinned(), Some((11, 13)));
        assert_eq!(group.view().freezer.unwrap().freeze, "1");
    }

    #[test]
    fn version_one_has_its_own_files() {
        let directory = tempfile::tempdir().unwrap();
        limit_memory(Version::One, directory.path(), 1 << 20).unwrap();
        cpu_view(Version::One, directory.path()).limit(0.001).unwrap();
        let read = |file: &str| fs::read_to_string(directory.path().join(file)).unwrap();
        assert_eq!(read("memory.limit_in_bytes"), "1048576");
        assert_eq!(read("cpu.cfs_quota_us"), "1000", "the least that the kernel takes");
        let control = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n";
        fs::write(directory.path().join("memory.oom_control"), control).unwrap();
        let group = group(Version::One, directory.path());
        assert_eq!(group.oom_kills(), 2);
        assert_eq!(group.view().freezer.unwrap().freeze, "FROZEN");
    }

    #[test]
    fn only_groups_of_processes_that_are_gone_are_swept() {
        let own = owner_name("self").unwrap();
        assert_eq!(gone_owner(&format!("{own}-4")), None);
        let namespace = own.split('-').nth(1).unwrap();
        let gone = format!("nephos-{namespace}-{}-1", std::process::id());
        assert_eq!(gone_owner(&format!("{gone}-4")), Some(gone.as_str()));
        assert_eq!(gone_owner("nephos-1-1-1-4"), None);
        assert_eq!(gone_owner("user.slice"), None);
    }
}
