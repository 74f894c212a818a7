//! What is being read right now, so that it is not reclaimed from under its reader.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many readers each content has.
#[derive(Debug, Default)]
pub struct Pins(Mutex<HashMap<String, usize>>);

/// One reader; it ends when dropped.
#[derive(Debug)]
pub struct Pin {
    pins: Arc<Pins>,
    name: String,
}

impl Pins {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps `name` until the pin is dropped.
    pub fn pin(self: &Arc<Self>, name: String) -> Pin {
        *self.lock().entry(name.clone()).or_default() += 1;
        Pin { pins: Arc::clone(self), name }
    }

    /// Whether anybody reads `name`.
    pub fn holds(&self, name: &str) -> bool {
        self.lock().contains_key(name)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut pins = self.pins.lock();
        if let Some(count) = pins.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                pins.remove(&self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_holds_until_its_last_reader_goes() {
        let pins = Arc::<Pins>::default();
        let (first, second) = (pins.pin("a".into()), pins.pin("a".into()));
        drop(first);
        assert!(pins.holds("a"));
        drop(second);
        assert!(!pins.holds("a"));
    }
}
