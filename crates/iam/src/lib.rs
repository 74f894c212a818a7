//! nephos-iam
pub mod policy;
