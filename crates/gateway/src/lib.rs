//! nephos-gateway
