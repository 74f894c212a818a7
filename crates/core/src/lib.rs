//! What every room of Nephos shares and none owns: names, principals, the request context, faults and ports.
//!
//! Nothing here knows an AWS service. Time, randomness and ids are handed out by [`Cx`] and [`Clock`], so that
//! tests can move them. Services reach each other through the [`ports`], never through HTTP to ourselves.
//!
//! Reading order: [`names`], [`principal`], [`cx`], [`access`], [`fault`], [`ports`].

pub mod access;
pub mod arn;
pub mod clock;
pub mod cx;
pub mod fault;
pub mod names;
pub mod ports;
pub mod principal;
pub mod random;
pub mod timestamp;

pub use access::{Access, Authorize, ContextKeys, Denied, PolicyDocument};
pub use arn::Arn;
pub use clock::Clock;
pub use cx::{Cx, Origin, Platform};
pub use fault::Fault;
pub use names::{AccountId, Region, RequestId};
pub use principal::{Principal, RoleSession};
pub use timestamp::Timestamp;

/// A boxed future, for the few traits whose calls wait.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
