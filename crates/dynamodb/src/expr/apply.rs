//! Applying an update to an item's attributes. Every right side, and every list index, means the item as it was.

use std::collections::BTreeSet;

use super::update::{Action, Expression, Update, What};
use super::{Path, Step};
use crate::value::number::NumberError;
use crate::value::{AttributeValue, Attributes, Number};

/// Why an update does not fit the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// A path leads through something that is not there, or not of its kind.
    #[error("The document path provided in the update expression is invalid for update")]
    InvalidPath,
    /// A right side needs an attribute that the item does not have.
    #[error("The provided expression refers to an attribute that does not exist in the item")]
    MissingAttribute,
    /// An operand is of another type than its operator takes.
    #[error("An operand in the update expression has an incorrect data type")]
    WrongType,
    /// A legacy update does not fit the attribute's type.
    #[error("Type mismatch for attribute to update")]
    LegacyWrongType,
    /// A sum cannot be stored.
    #[error(transparent)]
    Number(#[from] NumberError),
}

type Done<T> = Result<T, UpdateError>;

/// What an action comes to.
enum Change<'a> {
    Put(&'a Path, AttributeValue),
    Remove(&'a Path),
}

impl Update {
    /// Applies the update to `attributes`. On an error they are left as they were.
    pub fn apply(&self, attributes: &mut Attributes) -> Done<()> {
        self.apply_all(attributes).map_err(|error| match error {
            UpdateError::WrongType if self.legacy => UpdateError::LegacyWrongType,
            other => other,
        })
    }

    fn apply_all(&self, attributes: &mut Attributes) -> Done<()> {
        let steps = self.actions.iter().map(|action| step(action, attributes)).collect::<Done<Vec<_>>>()?;
        let paths = steps.iter().flatten().map(|step| match step {
            Change::Put(path, _) | Change::Remove(path) => *path,
        });
        paths.into_iter().try_for_each(|path| check_parent(path, attributes))?;
        let (mut appended, mut removed) = (Vec::new(), Vec::new());
        for step in steps.into_iter().flatten() {
            match step {
                Change::Put(path, value) => {
                    appended.extend(put(path, value, attributes).map(|value| (path, value)))
                }
                Change::Remove(path) => removed.push(path),
            }
        }
        // Elements put past a list's end go there in the order of their indexes.
        appended.sort_by(|a, b| a.0.cmp(b.0));
        for (path, value) in appended {
            if let Some(AttributeValue::L(list)) = parent(path, attributes) {
                list.push(value);
            }
        }
        // From the last element to the first, so that no removal moves what another means.
        removed.sort_by(|a, b| b.cmp(a));
        removed.into_iter().for_each(|path| remove(path, attributes));
        Ok(())
    }
}

fn step<'a>(action: &'a Action, attributes: &Attributes) -> Done<Option<Change<'a>>> {
    let path = &action.path;
    let old = path.find_in(attributes);
    Ok(Some(match &action.what {
        What::Set(expression) => Change::Put(path, evaluate(expression, attributes)?),
        What::Remove => Change::Remove(path),
        What::Add(value) => Change::Put(path, add(old, value)?),
        What::Delete(value) => match old {
            Some(old) => match difference(old, value)? {
                Some(rest) => Change::Put(path, rest),
                None => Change::Remove(path),
            },
            None => {
                check_parent(path, attributes)?;
                return Ok(None);
            }
        },
    }))
}

fn evaluate(expression: &Expression, attributes: &Attributes) -> Done<AttributeValue> {
    let find = |path: &Path| path.find_in(attributes).cloned();
    match expression {
        Expression::Literal(value) => Ok((**value).clone()),
        Expression::Path(path) => find(path).ok_or(UpdateError::MissingAttribute),
        Expression::IfNotExists(path, other) => match find(path) {
            Some(value) => Ok(value),
            None => evaluate(other, attributes),
        },
        Expression::ListAppend(a, b) => match (evaluate(a, attributes)?, evaluate(b, attributes)?) {
            (AttributeValue::L(mut list), AttributeValue::L(more)) => {
                list.extend(more);
                Ok(AttributeValue::L(list))
            }
            _ => Err(UpdateError::WrongType),
        },
        Expression::Plus(a, b) => sum(a, b, attributes, Number::plus),
        Expression::Minus(a, b) => sum(a, b, attributes, Number::minus),
    }
}

