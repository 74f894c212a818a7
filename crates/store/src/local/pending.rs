//! What a transaction inside the gate reads: the durable state with the waiting writes laid over it.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;

use crate::snapshot::{Entries, Snapshot, Writes, scan_over};
use crate::{Range, StoreError};

/// The durable state, over it the batch that is being written, over that the open one.
pub(super) struct Pending {
    base: Over,
    open: Arc<Writes>,
    saw_pending: Rc<Cell<bool>>,
}

struct Over {
    base: Box<dyn Snapshot>,
    writes: Arc<Writes>,
}

impl Pending {
    /// `layers` are the batch that is being written and the open one. The cell tells whether either was read.
    pub(super) fn new(base: Box<dyn Snapshot>, layers: [Arc<Writes>; 2]) -> (Pending, Rc<Cell<bool>>) {
        let [writes, open] = layers;
        let saw_pending = Rc::new(Cell::new(false));
        (Pending { base: Over { base, writes }, open, saw_pending: saw_pending.clone() }, saw_pending)
    }

    fn layers(&self) -> [&Writes; 2] {
        [&self.open, &self.base.writes]
    }
}

impl Snapshot for Over {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.writes.get(key).map_or_else(|| self.base.get(key), |written| Ok(written.clone()))
    }

    fn scan(&self, range: &Range, visit: Entries<'_>) -> Result<(), StoreError> {
        scan_over(&*self.base, &self.writes, range, visit)
    }
}

impl Snapshot for Pending {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        if let Some(written) = self.layers().into_iter().find_map(|layer| layer.get(key)) {
            self.saw_pending.set(true);
            return Ok(written.clone());
        }
        self.base.base.get(key)
    }

    fn scan(&self, range: &Range, visit: Entries<'_>) -> Result<(), StoreError> {
        let Some(bounds) = range.bounds() else { return Ok(()) };
        if self.layers().into_iter().any(|layer| layer.range::<[u8], _>(bounds).next().is_some()) {
            self.saw_pending.set(true);
        }
        scan_over(&self.base, &self.open, range, &mut |key, value| -> ControlFlow<()> { visit(key, value) })
    }
}
