//! `ExpressionAttributeNames` and `ExpressionAttributeValues`, and which of them were used.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ExpressionError;
use crate::value::{AttributeMap, AttributeValue, Attributes, Layer};

/// The longest name of a placeholder, in bytes, with its mark.
const MAX_NAME_BYTES: usize = 255;
/// The most bytes that all values together may have.
const MAX_VALUES_BYTES: usize = 2 * 1024 * 1024;

/// A request's placeholders.
#[derive(Debug, Default)]
pub struct Placeholders {
    names: BTreeMap<String, String>,
    values: BTreeMap<String, Arc<AttributeValue>>,
    used: RefCell<BTreeSet<String>>,
}

impl Placeholders {
    /// Takes a request's names and values, absent or not, and checks them.
    pub fn new(
        names: Option<BTreeMap<String, String>>,
        values: Option<AttributeMap>,
        layer: Layer,
    ) -> Result<Placeholders, String> {
        if let Some(names) = &names {
            check_keys("ExpressionAttributeNames", '#', names.keys()).map_err(|fault| layer.word(fault))?;
        }
        let values = match values {
            Some(values) => valid(values, layer)?,
            None => Attributes::new(),
        };
        let values = values.into_iter().map(|(name, value)| (name, Arc::new(value)));
        Ok(Placeholders {
            names: names.unwrap_or_default(),
            values: values.collect(),
            used: RefCell::default(),
        })
    }

    /// The attribute name behind `#name`.
    pub fn name(&self, placeholder: &str) -> Result<&str, ExpressionError> {
        self.mark(placeholder);
        self.names.get(placeholder).map(String::as_str).ok_or_else(|| {
            ExpressionError::new(format!(
                "An expression attribute name used in the document path is not defined; attribute name: {placeholder}"
            ))
        })
    }

    /// The value behind `:value`.
    pub fn value(&self, placeholder: &str) -> Result<Arc<AttributeValue>, ExpressionError> {
        self.mark(placeholder);
        self.values.get(placeholder).cloned().ok_or_else(|| {
            ExpressionError::new(format!(
                "An expression attribute value used in expression is not defined; attribute value: {placeholder}"
            ))
        })
    }

    /// Refuses names and values that no expression used.
    pub fn check_used(&self) -> Result<(), String> {
        unused("ExpressionAttributeNames", &self.used.borrow(), self.names.keys())?;
        unused("ExpressionAttributeValues", &self.used.borrow(), self.values.keys())
    }

    fn mark(&self, placeholder: &str) {
        let mut used = self.used.borrow_mut();
        if !used.contains(placeholder) {
            used.insert(placeholder.to_owned());
        }
    }
}

fn valid(values: AttributeMap, layer: Layer) -> Result<Attributes, String> {
    const PARAMETER: &str = "ExpressionAttributeValues";
    let invalid = values.invalid().map(|(name, fault)| (name.to_owned(), fault.message(layer)));
    let names =
        values.tree().into_iter().flat_map(Attributes::keys).chain(invalid.iter().map(|(name, _)| name));
    check_keys(PARAMETER, ':', names).map_err(|fault| layer.word(fault))?;
    match invalid {
        Some((name, fault)) if layer == Layer::Older => {
            Err(format!("{PARAMETER} contains invalid value: {fault} for key {name}"))
        }
        Some((_, fault)) => Err(layer.word(fault)),
        None => {
            let values = values.into_valid(layer)?;
            if values.values().map(AttributeValue::size).sum::<usize>() > MAX_VALUES_BYTES {
                return Err(layer.word(format!("{PARAMETER} exceeds max size")));
            }
            Ok(values)
        }
    }
}

fn check_keys<'a>(parameter: &str, mark: char, keys: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut some = false;
    for key in keys {
        some = true;
        let name = key.strip_prefix(mark).filter(|name| !name.is_empty());
        if !name.is_some_and(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')) {
            return Err(format!("{parameter} contains invalid key: Syntax error; key: \"{key}\""));
        }
        if key.len() > MAX_NAME_BYTES {
            return Err(format!(
                "{parameter} contains invalid key: The expression attribute map contains a key that is too long; key: \
                 \"{key}\""
            ));
        }
    }
    if some { Ok(()) } else { Err(format!("{parameter} must not be empty")) }
}

fn unused<'a>(
    parameter: &str,
    used: &BTreeSet<String>,
    keys: impl Iterator<Item = &'a String>,
) -> Result<(), String> {
    let left: Vec<&str> = keys.filter(|key| !used.contains(*key)).map(String::as_str).collect();
    if left.is_empty() {
        return Ok(());
    }
    Err(format!("Value provided in {parameter} unused in expressions: keys: {{{}}}", left.join(", ")))
}
