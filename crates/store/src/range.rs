//! A stretch of keys, the direction in which to walk it, and how far.

use std::ops::Bound;

use crate::Key;

/// Which keys a scan visits.
#[derive(Debug, Clone)]
pub struct Range {
    pub(crate) start: Bound<Key>,
    pub(crate) end: Bound<Key>,
    pub(crate) reverse: bool,
    pub(crate) limit: Option<usize>,
}

impl Range {
    /// All keys that begin with `prefix`, itself included.
    pub fn prefix(prefix: &Key) -> Range {
        let end = prefix.successor().map_or(Bound::Unbounded, Bound::Excluded);
        Range::between(Bound::Included(prefix.clone()), end)
    }

    /// The keys between two bounds.
    pub fn between(start: Bound<Key>, end: Bound<Key>) -> Range {
        Range { start, end, reverse: false, limit: None }
    }

    /// Every key of every space.
    pub fn all() -> Range {
        Range::between(Bound::Unbounded, Bound::Unbounded)
    }

    /// Only keys greater than `key`, as a page in forward order continues.
    #[must_use]
    pub fn after(mut self, key: &Key) -> Range {
        let tighter = match &self.start {
            Bound::Unbounded => true,
            Bound::Included(start) | Bound::Excluded(start) => key >= start,
        };
        if tighter {
            self.start = Bound::Excluded(key.clone());
        }
        self
    }

    /// Only keys smaller than `key`, as a page in reverse order continues.
    #[must_use]
    pub fn before(mut self, key: &Key) -> Range {
        let tighter = match &self.end {
            Bound::Unbounded => true,
            Bound::Included(end) | Bound::Excluded(end) => key <= end,
        };
        if tighter {
            self.end = Bound::Excluded(key.clone());
        }
        self
    }

    /// Visits the greatest key first.
    #[must_use]
    pub fn reverse(mut self) -> Range {
        self.reverse = true;
        self
    }

    /// Visits at most `count` keys.
    #[must_use]
    pub fn limit(mut self, count: usize) -> Range {
        self.limit = Some(count);
        self
    }

    /// The bounds as slices, or none where no key can lie between them (where standard maps would panic).
    pub(crate) fn bounds(&self) -> Option<(Bound<&[u8]>, Bound<&[u8]>)> {
        let start = self.start.as_ref().map(Key::as_bytes);
        let end = self.end.as_ref().map(Key::as_bytes);
        let empty = match (start, end) {
            (Bound::Included(a), Bound::Included(b)) => a > b,
            (Bound::Included(a) | Bound::Excluded(a), Bound::Excluded(b) | Bound::Included(b)) => a >= b,
            _ => false,
        };
        (!empty && self.limit != Some(0)).then_some((start, end))
    }

    /// What of this range a scan has seen that stopped at `last`.
    pub(crate) fn up_to(&self, last: Key) -> (Bound<Key>, Bound<Key>) {
        if self.reverse {
            (Bound::Included(last), self.end.clone())
        } else {
            (self.start.clone(), Bound::Included(last))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> Key {
        Key::new("s").u8(n)
    }

    #[test]
    fn after_and_before_only_tighten() {
        let range = Range::prefix(&key(5)).after(&key(3));
        assert_eq!(range.start, Bound::Included(key(5)));
        let range = Range::between(Bound::Included(key(5)), Bound::Included(key(9)));
        let range = range.after(&key(5)).before(&key(9)).before(&key(200));
        assert_eq!((range.start, range.end), (Bound::Excluded(key(5)), Bound::Excluded(key(9))));
    }

    #[test]
    fn impossible_bounds_are_empty() {
        let between = |a, b| Range::between(a, b).bounds().is_some();
        assert!(between(Bound::Included(key(1)), Bound::Included(key(1))));
        assert!(!between(Bound::Included(key(1)), Bound::Excluded(key(1))));
        assert!(!between(Bound::Excluded(key(1)), Bound::Excluded(key(1))));
        assert!(!between(Bound::Included(key(2)), Bound::Included(key(1))));
        assert!(Range::all().limit(0).bounds().is_none());
    }
}
