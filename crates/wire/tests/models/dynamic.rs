//! A structure of any schema, its members held by their index.

use std::collections::BTreeMap;

use bytes::Bytes;
use nephos_core::Timestamp;
use nephos_wire::{Field, Kind, ReadError, Reader, Shape, Slot, Structure, Type, Value, Writer};

/// A structure of a schema that is known only when it runs.
#[derive(Debug, Clone)]
pub struct Dynamic {
    schema: &'static Structure,
    members: Vec<Option<Held>>,
}

/// A value of any kind.
#[derive(Debug, Clone)]
enum Held {
    String(String),
    Boolean(bool),
    Integer(i64),
    Double(f64),
    Blob(Bytes),
    Timestamp(Timestamp),
    Structure(Dynamic),
    List(Vec<Held>),
    Map(BTreeMap<String, Held>),
}

impl Dynamic {
    /// A structure without members.
    pub fn new(schema: &'static Structure) -> Self {
        Dynamic { schema, members: vec![None; schema.members.len()] }
    }
}

impl Shape for Dynamic {
    fn schema(&self) -> &'static Structure {
        self.schema
    }

    fn value(&self, index: usize) -> Option<&dyn Value> {
        self.members.get(index)?.as_ref().map(|held| held as &dyn Value)
    }

    fn slot(&mut self, index: usize) -> Option<&mut dyn Slot> {
        self.members.get_mut(index).map(|member| member as &mut dyn Slot)
    }
}

impl Field for Held {
    fn read(ty: &'static Type, reader: &mut dyn Reader) -> Result<Self, ReadError> {
        Ok(match ty.kind {
            Kind::String => Held::String(String::read(ty, reader)?),
            Kind::Boolean => Held::Boolean(bool::read(ty, reader)?),
            // The schema does not tell 32 bits from 64, and both must do.
            Kind::Integer => Held::Integer(i64::from(i32::read(ty, reader)?)),
            Kind::Double => Held::Double(f64::read(ty, reader)?),
            Kind::Blob => Held::Blob(Bytes::read(ty, reader)?),
            Kind::Timestamp(_) => Held::Timestamp(Timestamp::read(ty, reader)?),
            Kind::List { .. } => Held::List(Vec::read(ty, reader)?),
            Kind::Map { .. } => Held::Map(BTreeMap::read(ty, reader)?),
            Kind::Structure(schema) => {
                let mut structure = Dynamic::new(schema);
                reader.structure(&mut structure)?;
                Held::Structure(structure)
            }
            Kind::Custom => unreachable!("{} is written by hand", ty.name),
        })
    }
}

impl Value for Held {
    fn write(&self, ty: &'static Type, writer: &mut dyn Writer) {
        match self {
            Held::String(value) => value.write(ty, writer),
            Held::Boolean(value) => value.write(ty, writer),
            Held::Integer(value) => value.write(ty, writer),
            Held::Double(value) => value.write(ty, writer),
            Held::Blob(value) => value.write(ty, writer),
            Held::Timestamp(value) => value.write(ty, writer),
            Held::Structure(value) => writer.structure(ty, value),
            Held::List(value) => value.write(ty, writer),
            Held::Map(value) => value.write(ty, writer),
        }
    }
}
