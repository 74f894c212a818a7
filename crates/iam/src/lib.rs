//! nephos-iam
