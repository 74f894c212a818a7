//! nephos-lambda
