//! nephos-blobs
