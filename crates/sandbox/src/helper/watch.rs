//! Watching memory where the kernel's own limit is not the promise to the letter.
//!
//! `/tmp` is a tmpfs, whose pages the kernel charges to the function that wrote them, while the promise is
//! memory *and* `/tmp`. So the kernel's limit is their sum, which nothing can pass, and what is held without
//! `/tmp` is measured here several times a second. Where no memory group can be had, the processes' own
//! figures are summed up instead.

use super::cgroup::Group;
use std::fs;
use std::os::fd::OwnedFd;

/// How often environments are measured, in milliseconds.
pub const PERIOD_MILLISECONDS: u64 = 100;
/// Those that use less than half of their memory, and have a limit by the kernel, are measured only every so
/// many periods.
pub const PERIODS_AT_EASE: u64 = 5;
/// More processes than this are not walked through; the limit of processes is far below.
const MAX_WALK: usize = 16_384;

/// What was measured.
pub struct Measured {
    /// Memory held now, in bytes, without what lies in `/tmp`; never less than what it is.
    pub held_bytes: u64,
    /// Whether the next look is not urgent.
    pub at_ease: bool,
}

/// Measures an environment; a closer look is taken only where the group as a whole is above `limit`.
pub fn measure(limit: u64, group: &Group, tmp: &OwnedFd, first_process: u32) -> Measured {
    if !group.limits_memory() {
        return Measured { held_bytes: resident(first_process), at_ease: false };
    }
    let charged = group.memory_current().unwrap_or(0);
    let held = if charged > limit { held_by(group, tmp) } else { None };
    Measured { held_bytes: held.unwrap_or(charged.min(limit)), at_ease: charged < limit / 2 }
}

fn held_by(group: &Group, tmp: &OwnedFd) -> Option<u64> {
    let (anonymous, shared) = group.memory_pinned()?;
    Some(anonymous + shared.saturating_sub(used(tmp)))
}

/// Bytes that lie in a file system.
pub fn used(filesystem: &OwnedFd) -> u64 {
    rustix::fs::fstatfs(filesystem).map_or(0, |status| {
        let block = u64::try_from(status.f_bsize).unwrap_or(0);
        (status.f_blocks - status.f_bfree) * block
    })
}

/// Anonymous and shared memory of all descendants of a process.
fn resident(first_process: u32) -> u64 {
    let mut waiting = vec![first_process];
    let mut walked = 0;
    let mut sum = 0;
    while let Some(pid) = waiting.pop() {
        walked += 1;
        if walked > MAX_WALK {
            break;
        }
        waiting.extend(children(pid));
        if pid != first_process {
            sum += resident_of(pid);
        }
    }
    sum
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

fn resident_of(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    ["RssAnon:", "RssShmem:"].iter().filter_map(|name| kilobytes(&status, name)).sum::<u64>() * 1024
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_what_descendants_hold_and_not_the_first() {
        let own = std::process::id();
        let mut child = std::process::Command::new("sleep").arg("5").spawn().unwrap();
        let both = resident(own);
        let alone = resident(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(both > 0);
        assert_eq!(alone, 0);
    }

    #[test]
    fn reads_a_status_line() {
        assert_eq!(kilobytes("VmRSS:\t 9 kB\nRssAnon:\t     123 kB\n", "RssAnon:"), Some(123));
        assert_eq!(kilobytes("VmRSS:\t 9 kB\n", "RssAnon:"), None);
    }
}
