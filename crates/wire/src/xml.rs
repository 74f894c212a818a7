//! restXml bodies and the answers of the query protocol.
//!
//! Reading builds a small tree; DOCTYPEs are refused, depth and size are bounded. Writing goes straight into a buffer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use nephos_core::Timestamp;

use crate::schema::{Kind, Location, TimestampFormat, Type};
use crate::shape::{ReadError, Reader, Shape, Value, Writer};
use crate::text::TextReader;

mod tree;

pub(crate) use tree::malformed;
pub use tree::{Element, parse};

/// Reads an element into the shape that is asked for.
pub struct XmlReader<'a> {
    element: &'a Element,
    /// The siblings of a flattened list, of which `element` is the first.
    siblings: &'a [Element],
}

impl<'a> XmlReader<'a> {
    /// Reads `element`.
    pub fn new(element: &'a Element) -> Self {
        XmlReader { element, siblings: std::slice::from_ref(element) }
    }

    fn scalar(&self) -> TextReader<'a> {
        TextReader(&self.element.text)
    }
}

impl Reader for XmlReader<'_> {
    fn string(&mut self) -> Result<String, ReadError> {
        self.scalar().string()
    }

    fn boolean(&mut self) -> Result<bool, ReadError> {
        TextReader(self.element.text.trim()).boolean()
    }

    fn integer(&mut self) -> Result<i64, ReadError> {
        self.scalar().integer()
    }

    fn double(&mut self) -> Result<f64, ReadError> {
        self.scalar().double()
    }

    fn blob(&mut self) -> Result<Bytes, ReadError> {
        self.scalar().blob()
    }

    fn timestamp(&mut self, format: Option<TimestampFormat>) -> Result<Timestamp, ReadError> {
        self.scalar().timestamp(format)
    }

    fn structure(&mut self, shape: &mut dyn Shape) -> Result<(), ReadError> {
        for (index, member) in shape.schema().members.iter().enumerate() {
            if member.location != Location::Body {
                continue;
            }
            if member.attribute {
                let local = member.wire.rsplit(':').next().unwrap_or(member.wire);
                let found = self.element.attributes.iter().find(|(name, _)| name == local);
                if let (Some((_, value)), Some(slot)) = (found, shape.slot(index)) {
                    slot.read(member.ty, &mut TextReader(value))?;
                }
                continue;
            }
            let Some(at) = self.element.children.iter().position(|child| child.name == member.wire) else {
                continue;
            };
            let mut reader =
                XmlReader { element: &self.element.children[at], siblings: &self.element.children[at..] };
            if let Some(slot) = shape.slot(index) {
                slot.read(member.ty, &mut reader)?;
            }
        }
        Ok(())
    }

    fn list(
        &mut self,
        ty: &'static Type,
        member: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let flattened = matches!(ty.kind, Kind::List { flattened: true, .. });
        let (elements, name) = match ty.kind {
            Kind::List { name, .. } if !flattened => (self.element.children.as_slice(), name),
            _ => (self.siblings, self.element.name.as_str()),
        };
        let members = elements.iter().filter(|element| element.name == name);
        members.into_iter().try_for_each(|element| member(&mut XmlReader::new(element)))
    }

    fn map(
        &mut self,
        ty: &'static Type,
        entry: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Kind::Map { key_name, value_name, flattened, .. } = ty.kind else {
            return Err(ReadError::unexpected("expected a map"));
        };
        let (elements, name) = if flattened {
            (self.siblings, self.element.name.as_str())
        } else {
            (self.element.children.as_slice(), "entry")
        };
        for element in elements.iter().filter(|element| element.name == name) {
            let child = |name| element.children.iter().find(|child: &&Element| child.name == name);
            if let (Some(key), Some(value)) = (child(key_name), child(value_name)) {
                entry(key.text.clone(), &mut XmlReader::new(value))?;
            }
        }
        Ok(())
    }
}

/// Reads a whole document into `shape`; an empty body leaves it as it is.
pub fn read(body: &[u8], shape: &mut dyn Shape) -> Result<(), ReadError> {
    match parse(body)? {
        Some(root) => XmlReader::new(&root).structure(shape),
        None => Ok(()),
    }
}

/// Writes XML into a buffer. The element that the next value stands in is `name`.
pub struct XmlWriter {
    out: String,
    name: &'static str,
    /// Whether moments have milliseconds also where they are none.
    millis: bool,
}

impl Default for XmlWriter {
    fn default() -> Self {
        XmlWriter {
            out: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"),
            name: "",
            millis: true,
        }
    }
}

/// Appends `text` with the five reserved characters escaped. Characters that XML 1.0 cannot carry become references
/// as S3 sends them.
pub fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(c),
            c if (c as u32) < 32 => out.push_str(&format!("&#{};", c as u32)),
            c => out.push(c),
        }
    }
}

impl XmlWriter {
    /// For the query protocol, whose services write moments without milliseconds that are none.
    pub fn for_query() -> Self {
        XmlWriter { millis: false, ..XmlWriter::default() }
    }

