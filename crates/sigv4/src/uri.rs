//! Paths and query strings in their canonical form, and percent coding as SigV4 wants it.
//!
//! Everything works on bytes: a path or query that is not UTF-8 has a canonical form too.

use std::borrow::Cow;
use std::cmp::Ordering;

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn push_escaped(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

/// Appends `bytes` with everything escaped but unreserved characters and, if `keep_slash`, `/`.
pub fn encode_into(out: &mut Vec<u8>, bytes: &[u8], keep_slash: bool) {
    for &byte in bytes {
        if is_unreserved(byte) || (keep_slash && byte == b'/') {
            out.push(byte);
        } else {
            push_escaped(out, byte);
        }
    }
}

/// `text` with everything escaped but unreserved characters.
pub fn encode(text: &str) -> String {
    encoded(text, false)
}

/// `text` as a path: everything escaped but unreserved characters and `/`.
pub fn encode_path(text: &str) -> String {
    encoded(text, true)
}

fn encoded(text: &str, keep_slash: bool) -> String {
    let mut out = Vec::with_capacity(text.len() + 8);
    encode_into(&mut out, text.as_bytes(), keep_slash);
    String::from_utf8(out).unwrap_or_default()
}

fn escaped_byte(bytes: &[u8]) -> Option<u8> {
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    match bytes {
        [b'%', high, low, ..] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    }
}

/// Reads a query name or value: `%XX` and, as form coding has it, `+` for a space. A `%` that starts no escape stays.
pub fn decode_query(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.iter().any(|b| matches!(b, b'%' | b'+')) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(&first) = rest.first() {
        match escaped_byte(rest) {
            Some(byte) => {
                out.push(byte);
                rest = &rest[3..];
            }
            None => {
                out.push(if first == b'+' { b' ' } else { first });
                rest = &rest[1..];
            }
        }
    }
    Cow::Owned(out)
}

/// Appends S3's canonical path: each byte escaped once, whatever the client left raw; not normalised. An escaped
/// slash stays escaped, because it is part of a key and no separator.
pub fn s3_path_into(out: &mut Vec<u8>, path: &[u8]) {
    if path.is_empty() {
        out.push(b'/');
    }
    let mut rest = path;
    while let Some(&first) = rest.first() {
        match escaped_byte(rest) {
            Some(byte) => {
                encode_into(out, &[byte], false);
                rest = &rest[3..];
            }
            None => {
                encode_into(out, &[first], true);
                rest = &rest[1..];
            }
        }
    }
}

/// Appends every other service's canonical path: dots and repeated slashes resolved, then what the client sent
/// escaped once more.
pub fn standard_path_into(out: &mut Vec<u8>, path: &[u8]) {
    let mut kept: Vec<&[u8]> = Vec::with_capacity(8);
    for segment in path.split(|b| *b == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    out.push(b'/');
    for (at, segment) in kept.iter().enumerate() {
        if at > 0 {
            out.push(b'/');
        }
        encode_into(out, segment, false);
    }
    if !kept.is_empty() && path.ends_with(b"/") {
        out.push(b'/');
    }
}

/// The raw name and value of each parameter of a query string, in order, not decoded.
pub fn raw_pairs(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    query.split(|b| *b == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        match pair.iter().position(|b| *b == b'=') {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &pair[pair.len()..]),
        }
    })
}

/// The decoded values of every parameter called `name`.
pub fn values_of<'a>(query: &'a str, name: &'a str) -> impl Iterator<Item = Cow<'a, [u8]>> {
    raw_pairs(query.as_bytes())
        .filter(move |(raw, _)| decode_query(raw).as_ref() == name.as_bytes())
        .map(|(_, value)| decode_query(value))
}

fn is_canonical(raw: &[u8]) -> bool {
    let mut rest = raw;
    while let Some(&first) = rest.first() {
        if is_unreserved(first) {
            rest = &rest[1..];
            continue;
        }
        match escaped_byte(rest) {
            Some(byte) if !is_unreserved(byte) && !rest[1..3].iter().any(|b| b.is_ascii_lowercase()) => {
                rest = &rest[3..];
            }
            _ => return false,
        }
    }
    true
}

fn canonical_part(raw: &[u8]) -> Cow<'_, [u8]> {
    if is_canonical(raw) {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len() + 8);
    encode_into(&mut out, &decode_query(raw), false);
    Cow::Owned(out)
}

/// Appends the canonical query string: every name and value escaped once, sorted by name and then value, without the
/// parameter `leave_out`.
pub fn query_into(out: &mut Vec<u8>, query: &[u8], leave_out: &[u8]) {
    let mut pairs: Vec<(Cow<'_, [u8]>, Cow<'_, [u8]>)> = raw_pairs(query)
        .map(|(name, value)| (canonical_part(name), canonical_part(value)))
        .filter(|(name, _)| name.as_ref() != leave_out)
        .collect();
    pairs.sort_by(|a, b| match a.0.cmp(&b.0) {
        Ordering::Equal => a.1.cmp(&b.1),
        unequal => unequal,
    });
    for (at, (name, value)) in pairs.iter().enumerate() {
        if at > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3(path: &str) -> String {
        let mut out = Vec::new();
        s3_path_into(&mut out, path.as_bytes());
        String::from_utf8(out).unwrap()
    }

    fn standard(path: &str) -> String {
        let mut out = Vec::new();
        standard_path_into(&mut out, path.as_bytes());
        String::from_utf8(out).unwrap()
    }

    fn query(text: &str) -> String {
        let mut out = Vec::new();
        query_into(&mut out, text.as_bytes(), b"X-Amz-Signature");
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn s3_paths_are_escaped_once_and_never_normalised() {
        assert_eq!(s3(""), "/");
        assert_eq!(s3("/b//a/../k"), "/b//a/../k");
        assert_eq!(s3("/b/a%20b(c)%28+%2b"), "/b/a%20b%28c%29%28%2B%2B");
        assert_eq!(s3("/b/a%2Fb%7E~"), "/b/a%2Fb~~");
        assert_eq!(s3("/b/100%"), "/b/100%25");
        assert_eq!(s3("/ሴ"), "/%E1%88%B4");
    }

    #[test]
    fn other_paths_are_normalised_and_escaped_again() {
        assert_eq!(standard(""), "/");
        assert_eq!(standard("//a/./b/../c//"), "/a/c/");
        assert_eq!(standard("/../.."), "/");
        assert_eq!(standard("/f/arn%3Aaws%3Alambda:x"), "/f/arn%253Aaws%253Alambda%3Ax");
    }

    #[test]
    fn queries_are_sorted_and_escaped() {
        assert_eq!(query(""), "");
        assert_eq!(query("b=2&a=1&a=0&c"), "a=0&a=1&b=2&c=");
        assert_eq!(query("x=a+b&y=%7e&z=%2f/"), "x=a%20b&y=~&z=%2F%2F");
        assert_eq!(query("a=1&&X-Amz-Signature=ff&b=="), "a=1&b=%3D");
        assert_eq!(query("a-b=1&a=2"), "a=2&a-b=1");
    }
}
