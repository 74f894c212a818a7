//! The models' regular expressions, which are Java's, in the dialect of our engine.
//!
//! Java's `\w`, `\d`, `\s` know only ASCII and its `.` ends at every line terminator; ours know all of Unicode. What
//! our engine cannot say (look-around) is left to the service.

/// Outside brackets and inside them alike: our engine nests classes, as Java does.
const CLASSES: &[(char, &str)] = &[
    ('w', "[0-9A-Za-z_]"),
    ('W', "[^0-9A-Za-z_]"),
    ('d', "[0-9]"),
    ('D', "[^0-9]"),
    ('s', r"[ \t\n\x0B\x0C\r]"),
    ('S', r"[^ \t\n\x0B\x0C\r]"),
];

/// A Java `.` without the flag `s`.
const ANY: &str = r"[^\n\r\x{85}\x{2028}\x{2029}]";

/// The model's pattern as it is shown and as our engine reads it, anchored at both ends; `None` where it cannot be
/// said.
pub fn translate(shown: &str) -> Option<(String, String)> {
    let inner = shown.strip_prefix('^').unwrap_or(shown);
    let ends_in_anchor = inner.ends_with('$') && !inner.ends_with(r"\$");
    let inner = if ends_in_anchor { &inner[..inner.len() - 1] } else { inner };
    let inner = inner
        .replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\x{10000}-\x{10FFFF}")
        .replace(r"\ud800\udc00-\udbff\udfff", r"\x{10000}-\x{10FFFF}")
        .replace(r"\p{IsLetter}", r"\p{L}");
    let regex = format!(r"\A(?:{})\z", dialect(&inner));
    match regex::Regex::new(&regex) {
        Ok(_) => Some((shown.to_owned(), regex)),
        Err(_) => {
            eprintln!("left to the service: the pattern {shown}");
            None
        }
    }
}

fn dialect(pattern: &str) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars();
    let (mut brackets, dot_is_all) = (0_usize, pattern.contains("(?s)"));
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let Some(escaped) = chars.next() else { break };
                match CLASSES.iter().find(|(class, _)| *class == escaped) {
                    Some((_, class)) => out.push_str(class),
                    None => out.extend(['\\', escaped]),
                }
            }
            '.' if brackets == 0 && !dot_is_all => out.push_str(ANY),
            _ => {
                brackets += usize::from(c == '[');
                brackets -= usize::from(c == ']' && brackets > 0);
                out.push(c);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::translate;

    fn matches(pattern: &str, text: &str) -> bool {
        let (shown, regex) = translate(pattern).unwrap();
        assert_eq!(shown, pattern);
        regex::Regex::new(&regex).unwrap().is_match(text)
    }

    #[test]
    fn classes_are_ascii_as_in_java() {
        assert!(matches(r"[\w+=,.@-]+", "Jörg-1".replace('ö', "o").as_str()));
        assert!(!matches(r"[\w+=,.@-]+", "Jörg"));
        assert!(!matches(r"\d{12}", "٠١٢٣٤٥٦٧٨٩٠١"));
        assert!(!matches(r"[^\s]+", "a b") && matches(r"[^\s]+", "a\u{a0}b"));
        assert!(matches(r"[\S]+", "ä") && !matches(r"[\S]+", "a\tb"));
        assert!(matches(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", "ключ 1"));
    }

    #[test]
    fn the_whole_text_must_match() {
        assert!(matches("^a+$", "aa") && !matches("^a+$", "aab"));
        assert!(matches("a|b", "b") && !matches("a|b", "ab"));
        assert!(!matches("a", "a\n"));
        assert!(matches(r"x\$", "x$") && !matches(r"x\$", "x"));
        assert!(matches("$|kafka://.*", "") && matches("$|kafka://.*", "kafka://a"));
    }

    #[test]
    fn a_dot_ends_at_a_line() {
        assert!(
            matches(".*", "one line") && !matches(".*", "two\nlines") && !matches(".*", "two\u{2028}lines")
        );
        assert!(matches("(?s).*", "two\nlines"));
        assert!(matches("[.]", ".") && !matches("[.]", "x"));
    }

    #[test]
    fn java_reads_four_digits_of_an_escape() {
        // STS's own pattern: beyond the basic plane nothing matches, as AWS answers.
        let pattern = r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+";
        assert!(matches(pattern, "é") && !matches(pattern, "😀"));
    }

    #[test]
    fn what_our_engine_cannot_say_is_left_out() {
        assert!(translate(r"(?!^[0-9]+$)([a-zA-Z0-9-_]+)").is_none());
        assert!(translate(r"[0-9A-Za-z\.\-_]*(?<!\.)").is_none());
    }
}
