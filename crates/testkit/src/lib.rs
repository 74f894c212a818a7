//! nephos-testkit
