//! Pages of lists: `Marker`, `MaxItems`, `IsTruncated`. A marker is the last name of the page before, in base64, so a page
//! continues where it should even if that name is gone meanwhile.

use std::ops::ControlFlow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nephos_store::{Key, Range, Read, Record, StoreError};

use crate::error::Error;

/// How many items a page has where the caller does not say.
const DEFAULT_ITEMS: i32 = 100;

/// What the caller asked for.
pub(crate) struct Asked {
    after: Option<String>,
    items: usize,
}

/// A page, and where the next one begins.
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    pub marker: Option<String>,
}

impl<T> Page<T> {
    pub(crate) fn is_truncated(&self) -> Option<bool> {
        Some(self.marker.is_some())
    }
}

impl Asked {
    pub(crate) fn read(marker: Option<&str>, max_items: Option<i32>) -> Result<Asked, Error> {
        let decode = |marker: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(marker).ok()?;
            String::from_utf8(bytes).ok()
        };
        let after = match marker {
            None => None,
            Some(marker) => {
                Some(decode(marker).ok_or_else(|| Error::Validation(format!("Invalid Marker: {marker}")))?)
            }
        };
        let items = usize::try_from(max_items.unwrap_or(DEFAULT_ITEMS)).unwrap_or(1).max(1);
        Ok(Asked { after, items })
    }

    /// A page of a list that is in memory, in order of its names.
    pub(crate) fn of<T>(self, mut all: Vec<T>, name: impl Fn(&T) -> &str) -> Page<T> {
        all.sort_by(|a, b| name(a).cmp(name(b)));
        let mut items: Vec<T> = all
            .into_iter()
            .filter(|item| self.after.as_deref().is_none_or(|after| name(item) > after))
            .collect();
        let truncated = items.len() > self.items;
        items.truncate(self.items);
        let marker = items.last().filter(|_| truncated).map(|last| encode(name(last)));
        Page { items, marker }
    }

    /// A page of the records under `prefix`, whose next key component is the lower-case name.
    pub(crate) fn records<R: Read, T: Record>(
        self,
        tx: &R,
        prefix: &Key,
        name: impl Fn(&T) -> &str,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<Page<T>, StoreError> {
        let mut range = Range::prefix(prefix);
        if let Some(after) = &self.after {
            range = range.after(&prefix.clone().text(after));
        }
        let (mut items, mut truncated, mut failed) = (Vec::<T>::new(), false, None);
        tx.scan(&range, &mut |_, value| match nephos_store::record::decode::<T>(value) {
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
            Ok(record) if !wanted(&record) => ControlFlow::Continue(()),
            Ok(_) if items.len() == self.items => {
                truncated = true;
                ControlFlow::Break(())
            }
            Ok(record) => {
                items.push(record);
                ControlFlow::Continue(())
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        let marker = items.last().filter(|_| truncated).map(|last| encode(&name(last).to_lowercase()));
        Ok(Page { items, marker })
    }
}

fn encode(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_join_to_the_whole() {
        let all: Vec<String> = (0..25).map(|n| format!("n{n:02}")).collect();
        let (mut seen, mut marker) = (Vec::new(), None);
        loop {
            let asked = Asked::read(marker.as_deref(), Some(10)).unwrap();
            let page = asked.of(all.clone(), |name| name);
            seen.extend(page.items);
            marker = page.marker;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
        assert!(Asked::read(Some("?"), None).is_err());
    }
}
