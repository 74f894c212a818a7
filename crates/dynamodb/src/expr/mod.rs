//! Expressions: projections, conditions, filters, key conditions and updates.
//!
//! Each is parsed by its own grammar over one tokenizer ([`lexer`]), checked pass by pass in the order in which AWS
//! reports faults, and resolved against the request's names and values ([`placeholders`]). What comes out holds plain
//! paths and values, and is evaluated on stored items ([`eval`]) or applied to attributes ([`apply`]).
//!
//! Parsing is bounded: 4,096 bytes, 300 operators, a nesting depth; no input panics or exhausts the stack.

pub mod apply;
pub mod check;
pub mod condition;
pub mod eval;
pub mod key_condition;
pub mod lexer;
pub mod mentions;
pub mod parser;
pub mod path;
pub mod placeholders;
pub mod projection;
pub mod raw;
pub mod reserved;
pub mod update;

pub use condition::Condition;
pub use key_condition::{KeyConditions, RangeTest};
pub use path::{Path, Step};
pub use placeholders::Placeholders;
pub use projection::Projection;
pub use update::Update;

use crate::value::Layer;

/// The longest expression, in bytes.
pub const MAX_EXPRESSION_BYTES: usize = 4096;
/// The most operators and functions in one expression.
pub const MAX_OPERATORS: usize = 300;
/// The most operands that IN takes.
pub const MAX_IN_OPERANDS: usize = 100;
/// How deep calls, and parentheses around operands, may nest.
pub const MAX_DEPTH: usize = 64;

/// Which parameter an expression came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// `ProjectionExpression`
    Projection,
    /// `ConditionExpression`
    Condition,
    /// `FilterExpression`
    Filter,
    /// `KeyConditionExpression`
    KeyCondition,
    /// `UpdateExpression`
    Update,
}

impl Parameter {
    /// The parameter's name.
    pub fn name(self) -> &'static str {
        match self {
            Parameter::Projection => "ProjectionExpression",
            Parameter::Condition => "ConditionExpression",
            Parameter::Filter => "FilterExpression",
            Parameter::KeyCondition => "KeyConditionExpression",
            Parameter::Update => "UpdateExpression",
        }
    }
}

/// Why an expression was refused: AWS's text, without the parameter's name before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ExpressionError(pub String);

impl ExpressionError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        ExpressionError(message.into())
    }

    /// The whole text, as the operation's layer words it.
    pub fn message(&self, parameter: Parameter, layer: Layer) -> String {
        // These carry the parameter's name in themselves.
        if self.0.starts_with("Invalid operator used in Key")
            || self.0.starts_with("Invalid condition in Key")
        {
            return layer.word(&self.0);
        }
        layer.word(format!("Invalid {}: {}", parameter.name(), self.0))
    }
}

#[cfg(test)]
mod tests;
