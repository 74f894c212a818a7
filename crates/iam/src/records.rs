//! What is stored. Each record has a version; its migration stands beside it once there is a second one.

use std::collections::BTreeMap;

use nephos_core::{AccountId, Arn, Timestamp};
use nephos_store::Record;
use serde::{Deserialize, Serialize};

use crate::keys::Sort;
use crate::seal::Sealed;

/// Milliseconds since 1970.
pub(crate) mod millis {
    use nephos_core::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.millis())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}

/// Tags in the order in which they were given; keys are unique whatever their case.
pub(crate) type Tags = Vec<(String, String)>;

/// What is known of an account beyond its id. An account needs no record to exist.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    /// The display name.
    pub name: Option<String>,
    /// The alias, unique on the platform.
    pub alias: Option<String>,
    /// Sessions that were issued before this are over.
    pub sessions_valid_from_millis: Option<i64>,
}

impl Record for Account {
    const VERSION: u16 = 1;
}

/// Whose an alias is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alias {
    pub account: String,
}

impl Record for Alias {
    const VERSION: u16 = 1;
}

/// A user, group or role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entity {
    pub sort: Sort,
    pub name: String,
    /// `/` or `/a/b/`.
    pub path: String,
    /// `AIDA...`, `AGPA...` or `AROA...`
    pub id: String,
    #[serde(with = "millis")]
    pub created: Timestamp,
    pub tags: Tags,
    /// Inline policies by name.
    pub inline: BTreeMap<String, String>,
    /// ARNs of attached managed policies, in the order in which they were attached.
    pub attached: Vec<String>,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// A user's groups by name.
    pub groups: Vec<String>,
    /// What only roles have.
    pub role: Option<RoleFacts>,
}

/// What only roles have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RoleFacts {
    /// The trust policy as it was written.
    pub trust: String,
    /// The same with the ids of the users and roles that it names, so that another of the same name is not trusted.
    pub bound_trust: String,
    pub description: Option<String>,
    pub max_session_seconds: i32,
}

impl Record for Entity {
    const VERSION: u16 = 1;
}

impl Entity {
    /// A new one without policies.
    pub(crate) fn new(sort: Sort, name: &str, path: &str, created: Timestamp) -> Entity {
        let prefix = match sort {
            Sort::User => "AIDA",
            Sort::Group => "AGPA",
            Sort::Role => "AROA",
        };
        Entity {
            sort,
            name: name.to_owned(),
            path: path.to_owned(),
            id: entity_id(prefix),
            created: Timestamp::from_secs(created.secs()),
            tags: Tags::new(),
            inline: BTreeMap::new(),
            attached: Vec::new(),
            boundary: None,
            groups: Vec::new(),
            role: None,
        }
    }

    pub(crate) fn arn(&self, account: AccountId) -> Arn {
        Arn::global("iam", account, format!("{}{}{}", self.sort.noun(), self.path, self.name))
    }

    /// How many characters its inline policies have together, white space apart, which is what is limited.
    pub(crate) fn inline_length(&self) -> usize {
        self.inline.values().map(|document| crate::policy::counted_length(document)).sum()
    }
}

/// The ids of users, groups, roles and policies have 21 characters.
pub(crate) fn entity_id(prefix: &str) -> String {
    format!("{prefix}{}", nephos_core::random::text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 17))
}

/// A customer-managed policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ManagedPolicy {
    pub name: String,
    pub path: String,
    /// `ANPA...`
    pub id: String,
    pub description: Option<String>,
    pub tags: Tags,
    #[serde(with = "millis")]
    pub created: Timestamp,
    #[serde(with = "millis")]
    pub updated: Timestamp,
    /// The number of the version that counts.
    pub default_version: u32,
    /// The number that the next version gets; numbers are never used again.
    pub next_version: u32,
    pub versions: Vec<PolicyVersion>,
}

/// One version of a managed policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PolicyVersion {
    pub number: u32,
    pub document: String,
    #[serde(with = "millis")]
    pub created: Timestamp,
}

impl Record for ManagedPolicy {
    const VERSION: u16 = 1;
}

impl ManagedPolicy {
    pub(crate) fn arn(&self, account: AccountId) -> String {
        Arn::global("iam", account, format!("policy{}{}", self.path, self.name)).to_string()
    }

    /// The document that counts.
    pub(crate) fn document(&self) -> Option<&str> {
        self.version(self.default_version).map(|version| version.document.as_str())
    }

    pub(crate) fn version(&self, number: u32) -> Option<&PolicyVersion> {
        self.versions.iter().find(|version| version.number == number)
    }
}

/// A long-term access key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccessKey {
    pub id: String,
    pub account: String,
    /// The user's name; the root user's where absent.
    pub user: Option<String>,
    pub secret: Sealed,
    pub active: bool,
    #[serde(with = "millis")]
    pub created: Timestamp,
}

impl Record for AccessKey {
    const VERSION: u16 = 1;
}

/// The keys that seal session tokens, newest last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TokenKeyring {
    pub keys: Vec<TokenKey>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TokenKey {
    pub id: u32,
    pub secret: Sealed,
    #[serde(with = "millis")]
    pub created: Timestamp,
}

impl Record for TokenKeyring {
    const VERSION: u16 = 1;
}

/// Which access key the first start made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RootKey {
    pub access_key_id: String,
}

impl Record for RootKey {
    const VERSION: u16 = 1;
}
