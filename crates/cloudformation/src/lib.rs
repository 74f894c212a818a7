//! nephos-cloudformation
