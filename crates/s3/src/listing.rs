//! Walking names in order, with a prefix, a delimiter and pages. What stands behind a common prefix is skipped by
//! seeking past it, so a page costs what it shows and not what it hides.

use std::ops::{Bound, ControlFlow};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use nephos_store::{Key, Range, Read, StoreError};

use crate::keys;

/// How many rows under a common prefix are passed over before it is worth seeking.
const LOOK_AHEAD: usize = 16;

/// How many rows one scan reads.
const ROWS_A_SCAN: usize = 1200;

/// Which names are wanted.
pub struct Walk<'a> {
    /// The start of all rows whose names begin with a prefix.
    pub under: &'a dyn Fn(&str) -> Key,
    /// The name in a row's key.
    pub name: fn(&[u8]) -> Result<String, StoreError>,
    /// How names must begin.
    pub prefix: &'a str,
    /// What ends a common prefix.
    pub delimiter: Option<&'a str>,
    /// Where the page begins.
    pub start: Start,
    /// How many rows and common prefixes it may show.
    pub limit: usize,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// At the first name.
    First,
    /// Behind a row.
    After(Key),
    /// At a row, if there is one.
    At(Key),
}

/// A page.
#[derive(Debug)]
pub struct Page<T> {
    /// The names that no common prefix hides, with what was read of each.
    pub rows: Vec<(String, T)>,
    /// The common prefixes, in order.
    pub prefixes: Vec<String>,
    /// What the page shows last, if more follows.
    pub last: Option<Shown>,
}

/// The last thing on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A name.
    Row(String),
    /// A common prefix.
    Prefix(String),
}

impl Shown {
    /// The text of either.
    pub fn text(&self) -> &str {
        match self {
            Shown::Row(text) | Shown::Prefix(text) => text,
        }
    }

    /// An opaque token from which a later page goes on.
    pub fn token(&self) -> String {
        let (kind, text) = match self {
            Shown::Row(text) => ('r', text),
            Shown::Prefix(text) => ('p', text),
        };
        BASE64.encode(format!("{kind}{text}"))
    }

    /// Reads a token.
    pub fn from_token(token: &str) -> Option<Shown> {
        let text = String::from_utf8(BASE64.decode(token).ok()?).ok()?;
        match text.split_at_checked(1)? {
            ("r", rest) => Some(Shown::Row(rest.to_owned())),
            ("p", rest) => Some(Shown::Prefix(rest.to_owned())),
            _ => None,
        }
    }
}

/// The common prefix that hides `name`, if one does.
pub fn common_prefix<'n>(name: &'n str, prefix: &str, delimiter: Option<&str>) -> Option<&'n str> {
    let delimiter = delimiter?;
    let at = name.strip_prefix(prefix)?.find(delimiter)?;
    name.get(..prefix.len() + at + delimiter.len())
}

/// What one scan came to.
enum Turn {
    /// Everything was seen.
    End,
    /// The page is full and more follows.
    Full,
    /// The scan's own limit was reached at this row.
    Again(Key),
    /// What a common prefix hides is not worth reading.
    Skip(String),
}

struct Scan<'a, 'w, T> {
    walk: &'a Walk<'w>,
    read: &'a mut dyn FnMut(&[u8], &[u8]) -> Result<T, StoreError>,
    page: Page<T>,
    last: Option<Shown>,
    seen: usize,
    hidden: usize,
}

impl<T> Scan<'_, '_, T> {
    fn visit(&mut self, key: &[u8], value: &[u8]) -> Result<Option<Turn>, StoreError> {
        self.seen += 1;
        let name = (self.walk.name)(key)?;
        let common = common_prefix(&name, self.walk.prefix, self.walk.delimiter);
        if let Some(common) = common
            && self.page.prefixes.last().is_some_and(|last| last == common)
        {
            self.hidden += 1;
            if self.hidden > LOOK_AHEAD {
                return Ok(Some(Turn::Skip(common.to_owned())));
            }
        } else if self.page.rows.len() + self.page.prefixes.len() >= self.walk.limit {
            return Ok(Some(Turn::Full));
        } else if let Some(common) = common {
            self.hidden = 0;
            self.page.prefixes.push(common.to_owned());
            self.last = Some(Shown::Prefix(common.to_owned()));
        } else {
            let read = (self.read)(key, value)?;
            self.last = Some(Shown::Row(name.clone()));
            self.page.rows.push((name, read));
        }
        Ok((self.seen >= ROWS_A_SCAN).then(|| Turn::Again(Key::from_bytes(key))))
    }
}

