//! awsJson and the bodies of restJson: a tokenizer over bytes and a writer into them.
//!
//! Invariants: nesting is bounded, so hostile input cannot exhaust the stack; unknown members are passed over;
//! `null` is absent. Error texts are the ones that AWS's own parser gives.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use nephos_core::Timestamp;

use crate::schema::{Location, TimestampFormat, Type};
use crate::shape::{ReadError, Reader, Shape, Value, Writer};

mod tokens;

pub use tokens::{JsonReader, MAX_DEPTH};

impl Reader for JsonReader<'_> {
    fn string(&mut self) -> Result<String, ReadError> {
        self.expect_text("String")
    }

    fn boolean(&mut self) -> Result<bool, ReadError> {
        self.expect_boolean()
    }

    fn integer(&mut self) -> Result<i64, ReadError> {
        let number = self.expect_number("Long")?;
        if let Ok(value) = number.parse::<i64>() {
            return Ok(value);
        }
        // 1e3 and 5.0 are whole numbers, too.
        match number.parse::<f64>() {
            Ok(value) if value.abs() < 9.0e15 => Ok(value as i64),
            _ => Err(ReadError::unexpected(format!("{number} can not be converted to a Long"))),
        }
    }

    fn double(&mut self) -> Result<f64, ReadError> {
        let number = self.expect_number("Double")?;
        number
            .parse()
            .map_err(|_| ReadError::unexpected(format!("{number} can not be converted to a Double")))
    }

    fn blob(&mut self) -> Result<Bytes, ReadError> {
        let text = self.expect_text("Blob")?;
        let decoded = STANDARD.decode(text.as_bytes());
        decoded.map(Bytes::from).map_err(|error| ReadError::unexpected(format!("Invalid base64: {error}")))
    }

    fn timestamp(&mut self, format: Option<TimestampFormat>) -> Result<Timestamp, ReadError> {
        if format.is_none_or(|f| f == TimestampFormat::Unix) && self.peek() != Some(b'"') {
            let seconds = self.double()?;
            return Ok(Timestamp::from_millis((seconds * 1000.0).round() as i64));
        }
        let text = self.expect_text("Timestamp")?;
        crate::text::parse_timestamp(&text)
            .ok_or_else(|| ReadError::unexpected(format!("{text} can not be converted to a Timestamp")))
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
        _: &'static Type,
        member: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.array(&mut |reader| member(reader))
    }

    fn map(
        &mut self,
        _: &'static Type,
        entry: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.object(&mut |key, reader| if reader.null() { Ok(()) } else { entry(key.into_owned(), reader) })
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

    fn timestamp(&mut self, ty: &'static Type, value: Timestamp, format: Option<TimestampFormat>) {
        match format.unwrap_or(TimestampFormat::Unix) {
            TimestampFormat::Unix => self.double(ty, value.epoch_seconds()),
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
