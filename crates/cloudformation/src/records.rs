//! What is stored.

use std::collections::{BTreeMap, BTreeSet};

use nephos_core::{AccountId, Region};
use nephos_store::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A stack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StackRecord {
    /// The UUID in its id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The owner.
    pub account: String,
    /// The region.
    pub region: String,
    /// `CREATE_COMPLETE`, ...
    pub status: String,
    /// Why, where there is a reason.
    pub status_reason: Option<String>,
    /// The template as it was given; empty before the first change set is executed.
    pub template: String,
    /// The template's `Description`.
    pub description: Option<String>,
    /// The parameters' values.
    pub parameters: BTreeMap<String, String>,
    /// The acknowledged capabilities.
    pub capabilities: Vec<String>,
    /// The stack's tags.
    pub tags: BTreeMap<String, String>,
    /// The role that resources are made as.
    pub role_arn: Option<String>,
    /// The resources.
    pub resources: BTreeMap<String, ResourceRecord>,
    /// The outputs, in the template's order of names.
    pub outputs: Vec<OutputRecord>,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// When it was last changed.
    pub updated: Option<i64>,
    /// When it was deleted.
    pub deleted: Option<i64>,
    /// The id of the change set that was executed last.
    pub change_set: Option<String>,
    /// Whether deletion is refused.
    pub protected: bool,
    /// Whether a failure leaves what was made.
    pub disable_rollback: bool,
    /// The parameters whose values are shown to nobody.
    #[serde(default)]
    pub hidden: BTreeSet<String>,
    /// The exports of other stacks that this one took.
    #[serde(default)]
    pub imports: BTreeSet<String>,
    /// What replacements left over and is yet to be deleted.
    #[serde(default)]
    pub leftover: Vec<(String, ResourceRecord)>,
}

impl StackRecord {
    /// Whether a deployment or a deletion is under way.
    pub fn is_under_way(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS") && self.status != "REVIEW_IN_PROGRESS"
    }
}

/// What is shown in place of a hidden parameter's value.
pub const MASK: &str = "****";

/// The parameters as they are shown.
pub fn shown(parameters: &BTreeMap<String, String>, hidden: &BTreeSet<String>) -> BTreeMap<String, String> {
    let value = |key: &String, value: &String| {
        if hidden.contains(key) { MASK.to_owned() } else { value.clone() }
    };
    parameters.iter().map(|(key, text)| (key.clone(), value(key, text))).collect()
}

impl Record for StackRecord {
    const VERSION: u16 = 1;
}

/// A resource of a stack.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct ResourceRecord {
    /// The type.
    pub kind: String,
    /// What `Ref` gives, once it is made.
    pub physical_id: String,
    /// What `Fn::GetAtt` gives.
    pub attributes: BTreeMap<String, Value>,
    /// The resolved properties.
    pub properties: Value,
    /// `CREATE_COMPLETE`, ...
    pub status: String,
    /// Why, where there is a reason.
    pub reason: Option<String>,
    /// When the status was set, in milliseconds since 1970.
    pub changed: i64,
    /// Kept when the stack no longer has it: `DeletionPolicy: Retain` or `RetainExceptOnCreate`.
    pub retain: bool,
    /// Kept even where the deployment that made it fails: `DeletionPolicy: Retain`.
    #[serde(default)]
    pub retain_on_create: bool,
    /// Kept when it is replaced: `UpdateReplacePolicy: Retain`.
    #[serde(default)]
    pub retain_replaced: bool,
    /// The names of those that it needs, for deletion in the other order.
    pub needs: Vec<String>,
}

/// An output.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub struct OutputRecord {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// The description.
    pub description: Option<String>,
    /// The export's name.
    pub export: Option<String>,
}

/// An event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EventRecord {
    /// The event's id.
    pub id: String,
    /// The logical id: a resource's, or the stack's name.
    pub logical_id: String,
    /// The physical id.
    pub physical_id: String,
    /// The type.
    pub kind: String,
    /// The status.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// The resolved properties as JSON.
    pub properties: Option<String>,
    /// When, in milliseconds since 1970.
    pub at: i64,
}

impl Record for EventRecord {
    const VERSION: u16 = 1;
}

/// A change set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeSetRecord {
    /// The UUID in its id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The stack's UUID.
    pub stack_id: String,
    /// The stack's name.
    pub stack_name: String,
    /// Whether it makes the stack.
    pub creates: bool,
    /// `CREATE_COMPLETE` or `FAILED`.
    pub status: String,
    /// Why it failed.
    pub status_reason: Option<String>,
    /// `AVAILABLE`, `UNAVAILABLE`, `EXECUTE_COMPLETE`, ...
    pub execution_status: String,
    /// The template.
    pub template: String,
    /// The description.
    pub description: Option<String>,
    /// The parameters' values.
    pub parameters: BTreeMap<String, String>,
    /// The acknowledged capabilities.
    pub capabilities: Vec<String>,
    /// The stack's tags.
    pub tags: BTreeMap<String, String>,
    /// The role that resources are made as.
    pub role_arn: Option<String>,
    /// What it would do.
    pub changes: Vec<ChangeRecord>,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// What happens when it fails: `ROLLBACK`, `DO_NOTHING`, `DELETE`.
    pub on_failure: Option<String>,
    /// The parameters whose values are shown to nobody.
    #[serde(default)]
    pub hidden: BTreeSet<String>,
}

impl Record for ChangeSetRecord {
    const VERSION: u16 = 1;
}

/// One change of a change set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeRecord {
    /// `Add`, `Modify` or `Remove`.
    pub action: String,
    /// The logical id.
    pub logical_id: String,
    /// The physical id, where there is one.
    pub physical_id: Option<String>,
    /// The type.
    pub kind: String,
    /// `True`, `False` or `Conditional`, for modifications.
    pub replacement: Option<String>,
}

/// The ARN of a stack.
pub fn stack_arn(account: AccountId, region: &Region, name: &str, id: &str) -> String {
    format!("arn:aws:cloudformation:{region}:{account}:stack/{name}/{id}")
}

/// The ARN of a change set.
pub fn change_set_arn(account: AccountId, region: &Region, name: &str, id: &str) -> String {
    format!("arn:aws:cloudformation:{region}:{account}:changeSet/{name}/{id}")
}
