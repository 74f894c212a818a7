//! From bytes to typed shapes and back, for every AWS protocol.
//!
//! Shapes are plain structs that `cargo xtask codegen` writes from the public service models, each with a static
//! [`schema`]. One codec a protocol ([`json`], [`xml`], [`query`], and [`rest`] around them) sees every shape
//! through [`Reader`] and [`Writer`], and one table-driven validator ([`validate`]) gives AWS's own texts. A member
//! that is absent is `None`; absent is not empty.
//!
//! Reading order: [`schema`], [`shape`], [`json`], [`service`].

#[macro_use]
mod macros;

pub mod body;
pub mod decode;
pub mod encode;
pub mod fault;
pub mod form;
pub mod host;
pub mod json;
pub mod query;
pub mod rest;
pub mod route;
pub mod schema;
pub mod service;
pub mod shape;
pub mod text;
pub mod validate;
pub mod xml;

pub use body::{Body, BodyError};
pub use host::{Admission, BucketCors, HostHandler, Place, Visit};
pub use schema::{
    Absent, Kind, Location, Member, Operation, OperationShape, Pattern, Protocol, Rules, ServiceModel,
    Structure, TimestampFormat, Type,
};
pub use service::{Request, Response, Row, Service};
pub use shape::{Field, ReadError, Reader, Shape, Slot, Value, Writer};
