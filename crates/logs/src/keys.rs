//! Every storage key. A group's and a stream's rows below it hang on random ids, so that what is deleted is out of sight
//! at once and its rows can be swept later, and a group made anew under the same name starts empty.

use std::ops::Bound;

use nephos_core::Timestamp;
use nephos_store::{Key, KeyReader, Range, StoreError};

use crate::names::Owner;

const SPACE: &str = "logs";
const GROUP: u8 = 1;
const STREAM: u8 = 2;
const STREAM_NAME: u8 = 3;
const EVENT: u8 = 4;
const DOOMED: u8 = 5;
const STORED: u8 = 6;

/// Where one event stands among those of its group: by time, then by order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The event's time, in milliseconds since 1970.
    pub at_millis: u64,
    /// The order of arrival.
    pub sequence: u64,
    /// The stream's id.
    pub stream: u64,
}

impl Position {
    /// Before every event.
    pub const START: Position = Position { at_millis: 0, sequence: 0, stream: 0 };
}

/// A time as keys carry it; nothing is older than 1970.
pub fn millis(at: Timestamp) -> u64 {
    at.millis().max(0).unsigned_abs()
}

/// A log group's record.
pub fn group(owner: &Owner, name: &str) -> Key {
    groups(owner).text(name)
}

/// All log groups of an owner, by name.
pub fn groups(owner: &Owner) -> Key {
    all_groups().text(owner.account.as_str()).text(owner.region.as_str())
}

/// All log groups.
pub fn all_groups() -> Key {
    Key::new(SPACE).u8(GROUP)
}

/// The group's name in its key.
pub fn group_name(key: &[u8]) -> Result<String, StoreError> {
    let mut reader = KeyReader::new(key);
    reader.text()?;
    reader.u8()?;
    reader.text()?;
    reader.text()?;
    reader.text()
}

/// A stream's record.
pub fn stream(group: u64, name: &str) -> Key {
    streams(group).text(name)
}

/// All streams of a group, by name.
pub fn streams(group: u64) -> Key {
    Key::new(SPACE).u8(STREAM).u64(group)
}

/// The stream's name in its key.
pub fn stream_in(key: &[u8]) -> Result<String, StoreError> {
    let mut reader = KeyReader::new(key);
    reader.text()?;
    reader.u8()?;
    reader.u64()?;
    reader.text()
}

/// The name behind a stream's id.
pub fn stream_name(group: u64, stream: u64) -> Key {
    stream_names(group).u64(stream)
}

/// The names of all streams of a group.
pub fn stream_names(group: u64) -> Key {
    Key::new(SPACE).u8(STREAM_NAME).u64(group)
}

/// One event.
pub fn event(group: u64, at: &Position) -> Key {
    events(group).u64(at.at_millis).u64(at.sequence).u64(at.stream)
}

/// All events of a group, by time.
pub fn events(group: u64) -> Key {
    Key::new(SPACE).u8(EVENT).u64(group)
}

/// The events from one time to another, both inclusive.
pub fn events_between(group: u64, from_millis: u64, to_millis: u64) -> Range {
    let start = Bound::Included(events(group).u64(from_millis));
    match to_millis.checked_add(1) {
        Some(end) => Range::between(start, Bound::Excluded(events(group).u64(end))),
        None => Range::prefix(&events(group)).after(&events(group).u64(from_millis)),
    }
}

/// Where the event of a key stands.
pub fn position(key: &[u8]) -> Result<Position, StoreError> {
    let mut reader = KeyReader::new(key);
    reader.text()?;
    reader.u8()?;
    reader.u64()?;
    Ok(Position { at_millis: reader.u64()?, sequence: reader.u64()?, stream: reader.u64()? })
}

/// A deleted group or stream whose events are yet to be swept.
pub fn doomed(group: u64, stream: u64) -> Key {
    all_doomed().u64(group).u64(stream)
}

/// All that is to be swept.
pub fn all_doomed() -> Key {
    Key::new(SPACE).u8(DOOMED)
}

/// How many bytes a group holds.
pub fn stored(group: u64) -> Key {
    Key::new(SPACE).u8(STORED).u64(group)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn events_sort_by_time_then_arrival(a: (u64, u64, u64), b: (u64, u64, u64), g: u64) {
            let at = |(at_millis, sequence, stream)| Position { at_millis, sequence, stream };
            prop_assert_eq!(event(g, &at(a)).cmp(&event(g, &at(b))), a.cmp(&b));
            prop_assert_eq!(position(event(g, &at(a)).as_bytes()).unwrap(), at(a));
        }
    }

    #[test]
    fn names_read_back() {
        let owner = Owner { account: nephos_core::AccountId::DEFAULT, region: Default::default() };
        assert_eq!(group_name(group(&owner, "/aws/x").as_bytes()).unwrap(), "/aws/x");
        assert_eq!(stream_in(stream(7, "a/b").as_bytes()).unwrap(), "a/b");
    }
}
