//! Query strings and form bodies.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What a URI component leaves as it is: letters, digits, `-`, `.`, `_`, `~`.
pub const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a path leaves as it is: a component's characters and `/`.
pub const PATH: &AsciiSet = &COMPONENT.remove(b'/');

/// `a=1&b=two+words` as pairs, decoded. A name without `=` has an empty value. Bytes that are no UTF-8 become U+FFFD.
pub fn parse(text: &str) -> Vec<(String, String)> {
    pairs(text).collect()
}

/// The same, one after the other, for texts that may be long.
pub fn pairs(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode_plus(name), decode_plus(value))
    })
}

fn decode_plus(text: &str) -> String {
    let spaced: Cow<'_, str> = if text.contains('+') { text.replace('+', " ").into() } else { text.into() };
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// A path or one of its segments, decoded; `+` stays. Bytes that are no UTF-8 become U+FFFD.
pub fn decode_path(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The same, unless the bytes are no UTF-8: two keys must not become one.
pub fn decode_path_strictly(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned)
}

/// Encodes one component of a URI.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

/// Encodes a path, keeping its slashes.
pub fn encode_path(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_decode() {
        let pairs = parse("a=1&b=two+words%21&c&=d&&e=%zz");
        let expected = [("a", "1"), ("b", "two words!"), ("c", ""), ("", "d"), ("e", "%zz")];
        assert_eq!(pairs, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn components_encode_all_but_the_unreserved() {
        assert_eq!(encode("a/b c~ü"), "a%2Fb%20c~%C3%BC");
        assert_eq!(encode_path("a/b c"), "a/b%20c");
        assert_eq!(decode_path("a%2Fb+c"), "a/b+c");
    }
}
