//! Counters, as `/_nephos/health` shows them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Distinct names that are counted one by one; further ones are counted together.
const MAX_NAMES: usize = 256;

/// A number that only grows, or that goes up and down.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less.
    pub fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the gateway counts.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Connections open now.
    pub connections: Counter,
    /// Connections since the start.
    pub connections_total: Counter,
    /// Connections closed because a client stalled or idled.
    pub timeouts: Counter,
    /// Requests running now.
    pub running: Counter,
    /// Requests since the start.
    pub requests: Counter,
    /// Answers with status 400 to 499.
    pub client_errors: Counter,
    /// Answers with status 500 and up.
    pub server_errors: Counter,
    /// Signatures and credentials refused.
    pub unauthenticated: Counter,
    /// Browser requests refused under `--dev`.
    pub guarded: Counter,
    /// Bodies refused for want of memory.
    pub shed: Counter,
    unknown: Mutex<BTreeMap<String, u64>>,
}

impl Metrics {
    /// Counts a call of something that Nephos does not have, such as `dynamodb:RestoreTableToPointInTime`.
    pub fn unknown_operation(&self, service: &str, operation: &str) {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '?');
        let name: String = format!("{service}:{operation}").chars().filter(|c| legal(*c)).take(100).collect();
        tracing::warn!(service, operation, "an operation was asked for that is not implemented");
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        let full = unknown.len() >= MAX_NAMES && !unknown.contains_key(&name);
        *unknown.entry(if full { "others".to_owned() } else { name }).or_default() += 1;
    }

    /// What was asked for in vain, with how often.
    pub fn unknown(&self) -> BTreeMap<String, u64> {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_and_bounded() {
        let metrics = Metrics::default();
        for n in 0..1000 {
            metrics.unknown_operation("s3", &format!("Op{n}"));
        }
        let counted = metrics.unknown();
        assert_eq!(counted.get("s3:Op0"), Some(&1));
        assert_eq!(counted.len(), MAX_NAMES + 1);
        assert_eq!(counted.get("others"), Some(&(1000 - MAX_NAMES as u64)));
    }
}
