//! The gateway over real sockets, with services that echo what reached them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod connections;
mod cross_origin;
mod dev_guard;
mod fakes;
mod objects;
mod places;
mod routing;
mod sandbox_endpoint;
mod signatures;
mod wire_client;
