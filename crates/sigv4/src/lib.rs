//! nephos-sigv4
