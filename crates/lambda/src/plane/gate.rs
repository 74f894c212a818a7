//! How many invocations run at a time, counted by account and by function.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Throttle};
use crate::names::{FunctionId, Owner};

/// Counts invocations and refuses what is over a limit.
#[derive(Debug, Default)]
pub struct Gate {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Invocations of functions without a reservation, by account and region.
    unreserved: HashMap<Owner, u32>,
    /// Invocations of functions with one.
    reserved: HashMap<FunctionId, u32>,
}

/// What limits a function's invocations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The function's own reservation.
    Reserved(u32),
    /// What the account has left for functions without one.
    Unreserved(u32),
}

/// A place; it is given back when dropped.
#[derive(Debug)]
pub struct Place {
    gate: Arc<Gate>,
    function: FunctionId,
    limit: Limit,
}

impl Gate {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place, if there is one.
    pub fn enter(self: &Arc<Self>, function: &FunctionId, limit: Limit) -> Result<Place, Error> {
        let mut counts = self.counts();
        let (count, most, throttle) = match limit {
            Limit::Reserved(most) => {
                (counts.reserved.entry(function.clone()).or_default(), most, Throttle::Reserved)
            }
            Limit::Unreserved(most) => {
                (counts.unreserved.entry(function.owner.clone()).or_default(), most, Throttle::Account)
            }
        };
        if *count >= most {
            return Err(Error::Throttled(throttle));
        }
        *count += 1;
        Ok(Place { gate: Arc::clone(self), function: function.clone(), limit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.gate.counts();
        match self.limit {
            Limit::Reserved(_) => leave(&mut counts.reserved, &self.function),
            Limit::Unreserved(_) => leave(&mut counts.unreserved, &self.function.owner),
        }
    }
}

fn leave<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str) -> FunctionId {
        let owner = Owner { account: nephos_core::AccountId::DEFAULT, region: Default::default() };
        FunctionId { owner, name: name.to_owned() }
    }

    #[test]
    fn places_are_limited_and_given_back() {
        let gate = Arc::new(Gate::default());
        let (a, b) = (function("a"), function("b"));
        let first = gate.enter(&a, Limit::Unreserved(2)).unwrap();
        let _second = gate.enter(&b, Limit::Unreserved(2)).unwrap();
        let full = gate.enter(&a, Limit::Unreserved(2)).unwrap_err();
        assert!(matches!(full, Error::Throttled(Throttle::Account)));
        let _own = gate.enter(&a, Limit::Reserved(1)).unwrap();
        let full = gate.enter(&a, Limit::Reserved(1)).unwrap_err();
        assert!(matches!(full, Error::Throttled(Throttle::Reserved)));
        drop(first);
        gate.enter(&b, Limit::Unreserved(2)).unwrap();
        assert!(matches!(gate.enter(&b, Limit::Reserved(0)), Err(Error::Throttled(Throttle::Reserved))));
    }
}
