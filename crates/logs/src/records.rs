//! What is stored. Events are many and small, so they are bytes and not JSON: a version, the time of ingestion, the text.

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};
use nephos_core::Timestamp;
use nephos_store::{Record, StoreError};
use serde::{Deserialize, Serialize};

/// A log group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// What its streams and events hang on.
    pub id: u64,
    /// When it was made, in milliseconds since 1970.
    pub created_millis: i64,
    /// After how many days events go; never where absent.
    pub retention_days: Option<i32>,
    /// `STANDARD` or `INFREQUENT_ACCESS`.
    pub class: String,
    /// Whether DeleteLogGroup is refused.
    #[serde(default)]
    pub protected: bool,
    /// The tags.
    pub tags: BTreeMap<String, String>,
}

impl Record for GroupRecord {
    const VERSION: u16 = 1;
}

impl GroupRecord {
    /// A new group.
    pub fn new(now: Timestamp) -> GroupRecord {
        GroupRecord {
            id: random_id(),
            created_millis: now.millis(),
            retention_days: None,
            class: "STANDARD".to_owned(),
            protected: false,
            tags: BTreeMap::new(),
        }
    }

    /// The oldest time of which events are kept, in milliseconds since 1970.
    pub fn kept_since(&self, now: Timestamp) -> u64 {
        const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
        let days = self.retention_days.map(i64::from);
        days.map_or(0, |days| (now.millis() - days * DAY_MILLIS).max(0).unsigned_abs())
    }
}

/// A log stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRecord {
    /// What its events hang on.
    pub id: u64,
    /// When it was made, in milliseconds since 1970.
    pub created_millis: i64,
    /// The time of the earliest event.
    pub first_event_millis: Option<i64>,
    /// The time of the latest event.
    pub last_event_millis: Option<i64>,
    /// When events last came in.
    pub last_ingestion_millis: Option<i64>,
}

impl Record for StreamRecord {
    const VERSION: u16 = 1;
}

impl StreamRecord {
    /// A new, empty stream.
    pub fn new(now: Timestamp) -> StreamRecord {
        StreamRecord {
            id: random_id(),
            created_millis: now.millis(),
            first_event_millis: None,
            last_event_millis: None,
            last_ingestion_millis: None,
        }
    }

    /// Notes that an event of the time `at` came in.
    pub fn note(&mut self, at: Timestamp, now: Timestamp) {
        let at = at.millis();
        self.first_event_millis = Some(self.first_event_millis.map_or(at, |first| first.min(at)));
        self.last_event_millis = Some(self.last_event_millis.map_or(at, |last| last.max(at)));
        self.last_ingestion_millis = Some(now.millis());
    }
}

/// What is to be swept, with the times between which its events lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoomedRecord {
    /// Whether the whole group goes.
    pub whole_group: bool,
    /// The earliest event, in milliseconds since 1970.
    pub from_millis: u64,
    /// The latest event.
    pub to_millis: u64,
}

impl Record for DoomedRecord {
    const VERSION: u16 = 1;
}

fn random_id() -> u64 {
    u64::from_be_bytes(nephos_core::random::bytes())
}

const EVENT_VERSION: u8 = 1;

/// An event as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent<'a> {
    /// When it came in, in milliseconds since 1970.
    pub ingested_millis: i64,
    /// The text.
    pub message: &'a str,
}

impl<'a> StoredEvent<'a> {
    /// The stored form.
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(9 + self.message.len());
        out.put_u8(EVENT_VERSION);
        out.put_i64(self.ingested_millis);
        out.put_slice(self.message.as_bytes());
        out.freeze()
    }

    /// Reads the stored form.
    pub fn decode(bytes: &'a [u8]) -> Result<StoredEvent<'a>, StoreError> {
        let corrupt = |what: &str| StoreError::Corrupt(format!("log event: expected {what}"));
        let Some((&EVENT_VERSION, rest)) = bytes.split_first() else { return Err(corrupt("version 1")) };
        let (ingested, text) = rest.split_first_chunk().ok_or_else(|| corrupt("a time of ingestion"))?;
        let message = std::str::from_utf8(text).map_err(|_| corrupt("utf-8 text"))?;
        Ok(StoredEvent { ingested_millis: i64::from_be_bytes(*ingested), message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_round_trip() {
        let event = StoredEvent { ingested_millis: 12, message: "héllo" };
        assert_eq!(StoredEvent::decode(&event.encode()).unwrap(), event);
        for bad in [&b""[..], b"\x02aaaaaaaa", b"\x01aaa", b"\x01aaaaaaaa\xff"] {
            assert!(StoredEvent::decode(bad).is_err());
        }
    }

    #[test]
    fn retention_sets_the_oldest_time() {
        let now = Timestamp::from_secs(1_000_000_000);
        let mut group = GroupRecord::new(now);
        assert_eq!(group.kept_since(now), 0);
        group.retention_days = Some(1);
        assert_eq!(group.kept_since(now), 1_000_000_000_000 - 86_400_000);
    }
}
