//! RSA-2048 keys for signing tokens: made on blocking threads, a few ahead of need, signed with in constant time.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use zeroize::Zeroizing;

use super::workers::WorkerError;
use super::{base64, sha256};

/// How many keys are kept ahead: two pools' worth.
const SPARE_KEYS: usize = 4;

/// Why a key could not be made, read or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    /// The library refused.
    #[error("expected an RSA key that can sign, the library refused it")]
    Rejected,
    /// The thread that made it did not end.
    #[error("expected a key, its making was abandoned")]
    Abandoned,
}

impl From<WorkerError> for KeyError {
    fn from(_: WorkerError) -> KeyError {
        KeyError::Abandoned
    }
}

/// A freshly made key, to be stored: the private part sealed.
pub(crate) struct NewKey {
    /// The private key, PKCS #8.
    pub(crate) private: Zeroizing<Vec<u8>>,
    /// The public key, PKCS #1 `RSAPublicKey`.
    pub(crate) public: Vec<u8>,
    /// Its id in tokens and key sets: the digest of the public key.
    pub(crate) kid: String,
}

impl NewKey {
    /// Makes a key. Tens to hundreds of milliseconds.
    pub(crate) fn generate() -> Result<NewKey, KeyError> {
        NewKey::of(&KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Rejected)?)
    }

    fn of(pair: &KeyPair) -> Result<NewKey, KeyError> {
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Rejected)?;
        let public = pair.public_key().as_ref().to_vec();
        let kid = base64(&sha256(&[&public]));
        Ok(NewKey { private: Zeroizing::new(der.as_ref().to_vec()), public, kid })
    }
}

/// A private key that is ready to sign.
pub(crate) struct SigningKey {
    kid: String,
    pair: KeyPair,
}

impl SigningKey {
    /// Reads a PKCS #8 key.
    pub(crate) fn new(kid: &str, private: &[u8]) -> Result<SigningKey, KeyError> {
        let pair = KeyPair::from_pkcs8(private).map_err(|_| KeyError::Rejected)?;
        Ok(SigningKey { kid: kid.to_owned(), pair })
    }

    /// The key's id.
    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| KeyError::Rejected)?;
        Ok(signature)
    }
}

/// Whether `signature` over `message` was made with the private half of `public` (PKCS #1).
pub(crate) fn verify(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public).verify(message, signature).is_ok()
}

/// Modulus and exponent of a PKCS #1 `RSAPublicKey`, big-endian without leading zeros, as key sets carry them.
pub(crate) fn public_numbers(public: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, rest) = der_value(public, 0x30)?;
    let (modulus, tail) = der_value(sequence, 0x02)?;
    let (exponent, end) = der_value(tail, 0x02)?;
    (rest.is_empty() && end.is_empty()).then(|| (unsigned(modulus), unsigned(exponent)))
}

/// The content of the DER value at the front, which must have `tag`, and what follows it.
fn der_value(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = input.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |sum, b| (sum << 8) | usize::from(*b)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn unsigned(integer: &[u8]) -> &[u8] {
    let start = integer.iter().position(|b| *b != 0).unwrap_or(integer.len());
    &integer[start..]
}

/// Hands out fresh keys, and makes a few ahead in the background once the first was asked for.
#[derive(Clone, Default)]
pub(crate) struct KeyForge {
    spare: Arc<Mutex<Spare>>,
}

#[derive(Default)]
struct Spare {
    keys: Vec<NewKey>,
    refilling: bool,
}

impl KeyForge {
    /// A fresh key: a spare one where there is one, else made while the caller waits.
    pub(crate) async fn take(&self) -> Result<NewKey, KeyError> {
        let spare = self.lock().keys.pop();
        let key = match spare {
            Some(key) => key,
            None => {
                tokio::task::spawn_blocking(NewKey::generate).await.map_err(|_| KeyError::Abandoned)??
            }
        };
        self.refill();
        Ok(key)
    }

    /// Makes spare keys in the background, one at a time, unless that is under way. A shutdown waits for one at most.
    pub(crate) fn refill(&self) {
        if std::mem::replace(&mut self.lock().refilling, true) {
            return;
        }
        let forge = self.clone();
        tokio::spawn(async move {
            while forge.lock().keys.len() < SPARE_KEYS {
                match tokio::task::spawn_blocking(NewKey::generate).await {
                    Ok(Ok(key)) => forge.lock().keys.push(key),
                    Ok(Err(error)) => {
                        tracing::error!(%error, "a spare signing key could not be made");
                        break;
                    }
                    Err(_) => break,
                }
            }
            forge.lock().refilling = false;
        });
    }

    /// A forge that hands out the tests' own keys before it makes any, and makes none ahead.
    #[cfg(test)]
    pub(crate) fn for_tests() -> KeyForge {
        let lines = include_str!("../testing/keys.txt").lines().filter(|line| !line.starts_with('#'));
        let keys = lines.map(|line| {
            NewKey::of(&KeyPair::from_pkcs8(&super::from_base64(line).unwrap()).unwrap()).unwrap()
        });
        let spare = Spare { keys: keys.collect(), refilling: true };
        KeyForge { spare: Arc::new(Mutex::new(spare)) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Spare> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_key_signs_and_its_public_half_verifies() {
        let made = NewKey::generate().unwrap();
        let key = SigningKey::new(&made.kid, &made.private).unwrap();
        let signature = key.sign(b"message").unwrap();
        assert_eq!(key.kid(), made.kid);
        assert!(verify(&made.public, b"message", &signature));
        assert!(!verify(&made.public, b"massage", &signature));
        let other = NewKey::generate().unwrap();
        assert!(!verify(&other.public, b"message", &signature));
        assert_ne!(other.kid, made.kid);
    }

    #[test]
    fn the_public_numbers_are_read_from_der() {
        let made = NewKey::generate().unwrap();
        let (modulus, exponent) = public_numbers(&made.public).unwrap();
        assert_eq!((modulus.len(), modulus[0] & 0x80, exponent), (256, 0x80, [1, 0, 1].as_slice()));
        for cut in 0..made.public.len() {
            assert!(public_numbers(&made.public[..cut]).is_none(), "{cut}");
        }
    }

    #[tokio::test]
    async fn the_forge_makes_keys_ahead() {
        let forge = KeyForge::default();
        let first = forge.take().await.unwrap();
        while forge.lock().keys.len() < SPARE_KEYS {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let spare = forge.lock().keys.last().map(|key| key.kid.clone()).unwrap();
        let second = forge.take().await.unwrap();
        assert_eq!(second.kid, spare);
        assert_ne!(first.kid, second.kid);
    }
}
