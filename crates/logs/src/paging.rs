//! Page tokens: where the last page ended, as opaque text.

use std::ops::ControlFlow;

use nephos_store::{Key, Range, Read, Record, StoreError};

use crate::Error;

/// How many records a walk holds at a time.
const CHUNK: usize = 256;

/// Visits a range's records in key order, in bounded memory, until `visit` breaks.
pub fn walk<T: Record>(
    read: &dyn Read,
    range: Range,
    visit: &mut dyn FnMut(Key, T) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let mut range = range.limit(CHUNK);
    loop {
        let chunk = (&read).records::<T>(&range)?;
        let Some((last, _)) = chunk.last() else { return Ok(()) };
        range = range.after(last);
        for (key, record) in chunk {
            if visit(key, record)?.is_break() {
                return Ok(());
            }
        }
    }
}

/// How many a page holds: what the caller asked for, or the operation's default.
pub fn limit(asked: Option<i32>, default: usize) -> usize {
    asked.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0).unwrap_or(default)
}

/// A token that names `position`.
pub fn encode(position: &str) -> String {
    nephos_core::random::hex(position.as_bytes())
}

/// The position in a token.
pub fn decode(token: Option<&str>) -> Result<Option<String>, Error> {
    let Some(token) = token else { return Ok(None) };
    unhex(token)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(Some)
        .ok_or_else(|| Error::InvalidParameter("The specified nextToken is invalid.".to_owned()))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_round_trip_and_nonsense_is_refused() {
        assert_eq!(decode(Some(&encode("/aws/λ"))).unwrap().as_deref(), Some("/aws/λ"));
        assert_eq!(decode(None).unwrap(), None);
        for bad in ["x", "zz", "+1", "é1"] {
            assert!(decode(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn limits_have_a_default() {
        assert_eq!(limit(None, 50), 50);
        assert_eq!(limit(Some(3), 50), 3);
    }
}
