//! Scalars as plain text: headers, path labels, query parameters, XML text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use nephos_core::Timestamp;

use crate::schema::{TimestampFormat, Type};
use crate::shape::{ReadError, Reader, Shape, Value, Writer};

/// A floating-point number as AWS prints it.
pub fn double(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if value.fract() == 0.0 && value.abs() < 1e15 {
        format!("{value:.0}")
    } else {
        value.to_string()
    }
}

/// A moment in any of the spellings.
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    Timestamp::parse_iso8601(text)
        .or_else(|| Timestamp::parse_http_date(text))
        .or_else(|| text.parse::<f64>().ok().map(|s| Timestamp::from_millis((s * 1000.0).round() as i64)))
}

/// Reads one scalar from text. Lists are comma-separated, as headers carry them.
pub struct TextReader<'a>(pub &'a str);

impl TextReader<'_> {
    fn bad<T>(&self, what: &str) -> Result<T, ReadError> {
        Err(ReadError::unexpected(format!("expected {what}, got {:?}", self.0)))
    }
}

impl Reader for TextReader<'_> {
    fn string(&mut self) -> Result<String, ReadError> {
        Ok(self.0.to_owned())
    }

    fn boolean(&mut self) -> Result<bool, ReadError> {
        match self.0 {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            _ => self.bad("true or false"),
        }
    }

    fn integer(&mut self) -> Result<i64, ReadError> {
        self.0.trim().parse().or_else(|_| self.bad("a whole number"))
    }

    fn double(&mut self) -> Result<f64, ReadError> {
        self.0.trim().parse().or_else(|_| self.bad("a number"))
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
        self.0.split(',').map(str::trim).try_for_each(|part| member(&mut TextReader(part)))
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

    fn timestamp(&mut self, ty: &'static Type, value: Timestamp, format: Option<TimestampFormat>) {
        match format.unwrap_or(self.format) {
            TimestampFormat::Iso8601 => self.text.push_str(&value.iso8601()),
            TimestampFormat::Http => self.text.push_str(&value.http_date()),
            TimestampFormat::Unix => self.double(ty, value.epoch_seconds()),
        }
    }

    fn structure(&mut self, _: &'static Type, _: &dyn Shape) {}

    fn list(&mut self, _: &'static Type, length: usize, member: &mut dyn FnMut(usize, &mut dyn Writer)) {
        for index in 0..length {
            if index > 0 {
                self.text.push(',');
            }
            member(index, self);
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
