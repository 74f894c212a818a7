//! The members of restJson and restXml that travel in the path, the query string, headers and the status.

use std::collections::BTreeMap;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::schema::{Kind, Location, Member, TimestampFormat};
use crate::shape::{Field, ReadError, Reader, Shape, Slot, Value, Writer};
use crate::text::{TextReader, TextWriter};

/// A header's value as text: UTF-8 where it is, else byte for byte.
fn header_text(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().map(|&b| char::from(b)).collect(),
    }
}

/// Reads every member of `shape` that does not travel in the body.
pub fn read(
    shape: &mut dyn Shape,
    labels: &[(&'static str, String)],
    query: &[(String, String)],
    headers: &HeaderMap,
) -> Result<(), ReadError> {
    for (index, member) in shape.schema().members.iter().enumerate() {
        let Some(slot) = shape.slot(index) else { continue };
        match member.location {
            Location::Uri => {
                if let Some((_, value)) = labels.iter().find(|(name, _)| *name == member.wire) {
                    slot.read(member.ty, &mut TextReader(value))?;
                }
            }
            Location::Query => read_query(slot, member, query)?,
            Location::Header => {
                if let Some(text) = header_texts(headers, member) {
                    slot.read(member.ty, &mut TextReader(&text))?;
                }
            }
            Location::Headers => {
                let prefixed: Vec<_> = prefixed(headers, member.wire).collect();
                if !prefixed.is_empty() {
                    slot.read(member.ty, &mut PairsReader(&prefixed))?;
                }
            }
            Location::Body | Location::Status => {}
        }
    }
    Ok(())
}

/// A member's header; of a list all lines, of anything else the first.
fn header_texts(headers: &HeaderMap, member: &Member) -> Option<String> {
    if !matches!(member.ty.kind, Kind::List { .. }) {
        return headers.get(member.wire).map(header_text);
    }
    joined(headers.get_all(member.wire).iter())
}

fn joined<'a>(values: impl Iterator<Item = &'a HeaderValue>) -> Option<String> {
    let texts: Vec<String> = values.map(header_text).collect();
    (!texts.is_empty()).then(|| texts.join(","))
}

fn prefixed<'a>(headers: &'a HeaderMap, prefix: &'a str) -> impl Iterator<Item = (String, String)> + 'a {
    let prefix = prefix.to_ascii_lowercase();
    headers.keys().filter_map(move |name| {
        let rest = name.as_str().strip_prefix(&prefix)?.to_owned();
        Some((rest, joined(headers.get_all(name).iter())?))
    })
}

fn read_query(
    slot: &mut dyn Slot,
    member: &'static Member,
    query: &[(String, String)],
) -> Result<(), ReadError> {
    let mut given = query.iter().filter(|(name, _)| name == member.wire).peekable();
    if matches!(member.ty.kind, Kind::Map { .. }) && !query.is_empty() {
        return slot.read(member.ty, &mut PairsReader(query));
    }
    if given.peek().is_none() {
        return Ok(());
    }
    if matches!(member.ty.kind, Kind::List { .. }) {
        let pairs: Vec<_> = given.cloned().collect();
        return slot.read(member.ty, &mut PairsReader(&pairs));
    }
    match given.next() {
        Some((_, value)) => slot.read(member.ty, &mut TextReader(value)),
        None => Ok(()),
    }
}

/// Reads a list of the pairs' values, or a map of the pairs.
struct PairsReader<'a>(&'a [(String, String)]);

impl PairsReader<'_> {
    fn no<T>() -> Result<T, ReadError> {
        Err(ReadError::unexpected("expected a list or a map"))
    }
}

impl Reader for PairsReader<'_> {
    fn string(&mut self) -> Result<String, ReadError> {
        Self::no()
    }
    fn boolean(&mut self) -> Result<bool, ReadError> {
        Self::no()
    }
    fn integer(&mut self) -> Result<i64, ReadError> {
        Self::no()
    }
    fn double(&mut self) -> Result<f64, ReadError> {
        Self::no()
    }
    fn blob(&mut self) -> Result<bytes::Bytes, ReadError> {
        Self::no()
    }
    fn timestamp(&mut self, _: Option<TimestampFormat>) -> Result<nephos_core::Timestamp, ReadError> {
        Self::no()
    }
    fn structure(&mut self, _: &mut dyn Shape) -> Result<(), ReadError> {
        Self::no()
    }

    fn list(
        &mut self,
        _: &'static crate::Type,
        member: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.0.iter().try_for_each(|(_, value)| member(&mut TextReader(value)))
    }

    fn map(
        &mut self,
        _: &'static crate::Type,
        entry: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        self.0.iter().try_for_each(|(name, value)| entry(name.clone(), &mut TextReader(value)))
    }
}

