//! The outbox: every message to a user, kept for the operator and tests, and sent on by SMTP where it is configured.
//!
//! It holds confirmation codes, so only root callers read it. The newest messages are kept, in the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nephos_core::ports::{Deliver, Medium, Message};
use nephos_core::{BoxFuture, Cx, Fault, Timestamp};
use nephos_store::{Key, Range, Read, Record, Store, StoreError};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, broadcast};

use crate::smtp::Mailer;

/// How many messages are kept.
const KEPT: usize = 500;
/// How many mails may be on their way at a time; further ones stay in the outbox only.
const SENDING: usize = 64;

/// A message as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// When it was sent, in milliseconds since 1970.
    pub at: i64,
    /// `email` or `sms`.
    pub medium: String,
    /// The address or number.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The body.
    pub body: String,
    /// Facts such as `code`.
    pub facts: std::collections::BTreeMap<String, String>,
}

impl Record for Kept {
    const VERSION: u16 = 1;
}

/// The outbox.
pub struct Outbox {
    store: Store,
    mailer: Option<Arc<Mailer>>,
    sending: Arc<Semaphore>,
    number: AtomicU64,
    announce: broadcast::Sender<Kept>,
}

fn prefix() -> Key {
    Key::new("outbox")
}

impl Outbox {
    /// An outbox over a store.
    pub fn new(store: Store, mailer: Option<Mailer>) -> Outbox {
        let (announce, _) = broadcast::channel(64);
        Outbox {
            store,
            mailer: mailer.map(Arc::new),
            sending: Arc::new(Semaphore::new(SENDING)),
            number: AtomicU64::new(0),
            announce,
        }
    }

    /// The messages, newest first.
    pub fn messages(&self) -> Result<Vec<Kept>, StoreError> {
        let range = Range::prefix(&prefix()).reverse().limit(KEPT);
        let found: Vec<(Key, Kept)> = self.store.read(|view| view.records(&range))?;
        Ok(found.into_iter().map(|(_, kept)| kept).collect())
    }

    /// Hears of every message from now on.
    pub fn listen(&self) -> broadcast::Receiver<Kept> {
        self.announce.subscribe()
    }

    async fn keep(&self, now: Timestamp, kept: &Kept) -> Result<(), StoreError> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let key = prefix().u64(now.millis().max(0).unsigned_abs()).u64(number);
        self.store
            .transact("outbox.keep", |tx| {
                tx.put_record(key.clone(), kept)?;
                let newest = tx.range(&Range::prefix(&prefix()).reverse().limit(KEPT + 8))?;
                for (old, _) in newest.into_iter().skip(KEPT) {
                    tx.delete(old);
                }
                Ok::<_, StoreError>(())
            })
            .await
    }

    fn send(&self, message: Message) {
        let Some(mailer) = self.mailer.clone().filter(|_| message.medium == Medium::Email) else { return };
        let Ok(permit) = Arc::clone(&self.sending).try_acquire_owned() else {
            tracing::warn!("too many mails are on their way; one stays in the outbox only");
            return;
        };
        tokio::spawn(async move {
            if let Err(error) = mailer.send(&message).await {
                tracing::warn!(error, "a mail was not taken by the mail server; it is in the outbox");
            }
            drop(permit);
        });
    }
}

impl Deliver for Outbox {
    fn deliver<'a>(&'a self, cx: &'a Cx, message: Message) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let medium = match message.medium {
                Medium::Email => "email",
                Medium::Sms => "sms",
            };
            let kept = Kept {
                at: cx.now().millis(),
                medium: medium.to_owned(),
                to: message.to.clone(),
                subject: message.subject.clone(),
                body: message.body.clone(),
                facts: message.facts.clone(),
            };
            self.keep(cx.now(), &kept).await.map_err(|error| {
                tracing::error!(%error, "a message could not be kept");
                Fault::internal()
            })?;
            // Nobody listens, mostly.
            let _ = self.announce.send(kept);
            self.send(message);
            Ok(())
        })
    }
}
