//! S3 by its protocol: requests in, answers out, on a store in memory and blobs in a temporary folder.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod buckets;
mod copies;
mod cors;
mod events;
mod form_uploads;
mod garbage;
mod listings;
mod objects;
mod uploads;
mod website;
mod world;
