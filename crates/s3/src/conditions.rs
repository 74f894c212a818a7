//! Conditional requests: `If-Match` and its kin, on reads, copies and writes.

use nephos_core::Timestamp;

use crate::error::Error;
use crate::records::Object;

/// The conditions of a read, or of a copy's source.
#[derive(Debug, Clone, Default)]
pub struct Conditions<'a> {
    /// `If-Match`.
    pub if_match: Option<&'a str>,
    /// `If-None-Match`.
    pub if_none_match: Option<&'a str>,
    /// `If-Modified-Since`.
    pub if_modified_since: Option<Timestamp>,
    /// `If-Unmodified-Since`.
    pub if_unmodified_since: Option<Timestamp>,
}

/// Whether one of the listed ETags is the object's; `*` is every object's.
fn listed(header: &str, etag: &str) -> bool {
    header.split(',').map(str::trim).any(|given| {
        let given = given.strip_prefix("W/").unwrap_or(given);
        given == "*" || given.trim_matches('"') == etag
    })
}

impl Conditions<'_> {
    /// Checks a read: what does not hold is a failed precondition, or the news that nothing is new.
    pub fn check(&self, object: &Object) -> Result<(), Error> {
        let modified = object.modified_secs();
        match (self.if_match, self.if_unmodified_since) {
            (Some(header), _) if !listed(header, &object.etag) => {
                return Err(Error::PreconditionFailed("If-Match"));
            }
            (None, Some(moment)) if modified > moment => {
                return Err(Error::PreconditionFailed("If-Unmodified-Since"));
            }
            _ => {}
        }
        let known = match (self.if_none_match, self.if_modified_since) {
            (Some(header), _) => listed(header, &object.etag),
            (None, Some(moment)) => modified <= moment,
            (None, None) => false,
        };
        if known { Err(not_modified(object)) } else { Ok(()) }
    }

    /// Checks a copy's source, where nothing new is a failed precondition as well.
    pub fn check_source(&self, object: &Object) -> Result<(), Error> {
        self.check(object).map_err(|error| match error {
            Error::NotModified { .. } if self.if_none_match.is_some() => {
                Error::PreconditionFailed("x-amz-copy-source-If-None-Match")
            }
            Error::NotModified { .. } => Error::PreconditionFailed("x-amz-copy-source-If-Modified-Since"),
            Error::PreconditionFailed("If-Match") => Error::PreconditionFailed("x-amz-copy-source-If-Match"),
            Error::PreconditionFailed(_) => {
                Error::PreconditionFailed("x-amz-copy-source-If-Unmodified-Since")
            }
            other => other,
        })
    }
}

fn not_modified(object: &Object) -> Error {
    let headers = &object.headers;
    let caching = [("Cache-Control", &headers.cache_control), ("Expires", &headers.expires)];
    Error::NotModified {
        etag: object.quoted_etag(),
        modified: object.modified.http_date(),
        caching: caching.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect(),
    }
}

/// The conditions of a write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteConditions {
    if_match: Option<String>,
    if_absent: bool,
}

impl WriteConditions {
    /// Reads the two headers; `If-None-Match` can only be `*`.
    pub fn parse(if_match: Option<&str>, if_none_match: Option<&str>) -> Result<WriteConditions, Error> {
        let if_absent = match if_none_match {
            None => false,
            Some("*") => true,
            Some(other) => return Err(Error::NotImplemented(format!("If-None-Match: {other}"))),
        };
        if if_absent && if_match.is_some() {
            return Err(Error::NotImplemented("If-Match together with If-None-Match".to_owned()));
        }
        Ok(WriteConditions { if_match: if_match.map(str::to_owned), if_absent })
    }

    /// Checks what is there, before anything is written and again when it is.
    pub fn check(&self, key: &str, current: Option<&Object>) -> Result<(), Error> {
        if self.if_absent && current.is_some() {
            return Err(Error::PreconditionFailed("If-None-Match"));
        }
        match (&self.if_match, current) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(Error::NoSuchKey(key.to_owned())),
            (Some(header), Some(object)) if listed(header, &object.etag) => Ok(()),
            (Some(_), Some(_)) => Err(Error::PreconditionFailed("If-Match")),
        }
    }

    /// Whether there are any.
    pub fn is_empty(&self) -> bool {
        *self == WriteConditions::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{Content, Headers};

    fn object() -> Object {
        Object {
            content: Content::Inline,
            size: 1,
            etag: "abc".into(),
            modified: Timestamp::from_millis(100_500),
            sequence: 1,
            crc64: 0,
            checksum: None,
            headers: Headers::default(),
            tags: Default::default(),
        }
    }

    fn status(conditions: Conditions<'_>) -> u16 {
        conditions.check(&object()).map_or_else(|error| error.code_and_status().1, |()| 200)
    }

    #[test]
    fn reads_follow_the_rules_of_http() {
        let at = |secs| Some(Timestamp::from_secs(secs));
        let none = Conditions::default;
        assert_eq!(status(none()), 200);
        assert_eq!(status(Conditions { if_match: Some("\"abc\""), ..none() }), 200);
        assert_eq!(status(Conditions { if_match: Some("\"x\", \"abc\""), ..none() }), 200);
        assert_eq!(status(Conditions { if_match: Some("\"x\""), ..none() }), 412);
        assert_eq!(status(Conditions { if_none_match: Some("abc"), ..none() }), 304);
        assert_eq!(status(Conditions { if_none_match: Some("*"), ..none() }), 304);
        assert_eq!(status(Conditions { if_none_match: Some("W/\"abc\""), ..none() }), 304);
        assert_eq!(status(Conditions { if_modified_since: at(100), ..none() }), 304);
        assert_eq!(status(Conditions { if_modified_since: at(99), ..none() }), 200);
        assert_eq!(status(Conditions { if_unmodified_since: at(99), ..none() }), 412);
        assert_eq!(status(Conditions { if_unmodified_since: at(100), ..none() }), 200);
        // The stronger of two decides.
        assert_eq!(status(Conditions { if_match: Some("abc"), if_unmodified_since: at(1), ..none() }), 200);
        assert_eq!(
            status(Conditions { if_none_match: Some("x"), if_modified_since: at(500), ..none() }),
            200
        );
    }

    #[test]
    fn writes_can_insist_on_what_is_there() {
        let absent = WriteConditions::parse(None, Some("*")).unwrap();
        assert!(absent.check("k", None).is_ok());
        assert!(matches!(
            absent.check("k", Some(&object())),
            Err(Error::PreconditionFailed("If-None-Match"))
        ));
        let same = WriteConditions::parse(Some("\"abc\""), None).unwrap();
        assert!(same.check("k", Some(&object())).is_ok());
        assert!(matches!(same.check("k", None), Err(Error::NoSuchKey(_))));
        let other = WriteConditions::parse(Some("\"x\""), None).unwrap();
        assert!(matches!(other.check("k", Some(&object())), Err(Error::PreconditionFailed("If-Match"))));
        assert!(WriteConditions::parse(None, Some("\"abc\"")).is_err());
    }
}
