//! A cursor over a pattern's text.

use super::InvalidPattern;

/// A cursor that never runs past the end.
pub struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    /// At the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Scanner { rest: text }
    }

    /// The next character, left in place.
    pub fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Passes over one character.
    pub fn bump(&mut self) {
        let mut chars = self.rest.chars();
        chars.next();
        self.rest = chars.as_str();
    }

    /// Passes over white space.
    pub fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Passes over `text` if it comes next.
    pub fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Passes over a keyword, whatever its case, if it comes next as a whole word after white space.
    pub fn eat_word(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        let Some(head) = rest.get(..word.len()) else { return false };
        let tail = &rest[word.len()..];
        let ends = tail.chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        if !head.eq_ignore_ascii_case(word) || !ends {
            return false;
        }
        self.rest = tail;
        true
    }

    /// Everything up to the first character that `wanted` refuses.
    pub fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// A text in double quotes, with `\"` and `\\` for the characters themselves.
    pub fn quoted(&mut self) -> Result<String, InvalidPattern> {
        self.enclosed('"')
    }

    /// A text between two of `quote`, with a backslash before what stands for itself.
    pub fn enclosed(&mut self, quote: char) -> Result<String, InvalidPattern> {
        let (mut out, mut chars) = (String::new(), self.rest.chars());
        if chars.next() != Some(quote) {
            return Err(self.unexpected());
        }
        while let Some(c) = chars.next() {
            match c {
                c if c == quote => {
                    self.rest = chars.as_str();
                    return Ok(out);
                }
                '\\' => match chars.next() {
                    Some(escaped) if escaped == quote || escaped == '\\' => out.push(escaped),
                    Some(other) => out.extend(['\\', other]),
                    None => break,
                },
                c => out.push(c),
            }
        }
        Err(InvalidPattern("Invalid filter pattern: a quote is not closed".to_owned()))
    }

    /// The text between two `%`.
    pub fn until_percent(&mut self) -> Result<String, InvalidPattern> {
        self.enclosed('%')
    }

    /// The error of something else having been expected here.
    pub fn unexpected(&self) -> InvalidPattern {
        let near: String = self.rest.chars().take(20).collect();
        match near.is_empty() {
            true => InvalidPattern("Invalid filter pattern: it ends too early".to_owned()),
            false => InvalidPattern(format!("Invalid filter pattern near '{near}'")),
        }
    }
}
