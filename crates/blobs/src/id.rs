//! A blob's name.

use std::fmt;
use std::str::FromStr;

use nephos_core::random;
use serde::{Deserialize, Serialize};

use crate::BlobError;

/// Names one blob: 16 random bytes, spelt as 32 characters of lower-case hexadecimal.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobId(String);

impl BlobId {
    pub(crate) fn random() -> BlobId {
        BlobId(random::hex(&random::bytes::<16>()))
    }

    /// The name, which is also a file's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The sub-folder that the blob lies in.
    pub(crate) fn shard(&self) -> &str {
        &self.0[..2]
    }
}

impl FromStr for BlobId {
    type Err = BlobError;

    fn from_str(text: &str) -> Result<BlobId, BlobError> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for BlobId {
    type Error = BlobError;

    fn try_from(text: String) -> Result<BlobId, BlobError> {
        let hex = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if hex && text.len() == 32 { Ok(BlobId(text)) } else { Err(BlobError::BadId(text.chars().count())) }
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> String {
        id.0
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_as_text_and_json() {
        let id = BlobId::random();
        assert_eq!(id.to_string().parse::<BlobId>().unwrap(), id);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<BlobId>(&json).unwrap(), id);
    }

    #[test]
    fn nothing_else_is_an_id() {
        let upper = "A".repeat(32);
        let wide = "é".repeat(16);
        for bad in ["", "..", "../../../../../../etc/passwd/////", "0", upper.as_str(), wide.as_str()] {
            assert!(bad.parse::<BlobId>().is_err(), "{bad}");
            assert!(serde_json::from_str::<BlobId>(&format!("\"{bad}\"")).is_err(), "{bad}");
        }
    }
}
