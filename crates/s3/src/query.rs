//! Percent-coding in the dialects that S3 speaks: form-like pairs, listings, event keys and paths.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What listings with `encoding-type=url` and event keys leave as it is, besides letters and digits. A space becomes `+`.
const LISTED: AsciiSet =
    NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');

/// What the path of a `Location` header leaves as it is.
const PATH: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/')
    .remove(b'!')
    .remove(b'*');

/// `name=value` pairs, with `+` for a space.
pub fn parse(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_form(name), decode_form(value))
        })
        .collect()
}

fn decode_form(text: &str) -> String {
    decode(&text.replace('+', " ")).into_owned()
}

/// Takes percent-coding off; bytes that are no UTF-8 become replacement characters.
pub fn decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// A key as listings with `encoding-type=url` and events carry it.
pub fn encode_listed(key: &str) -> String {
    utf8_percent_encode(key, &LISTED).to_string().replace(' ', "+")
}

/// A key as the path of a URL.
pub fn encode_path(key: &str) -> String {
    utf8_percent_encode(key, &PATH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_keys_are_coded_as_s3_codes_them() {
        assert_eq!(encode_listed("a b/ü+c&d(1)*.txt"), "a+b/%C3%BC%2Bc%26d%281%29*.txt");
        assert_eq!(encode_path("a b/ü"), "a%20b/%C3%BC");
    }

    #[test]
    fn pairs_are_decoded() {
        assert_eq!(
            parse("a=1&b+c=%2B&&d"),
            [("a", "1"), ("b c", "+"), ("d", "")].map(|(a, b)| (a.into(), b.into()))
        );
    }
}