/// Walks one page. `read` takes what the page needs of a row.
pub fn walk<T>(
    from: &impl Read,
    walk: &Walk<'_>,
    read: &mut dyn FnMut(&[u8], &[u8]) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError> {
    let first = (walk.under)(walk.prefix);
    let end = Bound::Excluded(keys::past(&first));
    let mut start = match &walk.start {
        Start::After(row) if *row >= first => Bound::Excluded(row.clone()),
        Start::At(row) if *row >= first => Bound::Included(row.clone()),
        _ => Bound::Included(first),
    };
    let page = Page { rows: Vec::new(), prefixes: Vec::new(), last: None };
    let mut scan = Scan { walk, read, page, last: None, seen: 0, hidden: 0 };
    if walk.limit == 0 {
        return Ok(scan.page);
    }
    loop {
        scan.seen = 0;
        let mut turn = Ok(Turn::End);
        from.scan(&Range::between(start, end.clone()).limit(ROWS_A_SCAN), &mut |key, value| {
            match scan.visit(key, value) {
                Ok(None) => return ControlFlow::Continue(()),
                Ok(Some(next)) => turn = Ok(next),
                Err(error) => turn = Err(error),
            }
            ControlFlow::Break(())
        })?;
        start = match turn? {
            Turn::End => return Ok(scan.page),
            Turn::Full => {
                scan.page.last = scan.last;
                return Ok(scan.page);
            }
            Turn::Again(row) => Bound::Excluded(row),
            Turn::Skip(prefix) => Bound::Included(keys::past(&(walk.under)(&prefix))),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use nephos_store::{Store, Tx};
    use proptest::prelude::*;

    use super::*;

    fn store_of(names: &BTreeSet<String>) -> Store {
        let store = Store::memory();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime
            .block_on(store.transact("test", |tx: &mut Tx| {
                for name in names {
                    tx.put(keys::object(1, name, 0), name.clone().into_bytes());
                }
                tx.put(keys::object(2, "other", 0), "other");
                Ok::<_, StoreError>(())
            }))
            .unwrap();
        store
    }

    fn page(
        store: &Store,
        prefix: &str,
        delimiter: Option<&str>,
        start: Start,
        limit: usize,
    ) -> Page<Vec<u8>> {
        let under = |prefix: &str| keys::objects_under(1, prefix);
        let wanted = Walk { under: &under, name: keys::object_key, prefix, delimiter, start, limit };
        store.read(|view| walk(view, &wanted, &mut |_, value| Ok(value.to_vec()))).unwrap()
    }

    /// Every page after another, as a client would ask for them.
    fn all(store: &Store, prefix: &str, delimiter: Option<&str>, limit: usize) -> Vec<String> {
        let (mut seen, mut start) = (Vec::new(), Start::First);
        loop {
            let page = page(store, prefix, delimiter, start, limit);
            let count = page.rows.len() + page.prefixes.len();
            assert!(count <= limit);
            assert!(page.rows.iter().all(|(name, value)| name.as_bytes() == value));
            let mut shown: Vec<_> =
                page.rows.into_iter().map(|(name, _)| name).chain(page.prefixes).collect();
            shown.sort();
            seen.extend(shown);
            let Some(last) = page.last else { return seen };
            assert_eq!(count, limit);
            let last = Shown::from_token(&last.token()).unwrap();
            start = match last {
                Shown::Row(name) => Start::After(keys::object(1, &name, 0)),
                Shown::Prefix(prefix) => Start::At(keys::past(&keys::objects_under(1, &prefix))),
            };
        }
    }

    /// What S3 says that a listing shows, computed the slow way.
    fn model(names: &BTreeSet<String>, prefix: &str, delimiter: Option<&str>) -> Vec<String> {
        let shown: BTreeSet<String> = names
            .iter()
            .filter(|name| name.starts_with(prefix))
            .map(|name| common_prefix(name, prefix, delimiter).unwrap_or(name).to_owned())
            .collect();
        shown.into_iter().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn pages_together_are_the_whole_listing(
            names in prop::collection::btree_set("[ab/\u{0}é]{1,6}", 0..60),
            prefix in "[ab/]{0,2}",
            delimiter in prop::option::of("[/b]{1,2}"),
            limit in 1usize..12,
        ) {
            let store = store_of(&names);
            let delimiter = delimiter.as_deref();
            prop_assert_eq!(all(&store, &prefix, delimiter, limit), model(&names, &prefix, delimiter));
        }
    }

    #[test]
    fn folders_of_many_objects_are_skipped() {
        let names: BTreeSet<String> =
            (0..5_000).map(|i| format!("{}/{i:05}", i % 3)).chain(["zoo".to_owned()]).collect();
        let store = store_of(&names);
        assert_eq!(all(&store, "", Some("/"), 2), ["0/", "1/", "2/", "zoo"]);
        assert_eq!(all(&store, "1/", None, 1000).len(), 1667);
        assert!(page(&store, "", None, Start::First, 0).last.is_none());
    }

    #[test]
    fn tokens_are_checked() {
        assert_eq!(Shown::from_token("not base64!"), None);
        assert_eq!(Shown::from_token(&BASE64.encode("x")), None);
        assert_eq!(Shown::from_token(""), None);
    }
}
