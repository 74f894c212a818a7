//! The `Range` header: one stretch of bytes. S3 disregards what it cannot read, and several stretches at once.

use std::ops::Range;

use crate::error::Error;

/// What of an object is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// A stretch within.
    Stretch(Range<u64>),
}

/// Reads a header against an object's size.
pub fn parse(header: Option<&str>, size: u64) -> Result<Wanted, Error> {
    let Some((first, last)) = header.and_then(bounds) else { return Ok(Wanted::Whole) };
    let stretch = match (first, last) {
        (Some(first), Some(last)) if first > last => return Ok(Wanted::Whole),
        (Some(first), Some(last)) => first..last.saturating_add(1).min(size),
        (Some(first), None) => first..size,
        (None, Some(length)) => size.saturating_sub(length)..size,
        (None, None) => return Ok(Wanted::Whole),
    };
    if stretch.start < stretch.end {
        return Ok(Wanted::Stretch(stretch));
    }
    Err(Error::InvalidRange { requested: header.unwrap_or_default().to_owned(), size })
}

/// The two numbers of `bytes=first-last`; either may be missing.
fn bounds(header: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (first, last) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            // A number that is too large is past every object's end.
            Some(Some(digits.parse().unwrap_or(u64::MAX)))
        }
        _ => None,
    };
    Some((number(first)?, number(last)?))
}

impl Wanted {
    /// The stretch in an object of `size` bytes.
    pub fn stretch(&self, size: u64) -> Range<u64> {
        match self {
            Wanted::Whole => 0..size,
            Wanted::Stretch(range) => range.clone(),
        }
    }

    /// `Content-Range`, where less than everything may be sent.
    pub fn content_range(&self, size: u64) -> Option<String> {
        match self {
            Wanted::Whole => None,
            Wanted::Stretch(range) => Some(format!("bytes {}-{}/{size}", range.start, range.end - 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stretches_are_cut_to_the_object() {
        let of = |header: &str| parse(Some(header), 10).unwrap();
        assert_eq!(of("bytes=0-3"), Wanted::Stretch(0..4));
        assert_eq!(of("bytes=4-"), Wanted::Stretch(4..10));
        assert_eq!(of("bytes=-3"), Wanted::Stretch(7..10));
        assert_eq!(of("bytes=-30"), Wanted::Stretch(0..10));
        assert_eq!(of("bytes=8-99999999999999999999999"), Wanted::Stretch(8..10));
        assert_eq!(of("bytes=8-9").content_range(10).as_deref(), Some("bytes 8-9/10"));
        for whole in
            ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=3-1", "bytes=0-1,4-5", "lines=0-1"]
        {
            assert_eq!(of(whole), Wanted::Whole, "{whole}");
        }
        assert_eq!(parse(None, 10).unwrap(), Wanted::Whole);
    }

    #[test]
    fn what_lies_outside_is_refused() {
        for (header, size) in [("bytes=10-", 10), ("bytes=99-100", 10), ("bytes=-0", 10), ("bytes=0-", 0)] {
            assert!(matches!(parse(Some(header), size), Err(Error::InvalidRange { .. })), "{header}");
        }
    }

    proptest! {
        #[test]
        fn a_stretch_is_never_empty_and_within(header in "bytes=[0-9]{0,3}-[0-9]{0,3}", size in 0u64..500) {
            if let Ok(Wanted::Stretch(range)) = parse(Some(&header), size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }
    }
}
