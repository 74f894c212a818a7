//! Websites: a bucket's objects as pages, the way S3's website endpoint serves them.
//!
//! Only GET and HEAD, always anonymous: what the bucket policy and the public access block do not give to everybody is
//! not there. Reading order: [`config`], [`rules`], [`serve`], [`pages`], [`api`].

pub mod api;
pub mod config;
pub mod pages;
pub mod rules;
mod serve;

pub use serve::Websites;
