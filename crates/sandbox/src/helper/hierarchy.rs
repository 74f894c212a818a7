//! Where control groups can be made: the helper's own group in each hierarchy that this process may write.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The group that the server and its helper step down into where cgroup v2 allows no processes beside
/// groups.
const MAIN_GROUP: &str = "nephos-main";

/// The two interfaces of control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// One hierarchy a controller.
    One,
    /// One hierarchy for all.
    Two,
}

/// A directory below which groups are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchy {
    /// Its interface.
    pub version: Version,
    /// The directory.
    pub directory: PathBuf,
}

/// For each means of limiting, the hierarchy that does it, if one can be written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hierarchies {
    /// Memory.
    pub memory: Option<Hierarchy>,
    /// Number of processes.
    pub pids: Option<Hierarchy>,
    /// Processor time.
    pub cpu: Option<Hierarchy>,
    /// Freezing; on v2 it needs no controller.
    pub freezer: Option<Hierarchy>,
}

impl Hierarchies {
    /// Looks at this process's own groups and tries what can be made there.
    pub fn detect() -> Hierarchies {
        let membership = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let unified = locate(&membership, &mounts, None).map(above_main).filter(|path| writable(path));
        let controllers = unified.as_deref().map(enable_controllers).unwrap_or_default();
        let pick = |controller: &str| {
            if let Some(directory) = unified.as_ref().filter(|_| controllers.contains(controller)) {
                return Some(Hierarchy { version: Version::Two, directory: directory.clone() });
            }
            let directory = locate(&membership, &mounts, Some(controller)).filter(|path| writable(path))?;
            Some(Hierarchy { version: Version::One, directory })
        };
        let freezer = unified.clone().map(|directory| Hierarchy { version: Version::Two, directory });
        Hierarchies {
            memory: pick("memory"),
            pids: pick("pids"),
            cpu: pick("cpu"),
            // Preferred on v2, where a frozen process can be killed.
            freezer: freezer.or_else(|| pick("freezer")),
        }
    }

    /// Every directory once.
    pub fn directories(&self) -> BTreeSet<&Path> {
        [&self.memory, &self.pids, &self.cpu, &self.freezer]
            .into_iter()
            .flatten()
            .map(|hierarchy| hierarchy.directory.as_path())
            .collect()
    }
}

/// The directory of this process's group of a v1 controller, or of cgroup v2 with `None`.
fn locate(membership: &str, mounts: &str, controller: Option<&str>) -> Option<PathBuf> {
    let group = membership.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let wanted = match controller {
            Some(controller) => controllers.split(',').any(|name| name == controller),
            None => controllers.is_empty(),
        };
        wanted.then_some(path)
    })?;
    mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let mut kind = kind.split(' ');
        let (system, options) = (kind.next()?, kind.nth(1)?);
        let wanted = match controller {
            Some(controller) => system == "cgroup" && options.split(',').any(|name| name == controller),
            None => system == "cgroup2",
        };
        if !wanted {
            return None;
        }
        let mut place = place.split(' ').skip(3);
        let (root, point) = (place.next()?, place.next()?);
        // In a container only a part of the hierarchy is mounted, and the group's path counts from its top.
        let below = Path::new(group).strip_prefix(root).ok()?;
        Some(Path::new(point).components().chain(below.components()).collect())
    })
}

/// A helper that was restarted finds itself in the group that its server had stepped down into.
fn above_main(directory: PathBuf) -> PathBuf {
    if directory.ends_with(MAIN_GROUP) {
        return directory.parent().map(Path::to_owned).unwrap_or(directory);
    }
    directory
}

fn writable(directory: &Path) -> bool {
    let trial = directory.join(format!("nephos-trial-{}", std::process::id()));
    fs::create_dir(&trial).and_then(|()| fs::remove_dir(&trial)).is_ok()
}

/// Hands the controllers of cgroup v2 down to the groups to come; tells which ones that worked for.
fn enable_controllers(directory: &Path) -> BTreeSet<String> {
    let read = |file: &str| fs::read_to_string(directory.join(file)).unwrap_or_default();
    let offered: Vec<String> = read("cgroup.controllers")
        .split_whitespace()
        .filter(|name| ["memory", "pids", "cpu"].contains(name))
        .map(str::to_owned)
        .collect();
    for controller in &offered {
        let enable = || fs::write(directory.join("cgroup.subtree_control"), format!("+{controller}"));
        if enable().is_err() && step_down(directory).is_ok() {
            let _ = enable();
        }
    }
    let enabled = read("cgroup.subtree_control");
    offered.into_iter().filter(|name| enabled.split_whitespace().any(|other| other == name)).collect()
}

/// Moves the server and the helper into a group of their own, if nobody else is in theirs.
fn step_down(directory: &Path) -> io::Result<()> {
    let own = [Some(rustix::process::getpid()), rustix::process::getppid()];
    let own = own.map(|pid| pid.map_or(0, |pid| pid.as_raw_nonzero().get()).to_string());
    let members = fs::read_to_string(directory.join("cgroup.procs"))?;
    if members.lines().any(|member| !own.iter().any(|pid| pid == member)) {
        return Err(io::Error::other("expected a control group for the server alone"));
    }
    let main = directory.join(MAIN_GROUP);
    if !main.exists() {
        fs::create_dir(&main)?;
    }
    members.lines().try_for_each(|member| fs::write(main.join("cgroup.procs"), member))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw,relatime shared:3 - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";

    #[test]
    fn finds_the_own_group_of_each_controller() {
        let membership = "3:cpu,cpuacct:/a/b\n2:memory:/docker/abc/x\n0::/c";
        let find = |controller| locate(membership, MOUNTS, controller);
        assert_eq!(find(Some("cpu")).unwrap(), Path::new("/sys/fs/cgroup/cpu,cpuacct/a/b"));
        assert_eq!(find(Some("memory")).unwrap(), Path::new("/sys/fs/cgroup/memory/x"));
        assert_eq!(find(None).unwrap(), Path::new("/sys/fs/cgroup/unified/c"));
        assert_eq!(find(Some("pids")), None);
    }

    #[test]
    fn a_group_outside_of_what_is_mounted_is_not_used() {
        assert_eq!(locate("2:memory:/elsewhere", MOUNTS, Some("memory")), None);
    }

    #[test]
    fn a_restarted_helper_uses_the_group_above_its_own() {
        assert_eq!(above_main("/sys/fs/cgroup/app/nephos-main".into()), Path::new("/sys/fs/cgroup/app"));
        assert_eq!(above_main("/sys/fs/cgroup/app".into()), Path::new("/sys/fs/cgroup/app"));
    }
}
