//! Stored records: JSON behind a version, so that a newer program can read what an older one wrote.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

/// A type that is stored. Two bytes of version stand before its JSON.
pub trait Record: Serialize + DeserializeOwned {
    /// The version that is written now. Raise it with every change that serde alone cannot bridge.
    const VERSION: u16;

    /// Turns the JSON of an older version into the current one.
    fn migrate(from: u16, value: serde_json::Value) -> Result<serde_json::Value, StoreError> {
        drop(value);
        let name = std::any::type_name::<Self>();
        let expected = Self::VERSION;
        Err(StoreError::Corrupt(format!("record {name} has version {from}, expected {expected}")))
    }
}

/// The stored form of a record.
pub fn encode<T: Record>(value: &T) -> Result<Bytes, StoreError> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(&T::VERSION.to_be_bytes());
    serde_json::to_writer(&mut out, value).map_err(|error| unreadable::<T>(&error))?;
    Ok(out.into())
}

/// Reads a record's stored form, migrating an older one.
pub fn decode<T: Record>(bytes: &[u8]) -> Result<T, StoreError> {
    let Some((version, json)) = bytes.split_first_chunk() else {
        let name = std::any::type_name::<T>();
        return Err(StoreError::Corrupt(format!(
            "record {name} has {} bytes, expected a version",
            bytes.len()
        )));
    };
    let version = u16::from_be_bytes(*version);
    if version == T::VERSION {
        return serde_json::from_slice(json).map_err(|error| unreadable::<T>(&error));
    }
    let value = serde_json::from_slice(json).map_err(|error| unreadable::<T>(&error))?;
    if version > T::VERSION {
        return Err(newer::<T>(version));
    }
    serde_json::from_value(T::migrate(version, value)?).map_err(|error| unreadable::<T>(&error))
}

fn newer<T: Record>(version: u16) -> StoreError {
    let name = std::any::type_name::<T>();
    StoreError::Corrupt(format!("record {name} has version {version}, expected at most {}", T::VERSION))
}

/// Says where the JSON broke and never what it held: records carry secrets.
fn unreadable<T>(error: &serde_json::Error) -> StoreError {
    let name = std::any::type_name::<T>();
    let (line, column) = (error.line(), error.column());
    StoreError::Corrupt(format!(
        "record {name} is unreadable at line {line} column {column}: {:?} error",
        error.classify()
    ))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct User {
        name: String,
        age: u32,
    }

    impl Record for User {
        const VERSION: u16 = 2;

        fn migrate(from: u16, mut value: serde_json::Value) -> Result<serde_json::Value, StoreError> {
            assert_eq!(from, 1);
            value["age"] = 7.into();
            Ok(value)
        }
    }

    #[derive(Debug, Serialize, Deserialize)]
    struct Strict;

    impl Record for Strict {
        const VERSION: u16 = 3;
    }

    #[test]
    fn records_round_trip() {
        let user = User { name: "a".into(), age: 3 };
        assert_eq!(decode::<User>(&encode(&user).unwrap()).unwrap(), user);
    }

    #[test]
    fn an_older_record_is_migrated() {
        assert_eq!(decode::<User>(b"\0\x01{\"name\":\"a\"}").unwrap().age, 7);
    }

    #[test]
    fn what_cannot_be_read_is_corrupt_and_keeps_its_content_to_itself() {
        for bad in
            [&b""[..], b"\0", b"\0\x02{", b"\0\x02{\"name\":\"secret\",\"age\":\"secret\"}", b"\0\x03{}"]
        {
            let error = decode::<User>(bad).unwrap_err();
            assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(decode::<Strict>(b"\0\x01null").unwrap_err().to_string().contains("expected 3"));
    }
}
