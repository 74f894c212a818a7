//! Signing keys, and the cache that derives each of them once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256};

use crate::credential::{Credential, TERMINATOR};
use crate::hex::Hex64;

/// A key derived from a secret for one day, region and service.
pub struct SigningKey(hmac::Key);

impl SigningKey {
    /// Derives the key: four HMACs.
    pub fn derive(secret: &str, credential: &Credential<'_>) -> Self {
        let mut first = Vec::with_capacity(4 + secret.len());
        first.extend_from_slice(b"AWS4");
        first.extend_from_slice(secret.as_bytes());
        let mut key = hmac::Key::new(HMAC_SHA256, &first);
        first.fill(0);
        for part in [credential.date(), credential.region(), credential.service(), TERMINATOR] {
            key = hmac::Key::new(HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
        }
        SigningKey(key)
    }

    /// Signs a string to sign.
    pub fn sign(&self, string_to_sign: &[u8]) -> Hex64 {
        Hex64::of(hmac::sign(&self.0, string_to_sign).as_ref())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

struct Entry {
    // Tells an access key that was given another secret from the one whose key is kept.
    secret_digest: [u8; 32],
    key: Arc<SigningKey>,
}

type Generation = HashMap<Box<str>, Entry>;

#[derive(Default)]
struct Generations {
    young: Generation,
    old: Generation,
}

/// Derived keys by credential. Bounded: two generations of at most half the capacity each; a full young one becomes
/// the old one, so that what is used survives and what is not goes, without bookkeeping on a hit.
pub struct KeyCache {
    generations: Mutex<Generations>,
    half: usize,
}

impl KeyCache {
    /// Enough for the access keys that sign within minutes on a busy node.
    pub const DEFAULT_CAPACITY: usize = 4096;

    /// A cache of at most `capacity` keys.
    pub fn new(capacity: usize) -> Self {
        KeyCache { generations: Mutex::new(Generations::default()), half: (capacity / 2).max(1) }
    }

    /// The signing key for `credential`, derived if it is not there yet.
    pub fn signing_key(&self, secret: &str, credential: &Credential<'_>) -> Arc<SigningKey> {
        let secret_digest = digest_of(secret);
        if let Some(key) = self.find(credential.as_str(), &secret_digest) {
            return key;
        }
        let key = Arc::new(SigningKey::derive(secret, credential));
        self.keep(credential.as_str(), Entry { secret_digest, key: Arc::clone(&key) });
        key
    }

    /// How many keys are kept.
    pub fn len(&self) -> usize {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.young.len() + generations.old.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn find(&self, credential: &str, secret_digest: &[u8; 32]) -> Option<Arc<SigningKey>> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = generations.young.get(credential) {
            return (entry.secret_digest == *secret_digest).then(|| Arc::clone(&entry.key));
        }
        let (name, entry) = generations.old.remove_entry(credential)?;
        if entry.secret_digest != *secret_digest {
            return None;
        }
        let key = Arc::clone(&entry.key);
        generations.insert(name, entry, self.half);
        Some(key)
    }

    fn keep(&self, credential: &str, entry: Entry) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.insert(credential.into(), entry, self.half);
    }
}

impl Generations {
    fn insert(&mut self, name: Box<str>, entry: Entry, half: usize) {
        if self.young.len() >= half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(name, entry);
    }
}

impl Default for KeyCache {
    fn default() -> Self {
        KeyCache::new(KeyCache::DEFAULT_CAPACITY)
    }
}

impl fmt::Debug for KeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCache").field("len", &self.len()).finish_non_exhaustive()
    }
}

fn digest_of(secret: &str) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(n: usize) -> Credential<'static> {
        Credential::new(&format!("AKID{n}"), "20150830", "us-east-1", "iam")
    }

    #[test]
    fn a_key_is_derived_once() {
        let cache = KeyCache::new(10);
        let first = cache.signing_key("secret", &credential(1));
        assert!(Arc::ptr_eq(&first, &cache.signing_key("secret", &credential(1))));
        assert!(!Arc::ptr_eq(&first, &cache.signing_key("other", &credential(1))));
    }

    #[test]
    fn the_cache_is_bounded_and_keeps_what_is_used() {
        let cache = KeyCache::new(10);
        let used = cache.signing_key("secret", &credential(0));
        for n in 1..100 {
            cache.signing_key("secret", &credential(n));
            assert!(Arc::ptr_eq(&used, &cache.signing_key("secret", &credential(0))));
            assert!(cache.len() <= 10);
        }
    }
}
