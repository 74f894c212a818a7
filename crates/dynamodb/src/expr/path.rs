//! Document paths: `a.b[0].c`.

use std::fmt;

use crate::value::{AttributeValue, Attributes, ItemRef, ValueRef};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Into a map, or of the item itself.
    Name(String),
    /// Into a list.
    Index(usize),
}

/// A path into an item. The first step is the attribute's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    /// The attribute.
    pub root: String,
    /// The steps from there.
    pub steps: Vec<Step>,
}

impl Path {
    /// A whole attribute.
    pub fn attribute(name: impl Into<String>) -> Path {
        Path { root: name.into(), steps: Vec::new() }
    }

    /// What the path leads to in a stored item.
    pub fn find<'a>(&self, item: ItemRef<'a>) -> Option<ValueRef<'a>> {
        self.steps.iter().try_fold(item.get(&self.root)?, |value, step| match step {
            Step::Name(name) => value.entries().find_name(name),
            Step::Index(index) => value.elements().nth(*index),
        })
    }

    /// What the path leads to in a tree.
    pub fn find_in<'a>(&self, attributes: &'a Attributes) -> Option<&'a AttributeValue> {
        self.steps.iter().try_fold(attributes.get(&self.root)?, |value, step| match (value, step) {
            (AttributeValue::M(map), Step::Name(name)) => map.get(name),
            (AttributeValue::L(list), Step::Index(index)) => list.get(*index),
            _ => None,
        })
    }

    /// Whether the two cannot stand in one expression, and why.
    pub fn clash(&self, other: &Path) -> Option<Clash> {
        if self.root != other.root {
            return None;
        }
        for pair in self.steps.iter().zip(&other.steps) {
            match pair {
                (Step::Name(_), Step::Index(_)) | (Step::Index(_), Step::Name(_)) => {
                    return Some(Clash::Conflict);
                }
                (one, two) if one != two => return None,
                _ => {}
            }
        }
        Some(Clash::Overlap)
    }
}

/// Why two paths cannot stand in one expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clash {
    /// One is the other, or leads through it.
    Overlap,
    /// One takes for a list what the other takes for a map.
    Conflict,
}

impl fmt::Display for Path {
    /// As AWS's messages show it: `[a, [0], b]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.root)?;
        for step in &self.steps {
            match step {
                Step::Name(name) => write!(f, ", {name}")?,
                Step::Index(index) => write!(f, ", [{index}]")?,
            }
        }
        f.write_str("]")
    }
}
