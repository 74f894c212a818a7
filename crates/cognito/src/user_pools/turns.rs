//! One password check at a time for each user, so that guesses sent at once are counted one after the other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

/// How many entries pile up before those that nobody waits for are dropped.
const PRUNE_AT: usize = 1024;

/// Turns by name.
#[derive(Default)]
pub(crate) struct Turns {
    waiting: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Turns {
    /// Waits for the turn of `name`; it ends when the guard is dropped.
    pub(crate) async fn take(&self, name: String) -> OwnedMutexGuard<()> {
        let turn = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.len() >= PRUNE_AT {
                waiting.retain(|_, turn| turn.strong_count() > 0);
            }
            let known = waiting.get(&name).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let turn = Arc::<tokio::sync::Mutex<()>>::default();
                waiting.insert(name, Arc::downgrade(&turn));
                turn
            })
        };
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_same_name_waits_and_another_does_not() {
        let turns = Arc::new(Turns::default());
        let held = turns.take("ann".to_owned()).await;
        drop(turns.take("bob".to_owned()).await);
        let second = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { drop(turns.take("ann".to_owned()).await) }
        });
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        drop(held);
        second.await.unwrap();
    }

    #[tokio::test]
    async fn names_nobody_waits_for_are_dropped() {
        let turns = Turns::default();
        for number in 0..5000 {
            drop(turns.take(number.to_string()).await);
        }
        assert!(turns.waiting.lock().unwrap().len() <= PRUNE_AT);
    }
}
