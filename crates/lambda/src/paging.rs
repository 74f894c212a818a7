//! Markers of pages, and walks over records in bounded memory.

use std::ops::ControlFlow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nephos_store::{Key, Range, Read, Record, StoreError};

use crate::Error;

/// The most that a page holds, whatever was asked for.
const MAX_PAGE: usize = 50;
/// How many records a walk holds at a time.
const CHUNK: usize = 256;

/// How many a page holds.
pub fn limit(asked: Option<i32>) -> usize {
    asked.and_then(|count| usize::try_from(count).ok()).unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE)
}

/// A marker that names `position`.
pub fn encode(position: &str) -> String {
    STANDARD.encode(position)
}

/// The position in a marker. An empty marker is none.
pub fn decode(marker: Option<&str>) -> Result<Option<String>, Error> {
    let Some(marker) = marker.filter(|marker| !marker.is_empty()) else { return Ok(None) };
    let decoded = STANDARD.decode(marker).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.map(Some).ok_or_else(|| Error::InvalidParameter("Invalid Marker.".to_owned()))
}

/// Cuts a page out of a list that is already in order: what comes after the marker, and the marker of the next page.
pub fn page<T>(
    items: Vec<(String, T)>,
    marker: Option<&str>,
    asked: Option<i32>,
) -> Result<(Vec<T>, Option<String>), Error> {
    let after = decode(marker)?;
    let start =
        after.map_or(0, |after| items.iter().position(|(name, _)| *name == after).map_or(0, |at| at + 1));
    let limit = limit(asked);
    let more = items.len() > start + limit;
    let page: Vec<(String, T)> = items.into_iter().skip(start).take(limit).collect();
    let next = page.last().filter(|_| more).map(|(name, _)| encode(name));
    Ok((page.into_iter().map(|(_, item)| item).collect(), next))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other() {
        let items: Vec<(String, u32)> = (0..5).map(|n| (n.to_string(), n)).collect();
        let (first, marker) = page(items.clone(), None, Some(2)).unwrap();
        let (second, marker) = page(items.clone(), marker.as_deref(), Some(2)).unwrap();
        let (third, end) = page(items.clone(), marker.as_deref(), Some(2)).unwrap();
        assert_eq!((first, second, third, end), (vec![0, 1], vec![2, 3], vec![4], None));
        assert!(page(items, Some("%"), None).is_err());
    }
}
