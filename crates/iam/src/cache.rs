//! A bounded cache: two generations, the older of which is dropped when the younger is full. What is asked for moves to
//! the younger one, so what is used stays.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A cache whose entries together weigh at most about twice its capacity.
pub(crate) struct Cache<K, V> {
    generations: Mutex<Generations<K, V>>,
    capacity: usize,
}

struct Generations<K, V> {
    young: Table<K, V>,
    old: Table<K, V>,
    young_weight: usize,
}

/// Keys may be whole documents, so they are hashed by a fast function with a random seed.
type Table<K, V> = HashMap<K, (V, usize), foldhash::fast::RandomState>;

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    /// A cache of the given weight.
    pub(crate) fn new(capacity: usize) -> Self {
        let generations = Generations { young: Table::default(), old: Table::default(), young_weight: 0 };
        Cache { generations: Mutex::new(generations), capacity }
    }

    /// A clone of the value, if it is there.
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut generations = self.lock();
        if let Some((value, _)) = generations.young.get(key) {
            return Some(value.clone());
        }
        let (key, (value, weight)) = generations.old.remove_entry(key)?;
        generations.insert(key, value.clone(), weight, self.capacity);
        Some(value)
    }

    /// Puts a value in, in place of what was there.
    pub(crate) fn insert(&self, key: K, value: V, weight: usize) {
        let mut generations = self.lock();
        generations.old.remove(&key);
        generations.insert(key, value, weight, self.capacity);
    }

    /// Changes a value where it is; `None` from `change` removes nothing and adds nothing.
    pub(crate) fn update(&self, key: K, change: impl FnOnce(Option<V>) -> Option<V>)
    where
        K: Clone,
    {
        let mut generations = self.lock();
        let old = generations.old.remove(&key).map(|(value, _)| value);
        let known = generations.young.get(&key).map(|(value, _)| value.clone()).or(old);
        if let Some(value) = change(known) {
            generations.insert(key, value, 1, self.capacity);
        }
    }

    /// Drops everything.
    pub(crate) fn clear(&self) {
        let mut generations = self.lock();
        generations.young.clear();
        generations.old.clear();
        generations.young_weight = 0;
    }

    fn lock(&self) -> MutexGuard<'_, Generations<K, V>> {
        // No code of ours panics while it holds the lock; if it did, the tables are still whole.
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq, V> Generations<K, V> {
    fn insert(&mut self, key: K, value: V, weight: usize, capacity: usize) {
        if self.young_weight.saturating_add(weight) > capacity && !self.young.is_empty() {
            self.old = std::mem::take(&mut self.young);
            self.young_weight = 0;
        }
        let replaced = self.young.insert(key, (value, weight)).map_or(0, |(_, weight)| weight);
        self.young_weight = self.young_weight.saturating_sub(replaced).saturating_add(weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_no_more_than_two_generations_and_keeps_what_is_used() {
        let cache: Cache<u32, u32> = Cache::new(10);
        cache.insert(0, 0, 1);
        for n in 1..100 {
            cache.insert(n, n, 1);
            assert_eq!(cache.get(&0), Some(0), "what is asked for again and again stays");
        }
        let held = (0..100).filter(|n| cache.get(n).is_some()).count();
        assert!(held <= 20, "{held}");
    }

    #[test]
    fn heavy_entries_count_more() {
        let cache: Cache<u32, u32> = Cache::new(10);
        for n in 0..20 {
            cache.insert(n, n, 6);
        }
        assert!((0..20).filter(|n| cache.get(n).is_some()).count() <= 2);
    }

    #[test]
    fn a_value_is_replaced_wherever_it_was() {
        let cache: Cache<u32, u32> = Cache::new(2);
        for n in 0..3 {
            cache.insert(n, n, 1);
        }
        cache.insert(0, 9, 1);
        assert_eq!(cache.get(&0), Some(9));
        cache.update(0, |known| known.map(|n| n + 1));
        assert_eq!(cache.get(&0), Some(10));
        cache.clear();
        assert_eq!(cache.get(&0), None);
    }
}
