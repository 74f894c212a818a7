//! awsJson and the bodies of restJson: a tokenizer over bytes and a writer into them.
//!
//! Invariants: nesting is bounded, so hostile input cannot exhaust the stack; unknown members are passed over;
//! `null` is absent. Error texts are the ones that AWS's own parser gives.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};
use bytes::Bytes;
use nephos_core::Timestamp;

use crate::schema::{Kind, Location, TimestampFormat, Type};
use crate::shape::{ReadError, Reader, Shape, Value, Writer};

mod tokens;

pub use tokens::{JsonReader, MAX_DEPTH};

/// The whole part of a number, if 64 bits hold it.
fn whole(number: &str) -> Option<i64> {
    const HELD: std::ops::Range<f64> = -9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0;
    if number.contains(['.', 'e', 'E']) {
        return number.parse::<f64>().ok().filter(|value| HELD.contains(value)).map(|value| value as i64);
    }
    number.parse().ok()
}

fn inconvertible(text: &str, wanted: &str) -> ReadError {
    ReadError::unexpected(format!("{} can not be converted to {wanted}", crate::text::clip(text)))
}

/// Counts what a collection holds, where that takes more memory than its text.
fn count(reader: &mut JsonReader<'_>, ty: &'static Type) -> Result<(), ReadError> {
    reader.in_collection = true;
    match crate::shape::element(ty).kind {
        Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. } => reader.count_container(),
        _ => Ok(()),
    }
}

impl Reader for JsonReader<'_> {
    fn string(&mut self) -> Result<String, ReadError> {
        self.expect_text("String")
    }

    fn boolean(&mut self) -> Result<bool, ReadError> {
        self.expect_boolean()
    }

    fn integer(&mut self) -> Result<i64, ReadError> {
        let number = self.expect_number("Long")?;
        whole(number).ok_or_else(|| inconvertible(number, "Long"))
    }

    // AWS takes any number for 32 bits and cuts it.
    fn integer32(&mut self) -> Result<i32, ReadError> {
        let number = self.expect_number("Integer")?;
        let value = whole(number).ok_or_else(|| inconvertible(number, "Integer"))?;
        Ok(i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX }))
    }

    fn double(&mut self) -> Result<f64, ReadError> {
        if self.peek() == Some(b'"') {
            let text = self.expect_text("Double")?;
            let unspeakable = crate::text::parse_double(&text).filter(|value| !value.is_finite());
            return unspeakable
                .ok_or_else(|| ReadError::unexpected("STRING_VALUE cannot be converted to Double"));
        }
        let number = self.expect_number("Double")?;
        crate::text::parse_double(number).ok_or_else(|| inconvertible(number, "Double"))
    }

    fn blob(&mut self) -> Result<Bytes, ReadError> {
        let text = self.expect_text("Blob")?;
        if text.len() % 4 != 0 {
            let length = text.len();
            return Err(ReadError::unexpected(format!(
                "Base64 encoded length is expected a multiple of 4 bytes but found: {length}"
            )));
        }
        STANDARD.decode(text.as_bytes()).map(Bytes::from).map_err(|error| {
            ReadError::unexpected(match error {
                DecodeError::InvalidByte(_, byte) if byte != b'=' => {
                    format!("Invalid base 64 character: '{}'", char::from(byte))
                }
                // The spelling is AWS's.
                _ => "Invalid last non-pad Base64 character dectected".to_owned(),
            })
        })
    }

    fn timestamp(&mut self, format: Option<TimestampFormat>) -> Result<Timestamp, ReadError> {
        if format.is_none_or(|f| f == TimestampFormat::Unix) {
            let number = self.expect_number("Date")?;
            let moment = crate::text::parse_double(number).and_then(crate::text::moment);
            return moment.ok_or_else(|| inconvertible(number, "Date"));
        }
        let text = self.expect_text("Date")?;
        crate::text::parse_timestamp(&text).ok_or_else(|| inconvertible(&text, "Date"))
    }

    fn structure(&mut self, shape: &mut dyn Shape) -> Result<(), ReadError> {
        let schema = shape.schema();
        let mut guess = 0;
        self.object(&mut |key, reader| {
            // Clients mostly send members in the model's order: look at the next one first.
            let found = std::iter::once(guess).chain(0..schema.members.len()).find(|&index| {
                let member = schema.members.get(index);
                member.is_some_and(|m| m.location == Location::Body && m.wire == key)
            });
            reader.in_collection = false;
            let Some(index) = found else { return reader.skip() };
            guess = index + 1;
            if reader.null() {
                return Ok(());
            }
            match shape.slot(index) {
                Some(slot) => slot.read(schema.members[index].ty, reader),
                None => reader.skip(),
            }
        })
    }

    fn list(
        &mut self,
        ty: &'static Type,
        member: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.array(&mut |reader| {
            count(reader, ty)?;
            member(reader)
        })
    }

    fn map(
        &mut self,
        ty: &'static Type,
        entry: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.object(&mut |key, reader| {
            if reader.null() {
                return Ok(());
            }
            count(reader, ty)?;
            entry(key.into_owned(), reader)
        })
    }
}

