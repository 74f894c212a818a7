//! What is stored besides items. Every record has a version; how an older one becomes the current stands beside it.

use std::collections::BTreeMap;

use nephos_core::{AccountId, Timestamp};
use nephos_store::Record;
use serde::{Deserialize, Serialize};

use crate::names::TableName;
use crate::value::Kind;

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableRecord {
    /// The number in the keys of its items; never used again.
    pub id: u64,
    /// The `TableId` that callers see.
    pub uuid: String,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The name.
    pub name: String,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// The attributes of all keys, in the order in which they were given.
    pub definitions: Vec<KeyAttribute>,
    /// The primary key.
    pub key: KeySchema,
    /// Local secondary indexes.
    pub locals: Vec<IndexRecord>,
    /// Global secondary indexes.
    pub globals: Vec<IndexRecord>,
    /// How it is paid for.
    pub billing: Billing,
    /// The capacity, where it is provisioned.
    pub throughput: Throughput,
    /// The most on-demand units: reads and writes.
    pub on_demand: Option<OnDemand>,
    /// `STANDARD` or `STANDARD_INFREQUENT_ACCESS`, where it was said.
    pub class: Option<String>,
    /// Whether DeleteTable is refused.
    pub deletion_protection: bool,
    /// Encryption with a key of KMS, where it was asked for: the key's ARN.
    pub kms_key: Option<String>,
    /// The stream's view type, where one was asked for.
    pub stream: Option<StreamRecord>,
    /// Expiry, where it is on.
    pub expiry: Option<ExpiryRecord>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// Read and write units that the table was asked to be warm for.
    pub warm: Option<(i64, i64)>,
}

impl Record for TableRecord {
    const VERSION: u16 = 1;
}

/// A key attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAttribute {
    /// The attribute's name.
    pub name: String,
    /// Its type.
    pub kind: ScalarKind,
}

/// The type of a key attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScalarKind {
    /// Text.
    S,
    /// A number.
    N,
    /// Bytes.
    B,
}

impl ScalarKind {
    /// As a type of values.
    pub fn kind(self) -> Kind {
        match self {
            ScalarKind::S => Kind::S,
            ScalarKind::N => Kind::N,
            ScalarKind::B => Kind::B,
        }
    }
}

/// The key of a table or an index: partition attributes, then sort attributes. Only a global index has more than one
/// of either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySchema {
    /// What decides the partition.
    pub hash: Vec<KeyAttribute>,
    /// What decides the order within it.
    pub range: Vec<KeyAttribute>,
}

impl KeySchema {
    /// All key attributes, the partition's first.
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        self.hash.iter().chain(&self.range)
    }

    /// Whether an attribute is part of the key.
    pub fn has(&self, name: &str) -> bool {
        self.attributes().any(|attribute| attribute.name == name)
    }
}

/// A secondary index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexRecord {
    /// The number in the keys of its entries; never used again.
    pub id: u64,
    /// The name.
    pub name: String,
    /// The key.
    pub key: KeySchema,
    /// What of an item it holds.
    pub projection: Projected,
    /// Whether it still takes over the items that were there before it.
    pub backfilling: bool,
    /// The capacity, where it is provisioned. Local indexes have none of their own.
    pub throughput: Throughput,
    /// The most on-demand units.
    pub on_demand: Option<OnDemand>,
    /// Read and write units that the index was asked to be warm for.
    pub warm: Option<(i64, i64)>,
}

/// What of an item an index holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Projected {
    /// Everything.
    All,
    /// The keys of index and table.
    KeysOnly,
    /// The keys and these.
    Include(Vec<String>),
}

/// How a table is paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Billing {
    /// By capacity; since when it is, where it was on demand before.
    Provisioned {
        /// When the table was last set to on-demand, in milliseconds since 1970.
        last_on_demand: Option<i64>,
    },
    /// By request, since then (milliseconds since 1970).
    PayPerRequest {
        /// Since when.
        since: i64,
    },
}

/// Provisioned capacity; zeros on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Throughput {
    /// Read units a second.
    pub read: i64,
    /// Write units a second.
    pub write: i64,
    /// When it was last raised, in milliseconds since 1970.
    pub increased: Option<i64>,
    /// When it was last lowered.
    pub decreased: Option<i64>,
    /// How often it was lowered on the day of `decreased`.
    pub decreases: i64,
}

/// The most on-demand units a second; -1 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnDemand {
    /// Read units.
    pub read: Option<i64>,
    /// Write units.
    pub write: Option<i64>,
}

