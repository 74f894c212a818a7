//! Account ids, regions and request ids: parsed once, then trusted.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::random;

/// Why a name was refused: what was expected, and what came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, got {got:?}")]
pub struct InvalidName {
    /// What would have been accepted.
    pub expected: &'static str,
    /// What was given.
    pub got: String,
}

/// A twelve-digit account id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// The account of a fresh installation: `000000000000`.
    pub const DEFAULT: AccountId = AccountId(*b"000000000000");

    /// The digits.
    pub fn as_str(&self) -> &str {
        // Only digits are ever stored.
        std::str::from_utf8(&self.0).unwrap_or("000000000000")
    }
}

impl FromStr for AccountId {
    type Err = InvalidName;

    fn from_str(s: &str) -> Result<Self, InvalidName> {
        match <[u8; 12]>::try_from(s.as_bytes()) {
            Ok(digits) if digits.iter().all(u8::is_ascii_digit) => Ok(AccountId(digits)),
            _ => Err(InvalidName { expected: "an account id of 12 digits", got: s.to_owned() }),
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A region's name. Any well-formed name is a region here.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(Arc<str>);

impl Region {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Region {
    fn default() -> Self {
        Region(Arc::from("us-east-1"))
    }
}

impl FromStr for Region {
    type Err = InvalidName;

    fn from_str(s: &str) -> Result<Self, InvalidName> {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (2..=32).contains(&s.len()) && s.bytes().all(legal) && s.as_bytes()[0].is_ascii_lowercase() {
            Ok(Region(Arc::from(s)))
        } else {
            Err(InvalidName { expected: "a region such as us-east-1", got: s.to_owned() })
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request's id, in the UUID form that most services use.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A new random id.
    pub fn new() -> Self {
        RequestId(random::uuid().into())
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for RequestId {
    fn default() -> Self {
        RequestId::new()
    }
}

impl From<&str> for RequestId {
    fn from(id: &str) -> Self {
        RequestId(Arc::from(id))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_ids_are_twelve_digits() {
        assert_eq!("123456789012".parse::<AccountId>().unwrap().as_str(), "123456789012");
        for bad in ["", "12345678901", "1234567890123", "12345678901x", "１２３４"] {
            assert!(bad.parse::<AccountId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn regions_are_lowercase_names() {
        assert_eq!("eu-central-2".parse::<Region>().unwrap().as_str(), "eu-central-2");
        for bad in ["", "x", "US-EAST-1", "us/east", "1us-east", &"a".repeat(33)] {
            assert!(bad.parse::<Region>().is_err(), "{bad}");
        }
    }
}
