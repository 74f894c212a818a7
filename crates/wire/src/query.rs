//! The query protocol: `Action=...&A.B.member.1=...` in, XML out.

use std::collections::BTreeMap;

use bytes::Bytes;
use nephos_core::Timestamp;

use crate::schema::{Kind, Location, TimestampFormat, Type};
use crate::shape::{ReadError, Reader, Shape};
use crate::text::TextReader;

/// How many dots a parameter's name may have.
const MAX_DEPTH: usize = 24;

/// How many parameters a request may have.
pub const MAX_PARAMETERS: usize = 20_000;

/// The parameters as a tree, split at the dots.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    value: Option<String>,
    children: BTreeMap<String, Parameters>,
}

impl Parameters {
    /// Sorts decoded pairs into a tree. Of a repeated name the last counts.
    pub fn new(pairs: &[(String, String)]) -> Result<Self, ReadError> {
        if pairs.len() > MAX_PARAMETERS {
            return Err(ReadError::Syntax(format!("the request has more than {MAX_PARAMETERS} parameters")));
        }
        let mut root = Parameters::default();
        for (name, value) in pairs {
            let mut node = &mut root;
            for (depth, part) in name.split('.').enumerate() {
                if depth >= MAX_DEPTH {
                    return Err(ReadError::Syntax(format!(
                        "parameter names nest deeper than {MAX_DEPTH} levels"
                    )));
                }
                node = node.children.entry(part.to_owned()).or_default();
            }
            node.value = Some(value.clone());
        }
        Ok(root)
    }

    /// The members of a list, in the order of their numbers.
    fn numbered(&self) -> Vec<&Parameters> {
        let mut members: Vec<(u64, &Parameters)> =
            self.children.iter().filter_map(|(name, node)| Some((name.parse().ok()?, node))).collect();
        members.sort_by_key(|(number, _)| *number);
        members.into_iter().map(|(_, node)| node).collect()
    }
}

/// Reads a shape out of the tree.
pub struct QueryReader<'a>(pub &'a Parameters);

impl QueryReader<'_> {
    fn scalar(&self) -> Result<TextReader<'_>, ReadError> {
        self.0.value.as_deref().map(TextReader).ok_or_else(|| ReadError::unexpected("expected a plain value"))
    }
}

impl Reader for QueryReader<'_> {
    fn string(&mut self) -> Result<String, ReadError> {
        self.scalar()?.string()
    }

    fn boolean(&mut self) -> Result<bool, ReadError> {
        self.scalar()?.boolean()
    }

    fn integer(&mut self) -> Result<i64, ReadError> {
        let mut text = self.scalar()?;
        if text.0.is_empty() {
            return Err(ReadError::unexpected("missing value for decimal type"));
        }
        text.integer()
    }

    fn double(&mut self) -> Result<f64, ReadError> {
        self.scalar()?.double()
    }

    fn blob(&mut self) -> Result<Bytes, ReadError> {
        self.scalar()?.blob()
    }

    fn timestamp(&mut self, format: Option<TimestampFormat>) -> Result<Timestamp, ReadError> {
        self.scalar()?.timestamp(format)
    }

    fn structure(&mut self, shape: &mut dyn Shape) -> Result<(), ReadError> {
        for (index, member) in shape.schema().members.iter().enumerate() {
            if member.location != Location::Body {
                continue;
            }
            if let (Some(node), Some(slot)) = (self.0.children.get(member.wire), shape.slot(index)) {
                slot.read(member.ty, &mut QueryReader(node))?;
            }
        }
        Ok(())
    }

    fn list(
        &mut self,
        ty: &'static Type,
        member: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        // An empty list is sent as `Name=`.
        let list = match ty.kind {
            Kind::List { name, flattened: false, .. } => self.0.children.get(name),
            _ => Some(self.0),
        };
        let members = list.map(Parameters::numbered).unwrap_or_default();
        members.into_iter().try_for_each(|node| member(&mut QueryReader(node)))
    }

    fn map(
        &mut self,
        ty: &'static Type,
        entry: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let Kind::Map { key_name, value_name, flattened, .. } = ty.kind else {
            return Err(ReadError::unexpected("expected a map"));
        };
        let map = if flattened { Some(self.0) } else { self.0.children.get("entry") };
        for node in map.map(Parameters::numbered).unwrap_or_default() {
            let key = node.children.get(key_name).and_then(|key| key.value.clone());
            if let (Some(key), Some(value)) = (key, node.children.get(value_name)) {
                entry(key, &mut QueryReader(value))?;
            }
        }
        Ok(())
    }
}

/// Reads a form body into `shape`.
pub fn read(pairs: &[(String, String)], shape: &mut dyn Shape) -> Result<(), ReadError> {
    QueryReader(&Parameters::new(pairs)?).structure(shape)
}
