//! Strings that a client carries for us and can neither read nor change: sessions and secret blocks.
//!
//! AES-256-GCM-SIV under a key of the pool, with random nonces: a repeated nonce would reveal no more than that two
//! texts are equal. What a string is for is bound in as associated data, so that none passes for another.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use nephos_core::random;
use zeroize::Zeroizing;

/// The longest text that is opened.
const MAX_BYTES: usize = 4096;

/// Seals `plain` for `purpose`.
pub(crate) fn seal(key: &[u8; 32], purpose: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    let nonce: [u8; NONCE_LEN] = random::bytes();
    let mut buffer = plain.to_vec();
    let nonce_for_key = Nonce::assume_unique_for_key(nonce);
    aead(key)?.seal_in_place_append_tag(nonce_for_key, Aad::from(purpose), &mut buffer).ok()?;
    Some([nonce.as_slice(), &buffer].concat())
}

/// Opens what [`seal`] made with the same key and purpose.
pub(crate) fn open(key: &[u8; 32], purpose: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if sealed.len() > MAX_BYTES {
        return None;
    }
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut buffer = Zeroizing::new(rest.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = aead(key)?.open_in_place(nonce, Aad::from(purpose), &mut buffer).ok()?.len();
    buffer.truncate(length);
    Some(buffer)
}

fn aead(key: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM_SIV, key).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn only_the_key_and_the_purpose_open(
            plain in proptest::collection::vec(any::<u8>(), 0..200), flip in any::<proptest::sample::Index>(),
        ) {
            let key = [7; 32];
            let sealed = seal(&key, b"session", &plain).unwrap();
            prop_assert_eq!(&*open(&key, b"session", &sealed).unwrap(), &plain);
            prop_assert!(open(&key, b"block", &sealed).is_none());
            prop_assert!(open(&[8; 32], b"session", &sealed).is_none());
            let mut changed = sealed.clone();
            let at = flip.index(changed.len());
            changed[at] ^= 1;
            prop_assert!(open(&key, b"session", &changed).is_none());
            prop_assert!(open(&key, b"session", &sealed[..sealed.len() - 1]).is_none());
        }
    }

    #[test]
    fn short_and_huge_texts_are_no_strings_of_ours() {
        for length in [0, 1, 12, 27, MAX_BYTES + 1] {
            assert!(open(&[7; 32], b"session", &vec![0; length]).is_none());
        }
    }
}
