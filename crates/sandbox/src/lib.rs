//! nephos-sandbox
