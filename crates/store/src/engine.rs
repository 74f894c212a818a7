//! The one trait that separates the store from where its bytes lie.

use tokio::sync::oneshot;

use crate::backlog::Backlog;
use crate::counts::Counts;
use crate::{StoreError, Tx, View};

/// What a transaction's closure decided.
pub(crate) enum Verdict {
    /// It wants its writes committed.
    Commit,
    /// It failed; nothing is to be written.
    Abort,
}

/// Runs a transaction's closure; called again where a conflict made the first run worthless.
pub(crate) type Body<'a> = &'a mut dyn FnMut(&mut Tx) -> Verdict;

/// What an engine takes at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The longest key, in bytes.
    pub(crate) key_bytes: usize,
    /// The most that one transaction may write, in bytes.
    pub(crate) transaction_bytes: usize,
}

/// Something that runs snapshots and serializable transactions. All calls are synchronous.
pub(crate) trait Engine: Send + Sync {
    /// Calls `body` once, with a consistent snapshot.
    fn read(&self, body: &mut dyn FnMut(&View)) -> Result<(), StoreError>;

    /// Calls `body` until a run of it commits or aborts. The receipt, if any, tells when the outcome is durable;
    /// without one it is so already.
    fn transact(&self, name: &'static str, body: Body<'_>) -> Result<Option<Receipt>, StoreError>;

    /// How many bytes wait to be written, and how many may.
    fn backlog(&self) -> Option<&Backlog>;

    /// What it has done so far.
    fn counts(&self) -> Counts;

    /// What it takes at most.
    fn limits(&self) -> Limits;

    /// Wipes everything.
    fn clear(&self) -> Result<(), StoreError>;
}

/// Tells when a commit is durable.
pub(crate) struct Receipt(pub(crate) oneshot::Receiver<Result<(), StoreError>>);

impl Receipt {
    pub(crate) async fn durable(self) -> Result<(), StoreError> {
        self.0.await.unwrap_or(Err(StoreError::Closed))
    }
}
