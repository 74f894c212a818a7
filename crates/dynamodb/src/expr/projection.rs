//! Projections: which parts of an item a read returns.

use std::collections::BTreeMap;

use super::check::{no_reserved_words, resolve_path};
use super::parser::Parser;
use super::path::Clash;
use super::placeholders::Placeholders;
use super::raw::RawPath;
use super::{ExpressionError, Parameter, Path, Step};
use crate::value::{AttributeMap, AttributeValue, Attributes, ItemRef, ValueRef};

/// A checked projection: no two paths overlap.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    paths: Vec<Path>,
    /// The attributes at the paths' roots, sorted.
    roots: Vec<String>,
    nested: bool,
}

impl Projection {
    /// Parses and checks a projection expression.
    pub fn parse(text: &str, placeholders: &Placeholders) -> Result<Projection, ExpressionError> {
        let raw = parse(text)?;
        raw.iter().try_for_each(no_reserved_words)?;
        let paths = raw.iter().map(|path| resolve_path(path, placeholders)).collect::<Result<Vec<_>, _>>()?;
        no_clashes(&paths)?;
        Ok(Projection::of(paths))
    }

    /// The projection to these paths, which must not overlap.
    pub fn of(paths: Vec<Path>) -> Projection {
        let nested = paths.iter().any(|path| !path.steps.is_empty());
        let mut roots: Vec<String> = paths.iter().map(|path| path.root.clone()).collect();
        roots.sort_unstable();
        roots.dedup();
        Projection { paths, roots, nested }
    }

    /// The paths.
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// The attributes that the paths begin with, sorted.
    pub fn roots(&self) -> &[String] {
        &self.roots
    }

    /// What the projection leaves of an item.
    pub fn apply(&self, item: ItemRef<'_>) -> AttributeMap {
        if !self.nested {
            return item
                .select(|name| self.roots.binary_search_by(|root| root.as_str().cmp(name)).is_ok())
                .into();
        }
        self.pick(|path| path.find(item).and_then(ValueRef::to_value)).into()
    }

    /// What the projection leaves of a tree.
    pub fn apply_to_tree(&self, attributes: &Attributes) -> Attributes {
        self.pick(|path| path.find_in(attributes).cloned())
    }

    fn pick(&self, find: impl Fn(&Path) -> Option<AttributeValue>) -> Attributes {
        let mut root = BTreeMap::new();
        for path in &self.paths {
            if let Some(value) = find(path) {
                let slot = root.entry(path.root.clone()).or_insert_with(|| Picked::Map(BTreeMap::new()));
                path.steps.iter().fold(slot, Picked::step).set(value);
            }
        }
        root.into_iter().map(|(name, picked)| (name, picked.value())).collect()
    }
}

/// Parses a projection's grammar.
pub(super) fn parse(text: &str) -> Result<Vec<RawPath>, ExpressionError> {
    let mut parser = Parser::new(text, Parameter::Projection, &[])?;
    let mut raw = vec![parser.path()?];
    while parser.tokens.take_symbol(",") {
        raw.push(parser.path()?);
    }
    parser.end()?;
    Ok(raw)
}

/// Refuses paths of which one leads through another.
pub(super) fn no_clashes(paths: &[Path]) -> Result<(), ExpressionError> {
    let mut conflict = None;
    for (at, two) in paths.iter().enumerate() {
        for one in &paths[..at] {
            match one.clash(two) {
                Some(Clash::Overlap) => return Err(clash("overlap", one, two)),
                Some(Clash::Conflict) => conflict = conflict.or_else(|| Some(clash("conflict", one, two))),
                None => {}
            }
        }
    }
    conflict.map_or(Ok(()), Err)
}

fn clash(how: &str, one: &Path, two: &Path) -> ExpressionError {
    ExpressionError::new(format!(
        "Two document paths {how} with each other; must remove or rewrite one of these paths; path one: {one}, path \
         two: {two}"
    ))
}

/// A document that is put together out of picked parts. List elements close up, in order of their index.
enum Picked {
    Value(AttributeValue),
    Map(BTreeMap<String, Picked>),
    List(BTreeMap<usize, Picked>),
}

impl Picked {
    fn step(&mut self, step: &Step) -> &mut Picked {
        let empty = || Picked::Map(BTreeMap::new());
        match step {
            Step::Name(name) => {
                if !matches!(self, Picked::Map(_)) {
                    *self = empty();
                }
                match self {
                    Picked::Map(map) => map.entry(name.clone()).or_insert_with(empty),
                    other => other,
                }
            }
            Step::Index(index) => {
                if !matches!(self, Picked::List(_)) {
                    *self = Picked::List(BTreeMap::new());
                }
                match self {
                    Picked::List(list) => list.entry(*index).or_insert_with(empty),
                    other => other,
                }
            }
        }
    }

    fn set(&mut self, value: AttributeValue) {
        *self = Picked::Value(value);
    }

    fn value(self) -> AttributeValue {
        match self {
            Picked::Value(value) => value,
            Picked::Map(map) => {
                AttributeValue::M(map.into_iter().map(|(name, picked)| (name, picked.value())).collect())
            }
            Picked::List(list) => AttributeValue::L(list.into_values().map(Picked::value).collect()),
        }
    }
}