/// A stream that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRecord {
    /// `KEYS_ONLY`, `NEW_IMAGE`, `OLD_IMAGE` or `NEW_AND_OLD_IMAGES`.
    pub view: String,
    /// The label, which is when it was made: `2026-11-22T12:34:56.789`.
    pub label: String,
}

/// Expiry of a table's items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpiryRecord {
    /// The attribute that says when.
    pub attribute: String,
    /// Whether the items that were there before are still being looked through.
    pub enabling: bool,
}

impl TableRecord {
    /// Where the table is.
    pub fn table_name(&self) -> TableName {
        place(&self.account, &self.region, &self.name)
    }

    /// When it was made.
    pub fn created_at(&self) -> Timestamp {
        Timestamp::from_millis(self.created)
    }

    /// All indexes, the local ones first.
    pub fn indexes(&self) -> impl Iterator<Item = &IndexRecord> {
        self.locals.iter().chain(&self.globals)
    }

    /// The type of a key attribute.
    pub fn kind_of(&self, name: &str) -> Option<ScalarKind> {
        self.definitions.iter().find(|definition| definition.name == name).map(|definition| definition.kind)
    }

    /// Whether it is paid for by request.
    pub fn is_on_demand(&self) -> bool {
        matches!(self.billing, Billing::PayPerRequest { .. })
    }
}

impl IndexRecord {
    /// Whether the index holds an item's attribute, in a table with this key.
    pub fn holds(&self, table: &KeySchema, name: &str) -> bool {
        match &self.projection {
            Projected::All => true,
            Projected::KeysOnly => self.key.has(name) || table.has(name),
            Projected::Include(names) => {
                self.key.has(name) || table.has(name) || names.iter().any(|included| included == name)
            }
        }
    }
}

/// Work that goes on after its call has been answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// The account of the table.
    pub account: String,
    /// The region of the table.
    pub region: String,
    /// The table's name.
    pub table: String,
    /// The table's number, so that another table of the same name is not taken for it.
    pub table_id: u64,
    /// What is to be done.
    pub work: Work,
    /// The last row that was dealt with, in base64; empty at first.
    pub after: String,
}

impl Record for JobRecord {
    const VERSION: u16 = 1;
}

impl JobRecord {
    /// Work on a table, from its beginning.
    pub fn new(table: &TableRecord, work: Work) -> JobRecord {
        JobRecord {
            account: table.account.clone(),
            region: table.region.clone(),
            table: table.name.clone(),
            table_id: table.id,
            work,
            after: String::new(),
        }
    }

    /// Where the table is, or was.
    pub fn table_name(&self) -> TableName {
        place(&self.account, &self.region, &self.table)
    }
}

/// What a job does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// Removes the items of a deleted table.
    ReclaimItems,
    /// Removes the entries of a deleted index.
    ReclaimEntries {
        /// The index's number.
        index: u64,
    },
    /// Removes the expiry rows of a table whose items expire no more.
    ReclaimExpiries,
    /// Enters the items that were there before a new index.
    FillIndex {
        /// The index's number.
        index: u64,
    },
    /// Notes the expiry of the items that were there before.
    FillExpiries {
        /// The attribute that says when.
        attribute: String,
    },
}

/// A client's token for a transaction that was carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// A hash of the request.
    pub request: String,
    /// Until when the token counts, in milliseconds since 1970.
    pub until: i64,
    /// The tables' names as the caller gave them, and what a repetition is charged for each.
    pub units: BTreeMap<String, f64>,
}

impl Record for TokenRecord {
    const VERSION: u16 = 1;
}

/// How many items and bytes a table or index has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StatisticsRecord {
    /// Items.
    pub items: i64,
    /// Billed bytes.
    pub bytes: i64,
}

impl Record for StatisticsRecord {
    const VERSION: u16 = 1;
}

/// The mark that a table's items expire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpiringTableRecord {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The name.
    pub name: String,
}

impl Record for ExpiringTableRecord {
    const VERSION: u16 = 1;
}

impl ExpiringTableRecord {
    /// Where the table is.
    pub fn table_name(&self) -> TableName {
        place(&self.account, &self.region, &self.name)
    }
}

fn place(account: &str, region: &str, name: &str) -> TableName {
    TableName {
        account: account.parse().unwrap_or(AccountId::DEFAULT),
        region: region.parse().unwrap_or_default(),
        name: name.to_owned(),
    }
}
