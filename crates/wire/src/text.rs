//! Scalars as plain text: headers, path labels, query parameters, XML text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use nephos_core::Timestamp;

use crate::schema::{TimestampFormat, Type};
use crate::shape::{ReadError, Reader, Shape, Value, Writer};

/// A floating-point number as AWS prints it: always with a fraction, so that clients read it as one.
pub fn double(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        format!("{value:?}")
    }
}

/// A floating-point number out of text: decimal, or one of AWS's three words for what no decimal says. What is too
/// large for any is none.
pub fn parse_double(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ if text.bytes().any(|b| b.is_ascii_alphabetic() && !matches!(b, b'e' | b'E')) => None,
        _ => text.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}

/// A moment by its seconds since 1970, if it lies between the years 1 and 9999, which all spellings can say.
pub fn moment(seconds: f64) -> Option<Timestamp> {
    const SPELLED: std::ops::RangeInclusive<f64> = -62_135_596_800.0..=253_402_300_799.999;
    SPELLED.contains(&seconds).then(|| Timestamp::from_millis((seconds * 1000.0).round() as i64))
}

/// Seconds since 1970, with the milliseconds as a fraction where there are any.
pub fn unix_seconds(moment: Timestamp) -> String {
    let (sign, millis) = (if moment.millis() < 0 { "-" } else { "" }, moment.millis().unsigned_abs());
    let text = format!("{sign}{}.{:03}", millis / 1000, millis % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A moment in any of the spellings.
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    Timestamp::parse_iso8601(text)
        .or_else(|| Timestamp::parse_http_date(text))
        .or_else(|| parse_double(text).and_then(moment))
}

/// The members of a list in a header: parted by commas, those that hold commas or quotes in quotes.
fn header_list(text: &str) -> Vec<String> {
    let (mut members, mut rest) = (Vec::new(), text.trim_start());
    while !rest.is_empty() {
        let (member, more) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_member(quoted),
            None => {
                let (member, more) = rest.split_once(',').unwrap_or((rest, ""));
                (member.trim_end().to_owned(), more)
            }
        };
        members.push(member);
        rest = more.trim_start();
    }
    members
}

/// Up to the closing quote and the comma behind it.
fn quoted_member(text: &str) -> (String, &str) {
    let (mut member, mut escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                member.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => {
                let behind = &text[at + 1..];
                return (member, behind.split_once(',').map_or("", |(_, more)| more));
            }
            _ => member.push(c),
        }
    }
    (member, "")
}

fn push_header_member(out: &mut String, member: &str) {
    let needs_quotes =
        member.is_empty() || member.contains(['"', ',']) || member.trim().len() != member.len();
    if !needs_quotes {
        return out.push_str(member);
    }
    out.push('"');
    for c in member.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// As much of a client's text as an error repeats.
pub(crate) fn clip(text: &str) -> &str {
    text.char_indices().nth(200).map_or(text, |(end, _)| &text[..end])
}

/// Reads one scalar from text. Lists are comma-separated, as headers carry them.
pub struct TextReader<'a>(pub &'a str);

impl TextReader<'_> {
    fn bad<T>(&self, what: &str) -> Result<T, ReadError> {
        Err(ReadError::unexpected(format!("expected {what}, got {:?}", clip(self.0))))
    }
}

impl Reader for TextReader<'_> {
    fn string(&mut self) -> Result<String, ReadError> {
        Ok(self.0.to_owned())
    }

    fn boolean(&mut self) -> Result<bool, ReadError> {
        match self.0 {
            text if text.eq_ignore_ascii_case("true") => Ok(true),
            text if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => self.bad("true or false"),
        }
    }

    fn integer(&mut self) -> Result<i64, ReadError> {
        self.0.trim().parse().or_else(|_| self.bad("a whole number"))
    }

    fn double(&mut self) -> Result<f64, ReadError> {
        parse_double(self.0.trim()).map_or_else(|| self.bad("a number"), Ok)
    }

    fn blob(&mut self) -> Result<Bytes, ReadError> {
        STANDARD.decode(self.0.trim()).map(Bytes::from).or_else(|_| self.bad("base64"))
    }

    fn timestamp(&mut self, _: Option<TimestampFormat>) -> Result<Timestamp, ReadError> {
        parse_timestamp(self.0.trim()).map_or_else(|| self.bad("a date and time"), Ok)
    }

    fn structure(&mut self, _: &mut dyn Shape) -> Result<(), ReadError> {
        self.bad("a structure")
    }

    fn list(
        &mut self,
        _: &'static Type,
        member: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        header_list(self.0).iter().try_for_each(|part| member(&mut TextReader(part)))
    }

    fn map(
        &mut self,
        _: &'static Type,
        _: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.bad("a map")
    }
}

/// Writes one scalar as text. Timestamps default to `format`.
pub struct TextWriter {
    /// The text.
    pub text: String,
    /// The protocol's own spelling of moments here.
    pub format: TimestampFormat,
}

impl TextWriter {
    /// `value` as text.
    pub fn render(value: &dyn Value, ty: &'static Type, format: TimestampFormat) -> String {
        let mut writer = TextWriter { text: String::new(), format };
        value.write(ty, &mut writer);
        writer.text
    }
}

impl Writer for TextWriter {
    fn string(&mut self, _: &'static Type, value: &str) {
        self.text.push_str(value);
    }

    fn boolean(&mut self, _: &'static Type, value: bool) {
        self.text.push_str(if value { "true" } else { "false" });
    }

    fn integer(&mut self, _: &'static Type, value: i64) {
        self.text.push_str(&value.to_string());
    }

    fn double(&mut self, _: &'static Type, value: f64) {
        self.text.push_str(&double(value));
    }

    fn blob(&mut self, _: &'static Type, value: &[u8]) {
        self.text.push_str(&STANDARD.encode(value));
    }

    fn timestamp(&mut self, _: &'static Type, value: Timestamp, format: Option<TimestampFormat>) {
        match format.unwrap_or(self.format) {
            TimestampFormat::Iso8601 => self.text.push_str(&value.iso8601()),
            TimestampFormat::Http => self.text.push_str(&value.http_date()),
            TimestampFormat::Unix => self.text.push_str(&unix_seconds(value)),
        }
    }

    fn structure(&mut self, _: &'static Type, _: &dyn Shape) {}

    fn list(&mut self, _: &'static Type, length: usize, member: &mut dyn FnMut(usize, &mut dyn Writer)) {
        for index in 0..length {
            if index > 0 {
                self.text.push(',');
            }
            let mut writer = TextWriter { text: String::new(), format: self.format };
            member(index, &mut writer);
            push_header_member(&mut self.text, &writer.text);
        }
    }

    fn map(&mut self, _: &'static Type, _: &mut dyn FnMut(&mut dyn FnMut(&str, &dyn Value))) {}
}

/// Bytes in standard base64.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Bytes out of standard base64; `None` where the text is none.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.trim()).ok()
}
