//! Randomness from the operating system, and the ids made of it.

/// Fills `buffer` with random bytes from the operating system.
#[allow(clippy::disallowed_methods, clippy::expect_used, reason = "this is the one source of randomness")]
pub fn fill(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the operating system has a source of randomness");
}

/// `N` random bytes.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut buffer = [0; N];
    fill(&mut buffer);
    buffer
}

/// A random UUID (version 4), lower case with hyphens.
pub fn uuid() -> String {
    let mut b: [u8; 16] = bytes();
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    let mut out = String::with_capacity(36);
    for (at, byte) in b.into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        push_hex(&mut out, byte);
    }
    out
}

/// `length` characters drawn evenly from `alphabet`, which holds 2 to 256 ASCII characters.
pub fn text(alphabet: &[u8], length: usize) -> String {
    let limit = 256 - 256 % alphabet.len();
    let mut out = String::with_capacity(length);
    while out.len() < length {
        for byte in bytes::<32>() {
            // Bytes past the last whole multiple would favour the alphabet's start.
            if usize::from(byte) < limit && out.len() < length {
                out.push(char::from(alphabet[usize::from(byte) % alphabet.len()]));
            }
        }
    }
    out
}

/// An id as IAM makes them: a four-letter prefix (`AKIA`, `AROA`, ...) and 16 characters of base 32.
pub fn iam_id(prefix: &str) -> String {
    format!("{prefix}{}", text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    bytes.iter().for_each(|byte| push_hex(&mut out, *byte));
    out
}

fn push_hex(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_have_their_form_and_differ() {
        let (a, b) = (uuid(), uuid());
        assert_ne!(a, b);
        assert_eq!(a.len(), 36);
        assert_eq!(&a[14..15], "4");
        let parts: Vec<usize> = a.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(hex(&[0x00, 0x7f, 0xa0]), "007fa0");
    }

    #[test]
    fn text_draws_only_from_its_alphabet() {
        let text = text(b"01", 500);
        assert!(text.contains('0') && text.contains('1'));
        assert_eq!(text.len(), 500);
        assert!(text.bytes().all(|b| b == b'0' || b == b'1'));
    }
}
