//! The edge: one listener for every service, website, function URL and page.
//!
//! The way of a request, each hop one file: [`serve`] (connections, limits, drain) -> `road` (one request from head
//! to answer) -> [`guard`] (whom a browser may act for under `--dev`) -> [`route`] (host, path, target, scope: one
//! table) -> `authn` (signature -> principal) -> `payload` (limits, hashes, `aws-chunked`) -> `operation` (what
//! the request asks of its service) -> the service itself.
//!
//! Invariants:
//! - The operation follows from the route and never from the credential scope; a scope that names another service
//!   than the routed one is refused.
//! - No service sees a body whose signature or hash has not been checked, except as a stream that ends in an error.
//! - Signatures, tokens and query strings are never logged.
//! - Everything has a bound: connections, heads, bodies, memory for bodies, waits, counters.

pub mod config;
pub mod endpoint;
pub mod guard;
pub mod health;
pub mod host;
pub mod metrics;
pub mod registry;
pub mod route;
pub mod serve;

mod answer;
mod authn;
mod connection;
mod context;
mod cors;
mod operation;
mod payload;
mod presigned;
mod refusal;
mod road;
mod service;
mod site;

pub use config::{Config, Limits};
pub use endpoint::EndpointSlot;
pub use registry::{BuildError, Builder};
pub use serve::Gateway;
