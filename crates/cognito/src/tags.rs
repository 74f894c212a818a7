//! Tags of pools: their limits, and the condition keys they bring.

use std::collections::BTreeMap;

use nephos_core::Access;

use crate::error::Error;

/// The most tags of one resource.
const MAX_TAGS: usize = 50;

/// Tags by key.
pub(crate) type Tags = BTreeMap<String, String>;

/// Checks what the model does not: the number, and keys that are AWS's own.
pub(crate) fn check(tags: &Tags) -> Result<(), Error> {
    if tags.len() > MAX_TAGS {
        return Err(Error::invalid(format!("Too many tags: the limit is {MAX_TAGS}.")));
    }
    match tags.keys().find(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        Some(_) => Err(Error::invalid("aws: prefixed tag key names are not allowed for external use.")),
        None => Ok(()),
    }
}

/// The access with the tags that the resource has.
pub(crate) fn on_resource(mut access: Access, tags: &Tags) -> Access {
    for (key, value) in tags {
        access = access.key(&format!("aws:ResourceTag/{key}"), value.clone());
    }
    access
}

/// The access with the tags that the request sets.
pub(crate) fn in_request(mut access: Access, tags: &Tags) -> Access {
    for (key, value) in tags {
        access = access.key(&format!("aws:RequestTag/{key}"), value.clone());
    }
    if tags.is_empty() { access } else { access.keys("aws:TagKeys", tags.keys().cloned().collect()) }
}