/// Writes every member that travels in a header, and gives the status, if a member says it.
pub fn write(shape: &dyn Shape, headers: &mut HeaderMap) -> Option<u16> {
    let mut status = None;
    for (index, member) in shape.schema().members.iter().enumerate() {
        let Some(value) = shape.value(index) else { continue };
        match member.location {
            Location::Header => {
                let text = TextWriter::render(value, member.ty, TimestampFormat::Http);
                insert(headers, member.wire, &text);
            }
            Location::Headers => write_prefixed(headers, member, value),
            Location::Status => {
                status = TextWriter::render(value, member.ty, TimestampFormat::Http).parse().ok();
            }
            Location::Body | Location::Uri | Location::Query => {}
        }
    }
    status
}

/// Sets a header; a value that no header can carry is left out.
pub fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = HeaderName::from_bytes(name.as_bytes());
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
        headers.insert(name, value);
    }
}

fn write_prefixed(headers: &mut HeaderMap, member: &'static Member, value: &dyn Value) {
    let mut collected = MapCollector::default();
    value.write(member.ty, &mut collected);
    for (name, text) in collected.0 {
        insert(headers, &format!("{}{name}", member.wire), &text);
    }
}

/// Takes the entries of a map of text.
#[derive(Default)]
struct MapCollector(BTreeMap<String, String>);

impl Writer for MapCollector {
    fn string(&mut self, _: &'static crate::Type, _: &str) {}
    fn boolean(&mut self, _: &'static crate::Type, _: bool) {}
    fn integer(&mut self, _: &'static crate::Type, _: i64) {}
    fn double(&mut self, _: &'static crate::Type, _: f64) {}
    fn blob(&mut self, _: &'static crate::Type, _: &[u8]) {}
    fn timestamp(&mut self, _: &'static crate::Type, _: nephos_core::Timestamp, _: Option<TimestampFormat>) {}
    fn structure(&mut self, _: &'static crate::Type, _: &dyn Shape) {}
    fn list(&mut self, _: &'static crate::Type, _: usize, _: &mut dyn FnMut(usize, &mut dyn Writer)) {}

    fn map(&mut self, ty: &'static crate::Type, entries: &mut dyn FnMut(&mut dyn FnMut(&str, &dyn Value))) {
        entries(&mut |key, value| {
            let text = TextWriter::render(value, crate::shape::element(ty), TimestampFormat::Http);
            self.0.insert(key.to_owned(), text);
        });
    }
}

/// A payload member that is text or bytes by itself.
pub fn payload_bytes(shape: &dyn Shape, index: usize) -> Option<Vec<u8>> {
    struct Raw(Option<Vec<u8>>);
    impl Writer for Raw {
        fn string(&mut self, _: &'static crate::Type, value: &str) {
            self.0 = Some(value.as_bytes().to_vec());
        }
        fn blob(&mut self, _: &'static crate::Type, value: &[u8]) {
            self.0 = Some(value.to_vec());
        }
        fn boolean(&mut self, _: &'static crate::Type, _: bool) {}
        fn integer(&mut self, _: &'static crate::Type, _: i64) {}
        fn double(&mut self, _: &'static crate::Type, _: f64) {}
        fn timestamp(
            &mut self,
            _: &'static crate::Type,
            _: nephos_core::Timestamp,
            _: Option<TimestampFormat>,
        ) {
        }
        fn structure(&mut self, _: &'static crate::Type, _: &dyn Shape) {}
        fn list(&mut self, _: &'static crate::Type, _: usize, _: &mut dyn FnMut(usize, &mut dyn Writer)) {}
        fn map(&mut self, _: &'static crate::Type, _: &mut dyn FnMut(&mut dyn FnMut(&str, &dyn Value))) {}
    }
    let mut raw = Raw(None);
    shape.value(index)?.write(shape.schema().members[index].ty, &mut raw);
    raw.0
}

/// Reads a payload that is bytes by itself into its slot.
pub struct RawReader(pub bytes::Bytes);

impl Reader for RawReader {
    fn string(&mut self) -> Result<String, ReadError> {
        String::from_utf8(self.0.to_vec()).map_err(|_| ReadError::unexpected("the body is not UTF-8"))
    }
    fn boolean(&mut self) -> Result<bool, ReadError> {
        PairsReader::no()
    }
    fn integer(&mut self) -> Result<i64, ReadError> {
        PairsReader::no()
    }
    fn double(&mut self) -> Result<f64, ReadError> {
        PairsReader::no()
    }
    fn blob(&mut self) -> Result<bytes::Bytes, ReadError> {
        Ok(self.0.clone())
    }
    fn timestamp(&mut self, _: Option<TimestampFormat>) -> Result<nephos_core::Timestamp, ReadError> {
        PairsReader::no()
    }
    fn structure(&mut self, _: &mut dyn Shape) -> Result<(), ReadError> {
        PairsReader::no()
    }
    fn list(
        &mut self,
        _: &'static crate::Type,
        _: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        PairsReader::no()
    }
    fn map(
        &mut self,
        _: &'static crate::Type,
        _: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        PairsReader::no()
    }
}

/// Reads a field from text, for query and label values that a handler wants by hand.
pub fn from_text<T: Field>(ty: &'static crate::Type, text: &str) -> Result<T, ReadError> {
    T::read(ty, &mut TextReader(text))
}
