//! What an engine offers to read from, and how unfinished writes are laid over it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bytes::Bytes;

use crate::{Key, Range, StoreError};

/// Writes that are not (yet) in what lies below: a value, or none where the key is deleted.
pub(crate) type Writes = BTreeMap<Bytes, Option<Bytes>>;

/// What a scan inside the crate hands its entries to; they are reference-counted, so keeping them copies nothing.
pub(crate) type Entries<'a> = &'a mut dyn FnMut(Bytes, Bytes) -> ControlFlow<()>;

/// One consistent state of an engine's data.
pub(crate) trait Snapshot {
    /// The value at `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError>;

    /// The values at `keys`, in their order.
    fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>, StoreError> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    /// Visits the range in its direction until told to stop. The range's limit is only a hint for how much to fetch.
    fn scan(&self, range: &Range, visit: Entries<'_>) -> Result<(), StoreError>;
}

/// The state of a store that was never written.
pub(crate) struct Nothing;

impl Snapshot for Nothing {
    fn get(&self, _: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(None)
    }

    fn scan(&self, _: &Range, _: Entries<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Scans `base` as it looks with `writes` laid over it.
pub(crate) fn scan_over(
    base: &dyn Snapshot,
    writes: &Writes,
    range: &Range,
    visit: Entries<'_>,
) -> Result<(), StoreError> {
    let Some(bounds) = range.bounds() else { return Ok(()) };
    let mut over = writes.range::<[u8], _>(bounds).peekable();
    if over.peek().is_none() {
        return base.scan(range, visit);
    }
    let mut forward = writes.range::<[u8], _>(bounds);
    if range.reverse {
        merge(base, &mut forward.rev(), range, visit)
    } else {
        merge(base, &mut forward, range, visit)
    }
}

type Written<'a> = (&'a Bytes, &'a Option<Bytes>);

fn merge<'a>(
    base: &dyn Snapshot,
    over: &mut dyn Iterator<Item = Written<'a>>,
    range: &Range,
    visit: Entries<'_>,
) -> Result<(), StoreError> {
    let mut over = over.peekable();
    let mut stopped = false;
    // What is deleted above does not count towards the limit, so the limit is no guide for the base.
    let unlimited = Range { limit: None, ..range.clone() };
    base.scan(&unlimited, &mut |key, value| {
        let flow = match before(&mut over, &key, range.reverse, visit) {
            ControlFlow::Continue(false) => visit(key, value),
            ControlFlow::Continue(true) => ControlFlow::Continue(()),
            ControlFlow::Break(()) => ControlFlow::Break(()),
        };
        stopped = flow.is_break();
        flow
    })?;
    while let (false, Some((key, value))) = (stopped, over.next()) {
        stopped = value.as_ref().is_some_and(|value| visit(key.clone(), value.clone()).is_break());
    }
    Ok(())
}

/// Visits what is written before `key`, and at it; true if something was written at `key` itself.
fn before<'a>(
    over: &mut std::iter::Peekable<&mut dyn Iterator<Item = Written<'a>>>,
    key: &Bytes,
    reverse: bool,
    visit: Entries<'_>,
) -> ControlFlow<(), bool> {
    let not_after = |at: &Bytes| if reverse { at >= key } else { at <= key };
    while let Some((at, value)) = over.next_if(|(at, _)| not_after(at)) {
        if let Some(value) = value {
            visit(at.clone(), value.clone())?;
        }
        if at == key {
            return ControlFlow::Continue(true);
        }
    }
    ControlFlow::Continue(false)
}

/// The values at `keys`, from `writes` where they hold them, else from `base` in one call.
pub(crate) fn get_many_over(
    base: &dyn Snapshot,
    writes: &Writes,
    keys: &[&[u8]],
) -> Result<Vec<Option<Bytes>>, StoreError> {
    let missing: Vec<&[u8]> = keys.iter().copied().filter(|key| !writes.contains_key(*key)).collect();
    let mut found = base.get_many(&missing)?.into_iter();
    let values = keys.iter().map(|key| match writes.get(*key) {
        Some(written) => written.clone(),
        None => found.next().flatten(),
    });
    Ok(values.collect())
}

/// A key that a scan met, for the record of what was read.
pub(crate) fn owned(key: &Bytes) -> Key {
    Key::from_bytes(key)
}