fn sum(
    a: &Expression,
    b: &Expression,
    attributes: &Attributes,
    operation: fn(&Number, &Number) -> Result<Number, NumberError>,
) -> Done<AttributeValue> {
    match (evaluate(a, attributes)?, evaluate(b, attributes)?) {
        (AttributeValue::N(a), AttributeValue::N(b)) => Ok(AttributeValue::N(operation(&a, &b)?)),
        _ => Err(UpdateError::WrongType),
    }
}

/// The sum of two numbers, or the union of two sets; the value itself where there is nothing yet.
pub fn add(old: Option<&AttributeValue>, value: &AttributeValue) -> Done<AttributeValue> {
    let Some(old) = old else { return Ok(value.clone()) };
    Ok(match (old, value) {
        (AttributeValue::N(a), AttributeValue::N(b)) => AttributeValue::N(a.plus(b)?),
        (AttributeValue::Ss(a), AttributeValue::Ss(b)) => AttributeValue::Ss(union(a, b)),
        (AttributeValue::Ns(a), AttributeValue::Ns(b)) => AttributeValue::Ns(union(a, b)),
        (AttributeValue::Bs(a), AttributeValue::Bs(b)) => AttributeValue::Bs(union(a, b)),
        // Only legacy updates add lists.
        (AttributeValue::L(a), AttributeValue::L(b)) => {
            AttributeValue::L(a.iter().chain(b).cloned().collect())
        }
        _ => return Err(UpdateError::WrongType),
    })
}

/// What is left of a set without the members of another; nothing where none are left.
pub fn difference(old: &AttributeValue, value: &AttributeValue) -> Done<Option<AttributeValue>> {
    fn less<T: Ord + Clone>(a: &[T], b: &[T]) -> Option<Vec<T>> {
        let left: Vec<T> = a.iter().filter(|member| b.binary_search(member).is_err()).cloned().collect();
        (!left.is_empty()).then_some(left)
    }
    Ok(match (old, value) {
        (AttributeValue::Ss(a), AttributeValue::Ss(b)) => less(a, b).map(AttributeValue::Ss),
        (AttributeValue::Ns(a), AttributeValue::Ns(b)) => less(a, b).map(AttributeValue::Ns),
        (AttributeValue::Bs(a), AttributeValue::Bs(b)) => less(a, b).map(AttributeValue::Bs),
        _ => return Err(UpdateError::WrongType),
    })
}

fn union<T: Ord + Clone>(a: &[T], b: &[T]) -> Vec<T> {
    a.iter().chain(b).cloned().collect::<BTreeSet<T>>().into_iter().collect()
}

/// The document that holds a path's last step; none for a whole attribute.
fn parent<'a>(path: &Path, attributes: &'a mut Attributes) -> Option<&'a mut AttributeValue> {
    let (_, before) = path.steps.split_last()?;
    before.iter().try_fold(attributes.get_mut(&path.root)?, |value, step| match (value, step) {
        (AttributeValue::M(map), Step::Name(name)) => map.get_mut(name),
        (AttributeValue::L(list), Step::Index(index)) => list.get_mut(*index),
        _ => None,
    })
}

fn check_parent(path: &Path, attributes: &Attributes) -> Done<()> {
    let Some((last, before)) = path.steps.split_last() else { return Ok(()) };
    let parent = Path { root: path.root.clone(), steps: before.to_vec() };
    match (parent.find_in(attributes), last) {
        (Some(AttributeValue::M(_)), Step::Name(_)) | (Some(AttributeValue::L(_)), Step::Index(_)) => Ok(()),
        _ => Err(UpdateError::InvalidPath),
    }
}

/// Puts a value, or gives it back where its place is past a list's end.
fn put(path: &Path, value: AttributeValue, attributes: &mut Attributes) -> Option<AttributeValue> {
    let Some(last) = path.steps.last() else {
        attributes.insert(path.root.clone(), value);
        return None;
    };
    match (parent(path, attributes), last) {
        (Some(AttributeValue::M(map)), Step::Name(name)) => {
            map.insert(name.clone(), value);
            None
        }
        (Some(AttributeValue::L(list)), Step::Index(index)) => match list.get_mut(*index) {
            Some(place) => {
                *place = value;
                None
            }
            None => Some(value),
        },
        _ => None,
    }
}

fn remove(path: &Path, attributes: &mut Attributes) {
    match (path.steps.last(), parent(path, attributes)) {
        (None, _) => drop(attributes.remove(&path.root)),
        (Some(Step::Name(name)), Some(AttributeValue::M(map))) => drop(map.remove(name)),
        (Some(Step::Index(index)), Some(AttributeValue::L(list))) if *index < list.len() => {
            list.remove(*index);
        }
        _ => {}
    }
}
