//! The targets, by name.

pub mod expression;
pub mod json;
pub mod pattern;
pub mod policy;
pub mod query;
pub mod rest;
pub mod signature;
pub mod template;
pub mod validation;
pub mod xml;

/// A target's name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const ALL: &[Target] = &[
    ("expression", expression::run),
    ("json", json::run),
    ("pattern", pattern::run),
    ("policy", policy::run),
    ("query", query::run),
    ("rest", rest::run),
    ("signature", signature::run),
    ("template", template::run),
    ("validation", validation::run),
    ("xml", xml::run),
];

/// Text up to a line's end, and what follows; bytes that are no UTF-8 are replaced.
pub(crate) fn line(data: &[u8]) -> (String, &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    (String::from_utf8_lossy(&data[..end]).into_owned(), data.get(end + 1..).unwrap_or_default())
}

/// One of `all`, as the first byte says, and the other bytes.
pub(crate) fn choose<'a, T>(all: &'a [T], data: &'a [u8]) -> (&'a T, &'a [u8]) {
    let (first, rest) = data.split_first().unwrap_or((&0, &[]));
    (&all[usize::from(*first) % all.len()], rest)
}
