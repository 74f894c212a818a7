//! nephos-server
