//! Confirmation codes: six random digits. Only an HMAC under a key of the pool is stored, since a plain hash of a
//! million possibilities hides nothing.

use nephos_core::random;

use super::{framed, hmac};

/// A fresh code.
pub(crate) fn six_digits() -> String {
    random::text(b"0123456789", 6)
}

/// What is stored of a code: bound to the user and to what it is for.
pub(crate) fn digest(key: &[u8; 32], user: &str, purpose: &str, code: &str) -> [u8; 32] {
    hmac(key, &[&framed(&[b"code", user.as_bytes(), purpose.as_bytes(), code.as_bytes()])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_six_digits() {
        for _ in 0..50 {
            let code = six_digits();
            assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()), "{code}");
        }
    }

    #[test]
    fn a_code_is_good_for_one_user_and_one_purpose() {
        let key = [1; 32];
        let stored = digest(&key, "ann", "sign-up", "123456");
        assert_eq!(stored, digest(&key, "ann", "sign-up", "123456"));
        for other in [
            digest(&key, "bob", "sign-up", "123456"),
            digest(&key, "ann", "forgot", "123456"),
            digest(&key, "ann", "sign-up", "123457"),
            digest(&[2; 32], "ann", "sign-up", "123456"),
        ] {
            assert_ne!(stored, other);
        }
    }
}
