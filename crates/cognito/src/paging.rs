//! Pages of a list that is walked in key order. A token is the last name of the page before; it can only point within
//! the list that it is given to.

use bytes::Bytes;
use nephos_store::{Key, Range, Read};

use crate::crypto::{base64url, from_base64url};
use crate::error::Error;

/// A page: each row's last key component and value, and the token of the next page.
pub(crate) struct Page {
    /// The rows.
    pub(crate) rows: Vec<(String, Bytes)>,
    /// The next page, if there is more.
    pub(crate) next: Option<String>,
}

/// Reads a page of the rows right below `prefix`.
pub(crate) fn page(read: &dyn Read, prefix: &Key, token: Option<&str>, limit: usize) -> Result<Page, Error> {
    let mut range = Range::prefix(prefix).limit(limit + 1);
    if let Some(token) = token {
        range = range.after(&prefix.clone().text(&last_name(token)?));
    }
    let mut rows = Vec::with_capacity(limit + 1);
    for (key, value) in read.range(&range)? {
        let mut reader = nephos_store::KeyReader::new(&key.as_bytes()[prefix.as_bytes().len()..]);
        rows.push((reader.text()?, value));
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(name, _)| token_after(name));
    Ok(Page { rows, next })
}

/// The token of the page after `name`.
pub(crate) fn token_after(name: &str) -> String {
    base64url(name.as_bytes())
}

/// The last name of the page before.
pub(crate) fn last_name(token: &str) -> Result<String, Error> {
    let bytes = from_base64url(token).and_then(|bytes| String::from_utf8(bytes).ok());
    bytes.ok_or_else(|| Error::invalid("Invalid pagination token."))
}

/// A page's size as it was asked for; 0 and nothing ask for the most.
pub(crate) fn size(asked: Option<i32>, most: usize) -> usize {
    asked
        .and_then(|asked| usize::try_from(asked).ok())
        .filter(|asked| *asked > 0)
        .map_or(most, |a| a.min(most))
}
