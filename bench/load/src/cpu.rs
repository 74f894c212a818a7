//! The CPU time of a process and of everything below it, from `/proc`.

use std::collections::HashMap;
use std::fs;

/// The kernel tells CPU times in hundredths of a second, on every architecture that we run on.
const TICK_US: u64 = 10_000;

struct Stat {
    parent: u32,
    ticks: u64,
}

/// Microseconds of CPU that the process, its descendants and those that it has already buried have used.
pub fn of_tree(pid: u32) -> u64 {
    let stats: HashMap<u32, Stat> = pids().filter_map(|pid| Some((pid, stat(pid)?))).collect();
    let ticks: u64 =
        stats.iter().filter(|(child, _)| descends(&stats, **child, pid)).map(|(_, stat)| stat.ticks).sum();
    ticks * TICK_US
}

/// The same for one process alone.
pub fn of_self() -> u64 {
    stat(std::process::id()).map_or(0, |stat| stat.ticks * TICK_US)
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn descends(stats: &HashMap<u32, Stat>, mut pid: u32, ancestor: u32) -> bool {
    while pid != ancestor {
        match stats.get(&pid) {
            Some(stat) if stat.parent != 0 => pid = stat.parent,
            _ => return false,
        }
    }
    true
}

/// The fields after the command's name, which is in brackets and may hold anything: state is the first of them.
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    // utime, stime, and those of buried children.
    let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_in_the_count() {
        let before = of_self();
        let mut sum = 0u64;
        while of_self() < before + 2 * TICK_US {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
        assert!(of_tree(std::process::id()) >= of_self() - TICK_US);
    }

    #[test]
    fn a_stranger_is_not_below_us() {
        let stats = HashMap::from([
            (2, Stat { parent: 1, ticks: 0 }),
            (3, Stat { parent: 2, ticks: 0 }),
            (4, Stat { parent: 0, ticks: 0 }),
        ]);
        assert!(descends(&stats, 3, 2) && descends(&stats, 2, 2));
        assert!(!descends(&stats, 4, 2) && !descends(&stats, 2, 3));
    }
}
