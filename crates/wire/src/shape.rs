//! The traits between shapes and codecs. Generated structs implement [`Shape`]; a codec is a [`Reader`] and a
//! [`Writer`]. Both are used as trait objects, so that a shape costs two small tables and no code per protocol.

use std::collections::BTreeMap;

use bytes::Bytes;
use nephos_core::{Fault, Timestamp};

use crate::schema::{Structure, TimestampFormat, Type};

/// A structure whose members are found by their index in its schema.
pub trait Shape: Send + Sync {
    /// The schema.
    fn schema(&self) -> &'static Structure;
    /// The member at `index`, unless it is absent.
    fn value(&self, index: usize) -> Option<&dyn Value>;
    /// The place of the member at `index`, to be read into.
    fn slot(&mut self, index: usize) -> Option<&mut dyn Slot>;
}

/// Something that can be written.
pub trait Value {
    /// Writes itself.
    fn write(&self, ty: &'static Type, writer: &mut dyn Writer);
}

/// A place that a value can be read into.
pub trait Slot {
    /// Reads a value into the place.
    fn read(&mut self, ty: &'static Type, reader: &mut dyn Reader) -> Result<(), ReadError>;
}

/// Something that can be read.
pub trait Field: Sized {
    /// Reads one.
    fn read(ty: &'static Type, reader: &mut dyn Reader) -> Result<Self, ReadError>;
}

/// Takes values in the order of the schema and writes them in its protocol's form.
pub trait Writer {
    /// Text.
    fn string(&mut self, ty: &'static Type, value: &str);
    /// True or false.
    fn boolean(&mut self, ty: &'static Type, value: bool);
    /// A whole number.
    fn integer(&mut self, ty: &'static Type, value: i64);
    /// A floating-point number.
    fn double(&mut self, ty: &'static Type, value: f64);
    /// Bytes.
    fn blob(&mut self, ty: &'static Type, value: &[u8]);
    /// A moment, in `format` where the model gives one, else in the protocol's own.
    fn timestamp(&mut self, ty: &'static Type, value: Timestamp, format: Option<TimestampFormat>);
    /// A structure.
    fn structure(&mut self, ty: &'static Type, value: &dyn Shape);
    /// A list of `length` members, each written by `member`.
    fn list(&mut self, ty: &'static Type, length: usize, member: &mut dyn FnMut(usize, &mut dyn Writer));
    /// A map. `entries` calls its argument once an entry, with the key and the value.
    fn map(&mut self, ty: &'static Type, entries: &mut dyn FnMut(&mut dyn FnMut(&str, &dyn Value)));
    /// A hand-written value's JSON goes straight into this buffer; only the JSON writer has one.
    fn raw_json(&mut self) -> Option<&mut Vec<u8>> {
        None
    }
}

/// Gives the values that a schema asks for out of its protocol's form.
pub trait Reader {
    /// Text.
    fn string(&mut self) -> Result<String, ReadError>;
    /// True or false.
    fn boolean(&mut self) -> Result<bool, ReadError>;
    /// A whole number.
    fn integer(&mut self) -> Result<i64, ReadError>;
    /// A whole number of 32 bits.
    fn integer32(&mut self) -> Result<i32, ReadError> {
        let value = self.integer()?;
        i32::try_from(value)
            .map_err(|_| ReadError::unexpected(format!("{value} can not be converted to an Integer")))
    }
    /// A floating-point number.
    fn double(&mut self) -> Result<f64, ReadError>;
    /// Bytes.
    fn blob(&mut self) -> Result<Bytes, ReadError>;
    /// A moment.
    fn timestamp(&mut self, format: Option<TimestampFormat>) -> Result<Timestamp, ReadError>;
    /// A structure: its body members are read into `shape`, unknown ones are passed over.
    fn structure(&mut self, shape: &mut dyn Shape) -> Result<(), ReadError>;
    /// A list: `member` is called once a member.
    fn list(
        &mut self,
        ty: &'static Type,
        member: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError>;
    /// A map: `entry` is called once an entry.
    fn map(
        &mut self,
        ty: &'static Type,
        entry: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError>;
}

/// Why a body could not be read. The text is the one that clients see.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// Not the shape that was expected: `SerializationException`, `MalformedInput` or `MalformedXML`.
    #[error("{0}")]
    Unexpected(String),
    /// The bytes are not of the protocol's syntax at all.
    #[error("{0}")]
    Syntax(String),
    /// A hand-written shape's own complaint, which keeps its code.
    #[error("{0}")]
    Fault(Box<Fault>),
}

impl ReadError {
    /// An unexpected value, with the text that clients see.
    pub fn unexpected(text: impl Into<String>) -> Self {
        ReadError::Unexpected(text.into())
    }
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        ReadError::Fault(Box::new(fault))
    }
}

impl<T: Field> Slot for Option<T> {
    fn read(&mut self, ty: &'static Type, reader: &mut dyn Reader) -> Result<(), ReadError> {
        *self = Some(T::read(ty, reader)?);
        Ok(())
    }
}

macro_rules! scalar {
    ($type:ty, $read:ident, $write:ident, |$value:ident| $given:expr) => {
        impl Field for $type {
            fn read(_: &'static Type, reader: &mut dyn Reader) -> Result<Self, ReadError> {
                reader.$read()
            }
        }

        impl Value for $type {
            fn write(&self, ty: &'static Type, writer: &mut dyn Writer) {
                let $value = self;
                writer.$write(ty, $given);
            }
        }
    };
}

scalar!(String, string, string, |v| v);
scalar!(bool, boolean, boolean, |v| *v);
scalar!(i64, integer, integer, |v| *v);
scalar!(f64, double, double, |v| *v);
scalar!(Bytes, blob, blob, |v| v);

impl Field for i32 {
    fn read(_: &'static Type, reader: &mut dyn Reader) -> Result<Self, ReadError> {
        reader.integer32()
    }
}

impl Value for i32 {
    fn write(&self, ty: &'static Type, writer: &mut dyn Writer) {
        writer.integer(ty, i64::from(*self));
    }
}

impl Field for Timestamp {
    fn read(ty: &'static Type, reader: &mut dyn Reader) -> Result<Self, ReadError> {
        reader.timestamp(timestamp_format(ty))
    }
}

impl Value for Timestamp {
    fn write(&self, ty: &'static Type, writer: &mut dyn Writer) {
        writer.timestamp(ty, *self, timestamp_format(ty));
    }
}

fn timestamp_format(ty: &'static Type) -> Option<TimestampFormat> {
    match ty.kind {
        crate::Kind::Timestamp(format) => format,
        _ => None,
    }
}

/// The type of a list's members or a map's values; the type itself for anything else, which generated code rules out.
pub fn element(ty: &'static Type) -> &'static Type {
    match ty.kind {
        crate::Kind::List { member, .. } => member,
        crate::Kind::Map { value, .. } => value,
        _ => ty,
    }
}

impl<T: Field> Field for Vec<T> {
    fn read(ty: &'static Type, reader: &mut dyn Reader) -> Result<Self, ReadError> {
        let mut list = Vec::new();
        reader.list(ty, &mut |reader| {
            list.push(T::read(element(ty), reader)?);
            Ok(())
        })?;
        Ok(list)
    }
}

impl<T: Value> Value for Vec<T> {
    fn write(&self, ty: &'static Type, writer: &mut dyn Writer) {
        writer.list(ty, self.len(), &mut |index, writer| {
            if let Some(value) = self.get(index) {
                value.write(element(ty), writer);
            }
        });
    }
}

impl<T: Field> Field for BTreeMap<String, T> {
    fn read(ty: &'static Type, reader: &mut dyn Reader) -> Result<Self, ReadError> {
        let mut map = BTreeMap::new();
        reader.map(ty, &mut |key, reader| {
            map.insert(key, T::read(element(ty), reader)?);
            Ok(())
        })?;
        Ok(map)
    }
}

impl<T: Value> Value for BTreeMap<String, T> {
    fn write(&self, ty: &'static Type, writer: &mut dyn Writer) {
        writer.map(ty, &mut |entry| {
            for (key, value) in self {
                entry(key, value);
            }
        });
    }
}

impl<T: Field> Field for Box<T> {
    fn read(ty: &'static Type, reader: &mut dyn Reader) -> Result<Self, ReadError> {
        T::read(ty, reader).map(Box::new)
    }
}

impl<T: Value> Value for Box<T> {
    fn write(&self, ty: &'static Type, writer: &mut dyn Writer) {
        (**self).write(ty, writer);
    }
}
