//! nephos-wire
