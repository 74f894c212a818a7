//! AWS Signature Version 4: reading, verifying and making signatures.
//!
//! Pure functions over bytes: no sockets, no clock, no service. The caller says what time it is, which path rules
//! hold and what the secret is; the answer is a yes or a [`SignatureError`] that says what was wrong.
//!
//! The order in which a server calls them:
//! 1. [`parse`]: what the request shows of a signature, as a [`Claim`];
//! 2. [`Claim::check`]: skew, expiry and that what must be signed is signed; needs no secret;
//! 3. the caller looks up the secret of [`Credential::access_key_id`];
//! 4. [`Claim::verify`]: recomputes the signature and compares in constant time;
//! 5. for `aws-chunked` bodies, a [`chunked::ChunkDecoder`] seeded by [`Verified::chunk_seed`].
//!
//! S3 also takes query strings and forms signed by version 2, which [`v2`] verifies by itself.
//!
//! Invariants: a derived signing key is made once a day, region, service and secret, and kept in the bounded
//! [`KeyCache`]; a duplicated parameter or header is refused, never resolved; nothing here prints a secret or a token.

pub mod canonical;
pub mod chunked;
pub mod claim;
pub mod credential;
pub mod error;
pub mod key;
pub mod payload;
pub mod policy;
pub mod post;
pub mod sign;
pub mod uri;
pub mod v2;
pub mod verify;

mod hex;

pub use canonical::{Head, PathRules};
pub use claim::{Claim, Placement, parse};
pub use credential::Credential;
pub use error::SignatureError;
pub use hex::{Hex64, sha256_hex, spaced_hex};
pub use key::{KeyCache, SigningKey};
pub use payload::Payload;
pub use sign::Signer;
pub use verify::Verified;

/// The one algorithm's name.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How far a request's date may be from ours, in seconds.
pub const MAX_SKEW_SECS: u64 = 15 * 60;
/// The longest life of a presigned URL, in seconds: seven days.
pub const MAX_EXPIRES_SECS: u64 = 604_800;
/// The hash of nothing.
pub const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
