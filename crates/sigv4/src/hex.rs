//! Hexadecimal of 32-byte digests without allocation.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

/// A SHA-256 digest or HMAC in lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hex64([u8; 64]);

impl Hex64 {
    /// The hexadecimal of a 32-byte digest; shorter input is padded with `0`, longer cut.
    pub fn of(bytes: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut out = [b'0'; 64];
        for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Hex64(out)
    }

    /// Takes text that is 64 lower-case hexadecimal digits already.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = <[u8; 64]>::try_from(text.as_bytes()).ok()?;
        let legal = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
        digits.iter().all(legal).then_some(Hex64(digits))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        // Only hexadecimal digits are ever stored.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The digits as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether both are equal, in time that does not depend on where they differ.
    pub fn constant_time_eq(&self, other: &Hex64) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Display for Hex64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Hex64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `text` byte for byte with spaces between, as S3 repeats what was to be signed.
pub fn spaced_hex(text: &str) -> String {
    let digits: Vec<String> = text.bytes().map(|b| format!("{b:02x}")).collect();
    digits.join(" ")
}

/// The SHA-256 of `data`, in hexadecimal.
pub fn sha256_hex(data: &[u8]) -> Hex64 {
    Hex64::of(digest(&SHA256, data).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nothing_is_the_known_one() {
        assert_eq!(sha256_hex(b"").as_str(), crate::EMPTY_SHA256);
    }

    #[test]
    fn bytes_are_spelt_one_by_one() {
        assert_eq!(spaced_hex("GET\n"), "47 45 54 0a");
    }

    #[test]
    fn only_64_lower_case_digits_parse() {
        assert!(Hex64::parse(crate::EMPTY_SHA256).is_some());
        for bad in ["", "e3", &crate::EMPTY_SHA256.to_uppercase(), &"g".repeat(64)] {
            assert_eq!(Hex64::parse(bad), None);
        }
    }
}