/// Reads a whole body into `shape`; an empty one is an empty object.
pub fn read(body: &[u8], shape: &mut dyn Shape) -> Result<(), ReadError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    let mut reader = JsonReader::new(body);
    reader.structure(shape)?;
    reader.end()
}

/// Writes a shape's body members as an object.
pub fn write(shape: &dyn Shape) -> Vec<u8> {
    let mut writer = JsonWriter::default();
    writer.object(shape);
    writer.0
}

/// Writes JSON into a buffer.
#[derive(Default)]
pub struct JsonWriter(pub Vec<u8>);

impl JsonWriter {
    fn object(&mut self, shape: &dyn Shape) {
        self.0.push(b'{');
        let mut first = true;
        for (index, member) in shape.schema().members.iter().enumerate() {
            if member.location != Location::Body {
                continue;
            }
            if let Some(value) = shape.value(index) {
                if !std::mem::take(&mut first) {
                    self.0.push(b',');
                }
                // Member names never need escaping.
                self.0.push(b'"');
                self.0.extend_from_slice(member.wire.as_bytes());
                self.0.extend_from_slice(b"\":");
                value.write(member.ty, self);
            }
        }
        self.0.push(b'}');
    }
}

/// Appends `text` as a JSON string, quotes included.
pub fn push_string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut plain = 0;
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        let escape = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            8 => b'b',
            12 => b'f',
            0..32 => b'u',
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        plain = at + 1;
        out.extend_from_slice(&[b'\\', escape]);
        if escape == b'u' {
            let digits = [b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.extend_from_slice(&digits);
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}

impl Writer for JsonWriter {
    fn string(&mut self, _: &'static Type, value: &str) {
        push_string(&mut self.0, value);
    }

    fn boolean(&mut self, _: &'static Type, value: bool) {
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn integer(&mut self, _: &'static Type, value: i64) {
        self.0.extend_from_slice(value.to_string().as_bytes());
    }

    fn double(&mut self, _: &'static Type, value: f64) {
        // JSON has no infinities; AWS spells them as text.
        let text = crate::text::double(value);
        if value.is_finite() {
            self.0.extend_from_slice(text.as_bytes());
        } else {
            push_string(&mut self.0, &text);
        }
    }

    fn blob(&mut self, _: &'static Type, value: &[u8]) {
        self.0.push(b'"');
        self.0.extend_from_slice(STANDARD.encode(value).as_bytes());
        self.0.push(b'"');
    }

    fn timestamp(&mut self, _: &'static Type, value: Timestamp, format: Option<TimestampFormat>) {
        match format.unwrap_or(TimestampFormat::Unix) {
            TimestampFormat::Unix => self.0.extend_from_slice(crate::text::unix_seconds(value).as_bytes()),
            TimestampFormat::Iso8601 => push_string(&mut self.0, &value.iso8601()),
            TimestampFormat::Http => push_string(&mut self.0, &value.http_date()),
        }
    }

    fn structure(&mut self, _: &'static Type, value: &dyn Shape) {
        self.object(value);
    }

    fn list(&mut self, _: &'static Type, length: usize, member: &mut dyn FnMut(usize, &mut dyn Writer)) {
        self.0.push(b'[');
        for index in 0..length {
            if index > 0 {
                self.0.push(b',');
            }
            member(index, self);
        }
        self.0.push(b']');
    }

    fn map(&mut self, ty: &'static Type, entries: &mut dyn FnMut(&mut dyn FnMut(&str, &dyn Value))) {
        self.0.push(b'{');
        let mut first = true;
        entries(&mut |key, value| {
            if !std::mem::take(&mut first) {
                self.0.push(b',');
            }
            push_string(&mut self.0, key);
            self.0.push(b':');
            value.write(crate::shape::element(ty), self);
        });
        self.0.push(b'}');
    }

    fn raw_json(&mut self) -> Option<&mut Vec<u8>> {
        Some(&mut self.0)
    }
}