    /// Opens an element, with a namespace if given.
    pub fn open(&mut self, name: &str, namespace: Option<&str>) {
        self.start(name, namespace);
        self.out.push('>');
    }

    fn start(&mut self, name: &str, namespace: Option<&str>) {
        self.out.push('<');
        self.out.push_str(name);
        if let Some(namespace) = namespace {
            self.out.push_str(" xmlns=\"");
            self.out.push_str(namespace);
            self.out.push('"');
        }
    }

    /// A structure as the element `name`.
    pub fn element(&mut self, name: &str, namespace: Option<&str>, shape: &dyn Shape) {
        self.start(name, namespace);
        self.attributes(shape);
        self.out.push('>');
        self.members(shape);
        self.close(name);
    }

    /// Closes an element.
    pub fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// An element that holds only text.
    pub fn leaf(&mut self, name: &str, text: &str) {
        self.open(name, None);
        escape(&mut self.out, text);
        self.close(name);
    }

    /// A root element that holds only text.
    pub fn root_text(&mut self, name: &str, namespace: Option<&str>, text: &[u8]) {
        self.open(name, namespace);
        escape(&mut self.out, &String::from_utf8_lossy(text));
        self.close(name);
    }

    /// The document.
    pub fn finish(self) -> String {
        self.out
    }

    fn scalar(&mut self, text: &str) {
        self.leaf(self.name, text);
    }

    /// Writes the body members of `shape`, without an element round them.
    pub fn members(&mut self, shape: &dyn Shape) {
        for (index, member) in shape.schema().members.iter().enumerate() {
            if member.location != Location::Body || member.attribute {
                continue;
            }
            if let Some(value) = shape.value(index) {
                self.name = member.wire;
                value.write(member.ty, self);
            }
        }
    }

    fn attributes(&mut self, shape: &dyn Shape) {
        for (index, member) in shape.schema().members.iter().enumerate().filter(|(_, m)| m.attribute) {
            if let Some(value) = shape.value(index) {
                let text = crate::text::TextWriter::render(value, member.ty, TimestampFormat::Iso8601);
                if let Some((prefix, _)) = member.wire.split_once(':') {
                    let namespace = "http://www.w3.org/2001/XMLSchema-instance";
                    self.out.push_str(&format!(" xmlns:{prefix}=\"{namespace}\""));
                }
                self.out.push_str(&format!(" {}=\"", member.wire));
                let mut escaped = String::new();
                escape(&mut escaped, &text);
                // White space in attributes is a space, unless it comes as a reference.
                self.out.push_str(&escaped.replace('\n', "&#10;").replace('\t', "&#9;"));
                self.out.push('"');
            }
        }
    }
}

impl Writer for XmlWriter {
    fn string(&mut self, _: &'static Type, value: &str) {
        self.scalar(value);
    }

    fn boolean(&mut self, _: &'static Type, value: bool) {
        self.scalar(if value { "true" } else { "false" });
    }

    fn integer(&mut self, _: &'static Type, value: i64) {
        self.scalar(&value.to_string());
    }

    fn double(&mut self, _: &'static Type, value: f64) {
        self.scalar(&crate::text::double(value));
    }

    fn blob(&mut self, _: &'static Type, value: &[u8]) {
        self.scalar(&STANDARD.encode(value));
    }

    fn timestamp(&mut self, _: &'static Type, value: Timestamp, format: Option<TimestampFormat>) {
        let text = match format.unwrap_or(TimestampFormat::Iso8601) {
            TimestampFormat::Iso8601 if self.millis => value.iso8601_millis(),
            TimestampFormat::Iso8601 => value.iso8601(),
            TimestampFormat::Unix => crate::text::unix_seconds(value),
            TimestampFormat::Http => value.http_date(),
        };
        self.scalar(&text);
    }

    fn structure(&mut self, _: &'static Type, value: &dyn Shape) {
        self.element(self.name, None, value);
    }

    fn list(&mut self, ty: &'static Type, length: usize, member: &mut dyn FnMut(usize, &mut dyn Writer)) {
        let outer = self.name;
        let Kind::List { name, flattened, .. } = ty.kind else { return };
        if !flattened {
            self.open(outer, None);
        }
        for index in 0..length {
            self.name = if flattened { outer } else { name };
            member(index, self);
        }
        if !flattened {
            self.close(outer);
        }
    }

    fn map(&mut self, ty: &'static Type, entries: &mut dyn FnMut(&mut dyn FnMut(&str, &dyn Value))) {
        let outer = self.name;
        let Kind::Map { key_name, value_name, flattened, value: value_type, .. } = ty.kind else { return };
        if !flattened {
            self.open(outer, None);
        }
        let entry_name = if flattened { outer } else { "entry" };
        entries(&mut |key, value| {
            self.open(entry_name, None);
            self.leaf(key_name, key);
            self.name = value_name;
            value.write(value_type, self);
            self.close(entry_name);
        });
        if !flattened {
            self.close(outer);
        }
    }
}
