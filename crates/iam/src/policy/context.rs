//! What a request brings to its decision: condition keys with their values.

use std::borrow::Cow;

use nephos_core::ContextKeys;

/// Gives the values of condition keys. Names are asked for in lower case, since they have no case.
pub trait Context {
    /// The key's values. `None`, or no values, means that the request does not have the key.
    fn values(&self, key: &str) -> Option<Values<'_>>;

    /// The key's value where it has exactly one, which is what a policy variable needs.
    fn single(&self, key: &str) -> Option<Cow<'_, str>> {
        match self.values(key)? {
            Values::One(value) => Some(value),
            Values::Many([value]) => Some(Cow::Borrowed(value)),
            Values::Many(_) => None,
        }
    }
}

/// A key's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values<'a> {
    /// One value.
    One(Cow<'a, str>),
    /// Any number of values.
    Many(&'a [String]),
}

impl<'a> Values<'a> {
    /// One value that is made for the question.
    pub fn owned(value: impl Into<String>) -> Self {
        Values::One(Cow::Owned(value.into()))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        matches!(self, Values::Many([]))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Values::One(_) => 1,
            Values::Many(values) => values.len(),
        }
    }

    /// Whether `test` holds for one of them.
    pub fn any(&self, mut test: impl FnMut(&str) -> bool) -> bool {
        match self {
            Values::One(value) => test(value),
            Values::Many(values) => values.iter().any(|value| test(value)),
        }
    }

    /// Whether `test` holds for all of them.
    pub fn all(&self, mut test: impl FnMut(&str) -> bool) -> bool {
        !self.any(|value| !test(value))
    }
}

impl Context for ContextKeys {
    fn values(&self, key: &str) -> Option<Values<'_>> {
        self.get(key).map(Values::Many)
    }
}
