//! From a resolved property to a service's input: by the model's own member names, as lenient with scalars as
//! CloudFormation is (`"5"` is 5, `true` is "true").

use bytes::Bytes;
use nephos_core::{Fault, Timestamp};
use nephos_wire::{Field, Kind, ReadError, Reader, Rules, Shape, TimestampFormat, Type};
use serde_json::Value;

pub use crate::template::intrinsics::scalar as text;

static ANY: Type = Type { name: "Any", kind: Kind::Custom, rules: Rules::NONE };

/// Reads a value into a service's shape.
pub fn shape<T: Field>(value: &Value) -> Result<T, Fault> {
    T::read(&ANY, &mut ValueReader(value)).map_err(|error| Fault::new("ValidationError", error.to_string()))
}

struct ValueReader<'a>(&'a Value);

impl ValueReader<'_> {
    fn expected<T>(&self, what: &str) -> Result<T, ReadError> {
        Err(ReadError::unexpected(format!("expected {what}, got {}", self.0)))
    }

    fn parsed<T: std::str::FromStr>(&self, what: &str) -> Result<T, ReadError> {
        match text(self.0).and_then(|text| text.parse().ok()) {
            Some(value) => Ok(value),
            None => self.expected(what),
        }
    }
}

impl Reader for ValueReader<'_> {
    fn string(&mut self) -> Result<String, ReadError> {
        text(self.0).map_or_else(|| self.expected("text"), Ok)
    }

    fn boolean(&mut self) -> Result<bool, ReadError> {
        self.parsed("true or false")
    }

    fn integer(&mut self) -> Result<i64, ReadError> {
        self.parsed("a whole number")
    }

    fn double(&mut self) -> Result<f64, ReadError> {
        self.parsed("a number")
    }

    fn blob(&mut self) -> Result<Bytes, ReadError> {
        self.string().map(Bytes::from)
    }

    fn timestamp(&mut self, _: Option<TimestampFormat>) -> Result<Timestamp, ReadError> {
        let parsed = text(self.0).and_then(|text| nephos_wire::text::parse_timestamp(&text));
        parsed.map_or_else(|| self.expected("a date and time"), Ok)
    }

    fn structure(&mut self, shape: &mut dyn Shape) -> Result<(), ReadError> {
        let Value::Object(map) = self.0 else { return self.expected("an object") };
        let schema = shape.schema();
        for (key, value) in map.iter().filter(|(_, value)| !value.is_null()) {
            let index = schema.members.iter().position(|member| member.name == key);
            let index = index.ok_or_else(|| {
                ReadError::unexpected(format!("extraneous key [{key}] is not permitted in {}", schema.name))
            })?;
            if let Some(slot) = shape.slot(index) {
                slot.read(schema.members[index].ty, &mut ValueReader(value))?;
            }
        }
        Ok(())
    }

    fn list(
        &mut self,
        _: &'static Type,
        member: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        match self.0 {
            Value::Array(items) => items.iter().try_for_each(|item| member(&mut ValueReader(item))),
            _ => self.expected("a list"),
        }
    }

    fn map(
        &mut self,
        _: &'static Type,
        entry: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        match self.0 {
            Value::Object(map) => {
                map.iter().try_for_each(|(key, value)| entry(key.clone(), &mut ValueReader(value)))
            }
            _ => self.expected("a map"),
        }
    }
}
