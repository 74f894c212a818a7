//! What this process knows of the outbox's topics: a bell each, and the due time before which there are no rows.
//!
//! The second, the *floor*, holds only where this process is the store's only writer. It is safe because a transaction
//! announces the due time of each row before it can be committed, and stays announced until it is over: an announcement
//! lowers the floor, and a look that found nothing up to some time raises it no higher than what was announced by then or
//! since.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// How many announcements are remembered; a look that took longer than that raises nothing.
const REMEMBERED: usize = 4096;

/// All topics.
#[derive(Debug)]
pub(crate) struct Topics {
    sole_writer: bool,
    topics: Mutex<HashMap<&'static str, Topic>>,
}

#[derive(Debug)]
struct Topic {
    bell: Arc<Notify>,
    floor: i64,
    /// The due times of rows whose transactions are not over.
    announced: BTreeMap<i64, usize>,
    /// The newest announcements, numbered.
    recent: VecDeque<i64>,
    count: u64,
}

impl Default for Topic {
    fn default() -> Self {
        let (bell, announced, recent, count) = Default::default();
        Topic { bell, floor: i64::MIN, announced, recent, count }
    }
}

/// What was known when a look began.
#[derive(Debug)]
pub(crate) struct Mark {
    floor: i64,
    count: u64,
    announced: Option<i64>,
}

impl Mark {
    /// No row is due before this.
    pub(crate) fn floor(&self) -> i64 {
        self.floor
    }
}

/// A row that a transaction is about to commit. Dropped when the transaction is over.
#[derive(Debug)]
pub(crate) struct Announcement {
    topics: Arc<Topics>,
    topic: &'static str,
    due: i64,
    rings: bool,
}

impl Topics {
    /// `sole_writer` is true if no other process writes to the store.
    pub(crate) fn new(sole_writer: bool) -> Arc<Topics> {
        Arc::new(Topics { sole_writer, topics: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, Topic>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rings once for each commit of a row; without a listener the ring is kept for the next one.
    pub(crate) fn bell(&self, topic: &'static str) -> Arc<Notify> {
        self.lock().entry(topic).or_default().bell.clone()
    }

    pub(crate) fn announce(self: &Arc<Self>, topic: &'static str, due: i64, rings: bool) -> Announcement {
        let mut topics = self.lock();
        let state = topics.entry(topic).or_default();
        state.floor = state.floor.min(due);
        *state.announced.entry(due).or_default() += 1;
        state.count += 1;
        state.recent.push_back(due);
        if state.recent.len() > REMEMBERED {
            state.recent.pop_front();
        }
        Announcement { topics: self.clone(), topic, due, rings }
    }

    /// To be asked for before looking for rows.
    pub(crate) fn mark(&self, topic: &'static str) -> Mark {
        let mut topics = self.lock();
        let state = topics.entry(topic).or_default();
        let announced = state.announced.keys().next().copied();
        Mark { floor: state.floor, count: state.count, announced }
    }

    /// A look that began at `mark` has found no row before `first`.
    pub(crate) fn raise(&self, topic: &'static str, mark: &Mark, first: i64) {
        let mut topics = self.lock();
        let state = topics.entry(topic).or_default();
        let since = usize::try_from(state.count - mark.count).unwrap_or(usize::MAX);
        if !self.sole_writer || since > state.recent.len() {
            return;
        }
        let since = state.recent.iter().rev().take(since).min().copied();
        let floor = [mark.announced, since].into_iter().flatten().fold(first, i64::min);
        state.floor = state.floor.max(floor);
    }
}

impl Announcement {
    /// The row is durable.
    pub(crate) fn ring(&self) {
        if self.rings {
            self.topics.bell(self.topic).notify_one();
        }
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        let mut topics = self.topics.lock();
        let state = topics.entry(self.topic).or_default();
        if let Some(count) = state.announced.get_mut(&self.due) {
            *count -= 1;
            if *count == 0 {
                state.announced.remove(&self.due);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_ring_before_the_wait_is_not_lost() {
        let topics = Topics::new(true);
        topics.announce("a", 0, true).ring();
        tokio::time::timeout(Duration::from_secs(5), topics.bell("a").notified()).await.unwrap();
    }

    #[test]
    fn the_floor_stays_under_what_is_under_way() {
        let topics = Topics::new(true);
        let under_way = topics.announce("a", 10, true);
        let mark = topics.mark("a");
        topics.raise("a", &mark, 50);
        assert_eq!(topics.mark("a").floor(), 10);
        drop(under_way);
        topics.raise("a", &topics.mark("a"), 50);
        assert_eq!(topics.mark("a").floor(), 50);
        let under_way = topics.announce("a", 30, true);
        assert_eq!(topics.mark("a").floor(), 30);
        topics.raise("a", &topics.mark("a"), 70);
        assert_eq!(topics.mark("a").floor(), 30);
        drop(under_way);
        topics.raise("a", &topics.mark("a"), 70);
        assert_eq!(topics.mark("a").floor(), 70);
    }

    #[test]
    fn what_came_and_went_during_a_look_is_minded() {
        let topics = Topics::new(true);
        topics.raise("a", &topics.mark("a"), 5);
        let mark = topics.mark("a");
        drop(topics.announce("a", 20, true));
        topics.raise("a", &mark, 50);
        assert_eq!(topics.mark("a").floor(), 20);
        let mark = topics.mark("a");
        (0..=REMEMBERED).for_each(|_| drop(topics.announce("a", 90, true)));
        topics.raise("a", &mark, 80);
        assert_eq!(topics.mark("a").floor(), 20, "too much came to remember");
    }

    #[test]
    fn with_other_writers_there_is_no_floor() {
        let topics = Topics::new(false);
        topics.raise("a", &topics.mark("a"), 5);
        assert_eq!(topics.mark("a").floor(), i64::MIN);
    }
}
