//! The outbox under several workers.

use std::collections::BTreeSet;
use std::time::Duration;

use nephos_core::Timestamp;
use tokio::task::JoinSet;

use super::{Effort, run};
use crate::outbox::{self, Outbox};
use crate::{Range, Read, Store, StoreError, Tx};

const EVENTS: u32 = 60;

async fn work(outbox: Outbox) -> Vec<u32> {
    let mut got = Vec::new();
    loop {
        let events = outbox.claim(Timestamp::from_secs(1), 7, Duration::from_secs(60)).await.unwrap();
        if events.is_empty() {
            return got;
        }
        for event in events {
            assert_eq!(event.attempts, 1);
            got.push(u32::from_be_bytes(event.payload[..].try_into().unwrap()));
            outbox.complete(&event.id).await.unwrap();
        }
    }
}

pub(super) fn workers_share_events(store: &Store, _: Effort) {
    let mut got = run(async {
        for n in 0..EVENTS {
            let put = |tx: &mut Tx| outbox::put(tx, "suite", Timestamp::from_secs(0), &n.to_be_bytes());
            store.transact("put", put).await.unwrap();
        }
        let mut workers = JoinSet::new();
        for _ in 0..4 {
            workers.spawn(work(Outbox::new(store.clone(), "suite")));
        }
        workers.join_all().await.concat()
    });
    got.sort_unstable();
    assert_eq!(got, (0..EVENTS).collect::<Vec<_>>(), "each event is delivered once");
    let left = store.read(|view| Ok::<_, StoreError>(view.range(&Range::all())?.len()));
    assert_eq!(left.unwrap(), 0);
    assert_eq!(BTreeSet::from_iter(got).len(), EVENTS as usize);
}
