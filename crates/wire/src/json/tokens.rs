//! The tokenizer: strict JSON over bytes, without building a tree.

use std::borrow::Cow;

use crate::shape::ReadError;

/// How deep arrays and objects may nest. DynamoDB's 32 levels take two each, and the request's own come on top.
pub const MAX_DEPTH: usize = 160;

/// How many lists, maps and structures the lists and maps of a body may hold. Two bytes can stand for a structure of
/// a kilobyte, so that the size of the body alone bounds nothing.
pub const MAX_CONTAINERS: usize = 200_000;

/// Reads JSON tokens in order.
pub struct JsonReader<'a> {
    input: &'a [u8],
    at: usize,
    depth: usize,
    containers: usize,
    /// Whether the next value is a list's or map's member, which AWS's parser has other words for.
    pub(super) in_collection: bool,
}

impl<'a> JsonReader<'a> {
    /// Reads from the start of `input`.
    pub fn new(input: &'a [u8]) -> Self {
        JsonReader { input, at: 0, depth: 0, containers: 0, in_collection: false }
    }

    fn syntax(&self) -> ReadError {
        ReadError::Syntax(format!("the body is not valid JSON at byte {}", self.at))
    }

    fn space(&mut self) {
        while matches!(self.input.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// The next token's first byte.
    pub fn peek(&mut self) -> Option<u8> {
        self.space();
        self.input.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn starts_with(&self, word: &str) -> bool {
        self.input.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes()))
    }

    fn word(&mut self, word: &str) -> bool {
        self.space();
        let found = self.starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Takes a `null`, if one is next.
    pub fn null(&mut self) -> bool {
        self.word("null")
    }

    /// Refuses anything but white space up to the end.
    pub fn end(&mut self) -> Result<(), ReadError> {
        if self.peek().is_none() { Ok(()) } else { Err(self.syntax()) }
    }

    /// What AWS's parser says when the next token is not of the wanted kind: a Java type, or a collection.
    fn mismatch(&mut self, wanted: &str) -> ReadError {
        let collection = matches!(wanted, "list" | "map");
        let token = match self.peek() {
            Some(b'{') => return ReadError::unexpected("Start of structure or map found where not expected"),
            Some(b'[') if collection => return ReadError::unexpected("Unrecognized collection type"),
            Some(b'[') => {
                let class = java_class(wanted);
                return ReadError::unexpected(format!("Unrecognized collection type class {class}"));
            }
            Some(b'"') => "STRING_VALUE",
            Some(b't') if self.starts_with("true") => "TRUE_VALUE",
            Some(b'f') if self.starts_with("false") => "FALSE_VALUE",
            Some(b'n') if self.starts_with("null") => "NULL_VALUE",
            Some(b'-' | b'0'..=b'9') => self.kind_of_number(),
            _ => return self.syntax(),
        };
        ReadError::unexpected(match wanted {
            "list" | "map" if self.in_collection => "Unexpected value type in payload".to_owned(),
            "list" | "map" => "Unexpected field type".to_owned(),
            "Blob" => "only base-64-encoded strings are convertible to bytes".to_owned(),
            "Boolean" if token == "STRING_VALUE" => "Unexpected token received from parser".to_owned(),
            _ => format!("{token} cannot be converted to {wanted}"),
        })
    }

    /// Whether the number that is next has a fraction or an exponent.
    fn kind_of_number(&self) -> &'static str {
        let rest = self.input.get(self.at..).unwrap_or_default();
        let mut number =
            rest.iter().take_while(|b| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'));
        if number.any(|b| matches!(b, b'.' | b'e' | b'E')) { "DECIMAL_VALUE" } else { "NUMBER_VALUE" }
    }

    /// Counts a list's or map's member that is a collection or structure itself.
    pub(super) fn count_container(&mut self) -> Result<(), ReadError> {
        self.containers += 1;
        if self.containers > MAX_CONTAINERS {
            return Err(ReadError::Syntax(format!("the body holds more than {MAX_CONTAINERS} structures")));
        }
        Ok(())
    }

    /// A string token.
    pub fn expect_text(&mut self, wanted: &str) -> Result<String, ReadError> {
        if self.peek() == Some(b'"') {
            return self.text().map(Cow::into_owned);
        }
        Err(self.mismatch(wanted))
    }

    /// `true` or `false`; AWS takes them as strings, too, in any case.
    pub fn expect_boolean(&mut self) -> Result<bool, ReadError> {
        if self.word("true") {
            return Ok(true);
        }
        if self.word("false") {
            return Ok(false);
        }
        let mismatch = self.mismatch("Boolean");
        if self.peek() != Some(b'"') {
            return Err(mismatch);
        }
        match self.text()? {
            text if text.eq_ignore_ascii_case("true") => Ok(true),
            text if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(mismatch),
        }
    }

    /// A number token, as it is spelled.
    pub fn expect_number(&mut self, wanted: &str) -> Result<&'a str, ReadError> {
        if !matches!(self.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.mismatch(wanted));
        }
        let start = self.at;
        self.at += usize::from(self.input.get(self.at) == Some(&b'-'));
        let whole = self.at;
        self.digits()?;
        if self.at - whole > 1 && self.input.get(whole) == Some(&b'0') {
            return Err(self.syntax());
        }
        if self.input.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.input.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.input.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        std::str::from_utf8(&self.input[start..self.at]).map_err(|_| self.syntax())
    }

