//! Tag sets of buckets and objects, and the rules that S3 checks them by.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How many tags an object may have.
pub const MAX_OBJECT_TAGS: usize = 10;
/// How many tags a bucket may have.
pub const MAX_BUCKET_TAGS: usize = 50;

const MAX_KEY_CHARS: usize = 128;
const MAX_VALUE_CHARS: usize = 256;

/// Tags in the order in which they were given, each key once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TagSet(Vec<(String, String)>);

impl TagSet {
    /// Checks tags of an object.
    pub fn of_object(tags: Vec<(String, String)>) -> Result<TagSet, Error> {
        if tags.len() > MAX_OBJECT_TAGS {
            return Err(Error::BadRequest(format!("Object tags cannot be greater than {MAX_OBJECT_TAGS}")));
        }
        checked(tags)
    }

    /// Checks tags of a bucket.
    pub fn of_bucket(tags: Vec<(String, String)>) -> Result<TagSet, Error> {
        if tags.len() > MAX_BUCKET_TAGS {
            return Err(Error::BadRequest(format!(
                "Bucket tag count cannot be greater than {MAX_BUCKET_TAGS}"
            )));
        }
        checked(tags)
    }

    /// Reads the `x-amz-tagging` header: `key=value&key=value`, percent-encoded.
    pub fn from_header(header: &str) -> Result<TagSet, Error> {
        let pairs = nephos_wire::form::parse(header);
        let names: HashSet<_> = pairs.iter().map(|(key, _)| key).collect();
        if names.len() < pairs.len() || pairs.iter().any(|(key, _)| key.is_empty()) {
            return Err(Error::argument(
                "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
                "x-amz-tagging",
                header,
            ));
        }
        TagSet::of_object(pairs)
    }

    /// The tags.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn checked(tags: Vec<(String, String)>) -> Result<TagSet, Error> {
    let mut seen = HashSet::new();
    for (key, value) in &tags {
        let refuse = |message| Err(Error::InvalidTag { message, key: Some(key.clone()) });
        if key.starts_with("aws:") {
            return Err(Error::InvalidTag {
                message: "System tags cannot be added/updated by requester",
                key: None,
            });
        }
        if key.is_empty() || key.chars().count() > MAX_KEY_CHARS || !key.chars().all(legal) {
            return refuse("The TagKey you have provided is invalid");
        }
        if value.chars().count() > MAX_VALUE_CHARS || !value.chars().all(legal) {
            return Err(Error::InvalidTag {
                message: "The TagValue you have provided is invalid",
                key: None,
            });
        }
        if !seen.insert(key) {
            return refuse("Cannot provide multiple Tags with the same key");
        }
    }
    Ok(TagSet(tags))
}

/// Letters, digits and white space of any script, and `_.:/=+-@`.
fn legal(c: char) -> bool {
    c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_header_becomes_tags() {
        let set = TagSet::from_header("a=1&b%20c=x%2By&d").unwrap();
        assert_eq!(set.iter().collect::<Vec<_>>(), [("a", "1"), ("b c", "x+y"), ("d", "")]);
        assert!(TagSet::from_header("").unwrap().is_empty());
        assert!(matches!(TagSet::from_header("a=1&a=2"), Err(Error::InvalidArgument { .. })));
        assert!(matches!(TagSet::from_header("=1"), Err(Error::InvalidArgument { .. })));
    }

    #[test]
    fn unlawful_tags_are_refused() {
        let long = "k".repeat(129);
        for bad in [
            tags(&[("a", "1"), ("a", "2")]),
            tags(&[("aws:a", "1")]),
            tags(&[(&long, "")]),
            tags(&[("a", "<")]),
        ] {
            assert!(matches!(TagSet::of_bucket(bad), Err(Error::InvalidTag { .. })));
        }
        let many: Vec<_> = (0..11).map(|i| (format!("k{i}"), String::new())).collect();
        assert!(matches!(TagSet::of_object(many.clone()), Err(Error::BadRequest(_))));
        assert!(TagSet::of_bucket(many).is_ok());
    }
}
