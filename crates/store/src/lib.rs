//! nephos-store
