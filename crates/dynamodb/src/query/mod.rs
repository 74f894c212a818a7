//! Query and Scan: pages of a table or an index, in order of key.
//!
//! Reading order: [`target`] (what is read, and where a page starts), [`plan`] (what is kept of it), [`page`] (the
//! walk), then the two operations.

pub mod page;
pub mod plan;
#[allow(clippy::module_inception, reason = "the operation is called so")]
pub mod query;
pub mod scan;
pub mod target;