    fn digits(&mut self) -> Result<(), ReadError> {
        let start = self.at;
        while matches!(self.input.get(self.at), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(self.syntax()) }
    }

    fn text(&mut self) -> Result<Cow<'a, str>, ReadError> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.input.get(self.at) {
                Some(b'"') => {
                    let plain = &self.input[start..self.at];
                    self.at += 1;
                    return std::str::from_utf8(plain).map(Cow::Borrowed).map_err(|_| self.syntax());
                }
                Some(b'\\') => return self.escaped_text(start).map(Cow::Owned),
                Some(32..) => self.at += 1,
                _ => return Err(self.syntax()),
            }
        }
    }

    /// The slow road, from the first escape on.
    fn escaped_text(&mut self, start: usize) -> Result<String, ReadError> {
        let mut out = self.input[start..self.at].to_vec();
        loop {
            let byte = *self.input.get(self.at).ok_or_else(|| self.syntax())?;
            self.at += 1;
            match byte {
                b'"' => return String::from_utf8(out).map_err(|_| self.syntax()),
                b'\\' => {
                    let unescaped = self.escape()?;
                    out.extend_from_slice(unescaped.encode_utf8(&mut [0; 4]).as_bytes());
                }
                0..32 => return Err(self.syntax()),
                _ => out.push(byte),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ReadError> {
        let byte = *self.input.get(self.at).ok_or_else(|| self.syntax())?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => return Err(self.syntax()),
        })
    }

    /// `\uXXXX`, or a pair of them; half a pair becomes U+FFFD.
    fn unicode_escape(&mut self) -> Result<char, ReadError> {
        let high = self.hex4()?;
        if !(0xd800..0xdc00).contains(&high) {
            return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before = self.at;
        if self.input[self.at..].starts_with(b"\\u") {
            self.at += 2;
            let low = self.hex4()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Result<u32, ReadError> {
        let digits = self.input.get(self.at..self.at + 4).ok_or_else(|| self.syntax())?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(self.syntax());
        }
        let text = std::str::from_utf8(digits).map_err(|_| self.syntax())?;
        self.at += 4;
        u32::from_str_radix(text, 16).map_err(|_| self.syntax())
    }

    fn enter(&mut self) -> Result<(), ReadError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(ReadError::Syntax(format!("the body nests deeper than {MAX_DEPTH} levels")));
        }
        Ok(())
    }

    /// An object: `entry` is called with each key, and must take the value.
    pub fn object(
        &mut self,
        entry: &mut dyn FnMut(Cow<'a, str>, &mut Self) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        if !self.take(b'{') {
            return Err(self.mismatch("map"));
        }
        self.enter()?;
        if !self.take(b'}') {
            loop {
                if self.peek() != Some(b'"') {
                    return Err(self.syntax());
                }
                let key = self.text()?;
                if !self.take(b':') {
                    return Err(self.syntax());
                }
                entry(key, self)?;
                if self.take(b'}') {
                    break;
                }
                if !self.take(b',') {
                    return Err(self.syntax());
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// An array: `member` is called before each value, and must take it.
    pub fn array(
        &mut self,
        member: &mut dyn FnMut(&mut Self) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        if !self.take(b'[') {
            return Err(self.mismatch("list"));
        }
        self.enter()?;
        if !self.take(b']') {
            loop {
                member(self)?;
                if self.take(b']') {
                    break;
                }
                if !self.take(b',') {
                    return Err(self.syntax());
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Passes over the next value, whatever it is.
    pub fn skip(&mut self) -> Result<(), ReadError> {
        match self.peek() {
            Some(b'{') => self.object(&mut |_, reader| reader.skip()),
            Some(b'[') => self.array(&mut |reader| reader.skip()),
            Some(b'"') => self.text().map(drop),
            Some(b'-' | b'0'..=b'9') => self.expect_number("number").map(drop),
            _ if self.word("true") || self.word("false") || self.word("null") => Ok(()),
            _ => Err(self.syntax()),
        }
    }
}

/// The Java class of a scalar, as the parser's texts name it.
fn java_class(wanted: &str) -> String {
    match wanted {
        "Blob" => "java.nio.ByteBuffer".to_owned(),
        "Date" => "java.util.Date".to_owned(),
        _ => format!("java.lang.{wanted}"),
    }
}
