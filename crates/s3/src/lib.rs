//! nephos-s3
