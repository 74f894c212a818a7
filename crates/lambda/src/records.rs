//! What is stored.

use std::collections::BTreeMap;
use std::fmt;

use nephos_blobs::BlobId;
use nephos_store::Record;
use serde::{Deserialize, Serialize};

/// A function: what its versions share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunctionRecord {
    /// The number that the next published version gets.
    pub next_version: u64,
    /// How many may run at a time; the account's limit where absent.
    pub reserved_concurrency: Option<u32>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
}

impl Record for FunctionRecord {
    const VERSION: u16 = 1;
}

/// One version of a function; number 0 is the one that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionRecord {
    /// The number.
    pub number: u64,
    /// The description.
    pub description: String,
    /// The runtime's id, such as `python3.13`.
    pub runtime: String,
    /// The handler.
    pub handler: String,
    /// The role's ARN.
    pub role: String,
    /// Seconds.
    pub timeout: u32,
    /// Megabytes.
    pub memory_mb: u32,
    /// Megabytes of `/tmp`.
    pub tmp_mb: u32,
    /// The environment that the customer set.
    pub environment: Variables,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// `PassThrough` or `Active`.
    pub tracing: String,
    /// The log group, where it is not the usual one.
    pub log_group: Option<String>,
    /// The code.
    pub code: CodeRecord,
    /// When it was last changed, in milliseconds since 1970.
    pub modified_millis: i64,
    /// Changes with every change.
    pub revision: String,
}

impl Record for VersionRecord {
    const VERSION: u16 = 1;
}

impl VersionRecord {
    /// The version as answers show it: `$LATEST` or its number.
    pub fn label(&self) -> String {
        if self.number == 0 { crate::names::LATEST.to_owned() } else { self.number.to_string() }
    }
}

/// Environment variables. Their values are credentials as often as not, so `Debug` shows only names.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Variables(pub BTreeMap<String, String>);

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A package of code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRecord {
    /// SHA-256 of the zip, in base64.
    pub sha256: String,
    /// Bytes of the zip.
    pub size: u64,
    /// Bytes of its content.
    pub unzipped_size: u64,
    /// The zip.
    pub blob: BlobId,
}

/// An alias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AliasRecord {
    /// The version it leads to: `$LATEST` or a number.
    pub version: String,
    /// The description.
    pub description: String,
    /// Other versions, and the share of calls that each gets.
    pub weights: BTreeMap<String, f64>,
    /// Changes with every change.
    pub revision: String,
}

impl Record for AliasRecord {
    const VERSION: u16 = 1;
}

/// A resource policy.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// The statements, in order, as JSON objects.
    pub statements: Vec<serde_json::Value>,
    /// Changes with every change.
    pub revision: String,
}

impl Record for PolicyRecord {
    const VERSION: u16 = 1;
}

impl PolicyRecord {
    /// The document.
    pub fn document(&self) -> String {
        let statements = &self.statements;
        serde_json::json!({ "Version": "2012-10-17", "Id": "default", "Statement": statements }).to_string()
    }
}

/// A function URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrlRecord {
    /// The first label of its host name.
    pub id: String,
    /// `NONE` or `AWS_IAM`.
    pub auth_type: String,
    /// Cross-origin rules.
    pub cors: Option<CorsRecord>,
    /// When it was made, in milliseconds since 1970.
    pub created_millis: i64,
    /// When it was last changed.
    pub modified_millis: i64,
}

impl Record for UrlRecord {
    const VERSION: u16 = 1;
}

/// Cross-origin rules of a function URL.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CorsRecord {
    /// Whether credentials may be sent.
    pub allow_credentials: Option<bool>,
    /// Headers that may be sent.
    pub allow_headers: Vec<String>,
    /// Methods.
    pub allow_methods: Vec<String>,
    /// Origins.
    pub allow_origins: Vec<String>,
    /// Headers that scripts may read.
    pub expose_headers: Vec<String>,
    /// Seconds that a browser may remember the answer.
    pub max_age: Option<u32>,
}

/// What a URL's id belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrlOwnerRecord {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The function.
    pub function: String,
    /// The alias, if any.
    pub qualifier: Option<String>,
}

impl Record for UrlOwnerRecord {
    const VERSION: u16 = 1;
}

/// How asynchronous invocations are tried.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EventConfigRecord {
    /// How often a failed one is tried again.
    pub retries: Option<u32>,
    /// How old an event may grow, in seconds.
    pub max_age_seconds: Option<u32>,
    /// When it was last changed, in milliseconds since 1970.
    pub modified_millis: i64,
}

impl Record for EventConfigRecord {
    const VERSION: u16 = 1;
}

/// The secret that download links are signed with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRecord {
    /// Hexadecimal.
    pub key: String,
}

impl Record for SecretRecord {
    const VERSION: u16 = 1;
}

/// What is reserved in an account and region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AccountRecord {
    /// The sum of its functions' reserved concurrency.
    pub reserved: u32,
}

impl Record for AccountRecord {
    const VERSION: u16 = 1;
}
