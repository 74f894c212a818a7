//! nephos-logs
