//! The policy engine: pure, without a store, a clock or a request.
//!
//! [`Policy::parse`] reads and compiles a document; a [`PolicySet`] holds the policies of one kind, indexed by action;
//! [`decide`] combines the kinds. Condition keys come through [`Context`].
//!
//! Invariants: an explicit Deny always wins; a document that is not wholly understood is refused when it is read, so
//! that nothing unknown is left to be ignored; evaluation cannot fail or panic.
//!
//! Reading order: `document` (grammar), `rules` (what each place requires), `pattern`, `condition`, `principal`, `set`,
//! `decision`.

mod condition;
mod context;
mod decision;
mod document;
mod json;
mod pattern;
mod principal;
mod rules;
mod set;
mod signature;
#[cfg(test)]
mod tests;
mod value;

pub use context::{Context, Values};
pub use decision::{Decision, Policies, PolicyKind, decide};
pub use document::{Effect, Kind, MalformedPolicy, Policy, counted_length};
pub use principal::{Caller, CallerKind, Grant};
pub use set::{Matched, PolicySet, Question, Verdict};
