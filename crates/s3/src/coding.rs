//! Percent-coding in the dialect that S3 uses in listings and events.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What listings with `encoding-type=url` and event keys leave as it is, besides letters and digits. A space becomes `+`.
const LISTED: AsciiSet =
    NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');

/// A key as listings with `encoding-type=url` and events carry it.
pub fn encode_listed(key: &str) -> String {
    utf8_percent_encode(key, &LISTED).to_string().replace(' ', "+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_keys_are_coded_as_s3_codes_them() {
        assert_eq!(encode_listed("a b/ü+c&d(1)*.txt"), "a+b/%C3%BC%2Bc%26d%281%29*.txt");
    }
}
