//! Filter patterns: terms (`ERROR "a phrase" -noise ?this ?that %regex%`) and JSON (`{ $.level = "error" }`).
//!
//! Terms match as substrings and by case. The space-delimited form (`[ip, user, status = 4*]`) is not there and is
//! refused as such, never passed over.

pub mod json;
mod scanner;

use regex::Regex;

use scanner::Scanner;

/// Why a pattern was refused, in the words that the caller gets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPattern(pub String);

/// A parsed filter pattern.
#[derive(Debug)]
pub enum Pattern {
    /// Matches everything: the empty pattern.
    All,
    /// Terms.
    Terms(Terms),
    /// A condition on the message as JSON.
    Json(json::Condition),
}

/// Terms, by what they ask for.
#[derive(Debug, Default)]
pub struct Terms {
    required: Vec<Matcher>,
    optional: Vec<Matcher>,
    excluded: Vec<Matcher>,
}

#[derive(Debug)]
enum Matcher {
    Text(String),
    Regex(Regex),
}

impl Matcher {
    fn matches(&self, message: &str) -> bool {
        match self {
            Matcher::Text(text) => message.contains(text.as_str()),
            Matcher::Regex(regex) => regex.is_match(message),
        }
    }
}

/// Compiles the text between two `%`, within a bound on its size.
pub(crate) fn compile(expression: &str) -> Result<Regex, InvalidPattern> {
    const MAX_COMPILED_BYTES: usize = 256 << 10;
    regex::RegexBuilder::new(expression).size_limit(MAX_COMPILED_BYTES).build().map_err(|_| {
        InvalidPattern(format!("Invalid filter pattern: '{expression}' is not a regular expression"))
    })
}

impl Pattern {
    /// Parses a pattern.
    pub fn parse(text: &str) -> Result<Pattern, InvalidPattern> {
        let trimmed = text.trim();
        match trimmed.as_bytes().first() {
            None => Ok(Pattern::All),
            Some(b'{') => json::Condition::parse(trimmed).map(Pattern::Json),
            Some(b'[') => Err(InvalidPattern(
                "Invalid filter pattern: Nephos does not implement space-delimited patterns".to_owned(),
            )),
            Some(_) => Terms::parse(trimmed).map(Pattern::Terms),
        }
    }

    /// Whether a message satisfies the pattern.
    pub fn matches(&self, message: &str) -> bool {
        match self {
            Pattern::All => true,
            Pattern::Terms(terms) => terms.matches(message),
            Pattern::Json(condition) => condition.matches(message),
        }
    }
}

impl Terms {
    fn parse(text: &str) -> Result<Terms, InvalidPattern> {
        let (mut terms, mut scanner) = (Terms::default(), Scanner::new(text));
        loop {
            scanner.skip_spaces();
            let Some(first) = scanner.peek() else { return Ok(terms) };
            let list = match first {
                '-' => &mut terms.excluded,
                '?' => &mut terms.optional,
                _ => &mut terms.required,
            };
            if matches!(first, '-' | '?') {
                scanner.bump();
            }
            list.push(Terms::matcher(&mut scanner)?);
        }
    }

    fn matcher(scanner: &mut Scanner<'_>) -> Result<Matcher, InvalidPattern> {
        match scanner.peek() {
            Some('"') => scanner.quoted().map(Matcher::Text),
            Some('%') => compile(&scanner.until_percent()?).map(Matcher::Regex),
            _ => {
                let word = scanner.take_while(|c| !c.is_whitespace());
                if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
                    return Err(InvalidPattern(format!("Invalid character(s) in term '{word}'")));
                }
                Ok(Matcher::Text(word.to_owned()))
            }
        }
    }

    fn matches(&self, message: &str) -> bool {
        if self.required.is_empty() && self.excluded.is_empty() {
            return self.optional.iter().any(|m| m.matches(message));
        }
        // Beside other terms, optional ones are ignored, as the service documents it.
        self.required.iter().all(|m| m.matches(message)) && !self.excluded.iter().any(|m| m.matches(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, message: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(message)
    }

    #[test]
    fn terms_must_all_be_there() {
        assert!(matches("", "anything"));
        assert!(matches("ERROR", "[ERROR] out of paper"));
        assert!(!matches("error", "[ERROR] out of paper"));
        assert!(matches("ERROR paper", "[ERROR] out of paper"));
        assert!(!matches("ERROR ink", "[ERROR] out of paper"));
    }

    #[test]
    fn phrases_exclusions_and_alternatives() {
        assert!(matches("\"out of\"", "out of paper"));
        assert!(!matches("\"of out\"", "out of paper"));
        assert!(matches(r#""say \"hi\"""#, r#"say "hi" now"#));
        assert!(matches("paper -ink", "out of paper"));
        assert!(!matches("paper -out", "out of paper"));
        assert!(matches("?ink ?paper", "out of paper"));
        assert!(!matches("?ink ?toner", "out of paper"));
        assert!(matches("-\"REPORT RequestId\"", "START RequestId"));
        assert!(matches("%4\\d\\d%", "status 404"));
        assert!(!matches("%4\\d\\d%", "status 200"));
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for bad in ["a-b", "\"open", "%open", "%(%", "[ip, user]", "-", "?"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
        let error = Pattern::parse("request-id").unwrap_err();
        assert_eq!(error.to_string(), "Invalid character(s) in term 'request-id'");
    }
}
