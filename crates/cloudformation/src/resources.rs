//! The resource types: what each has, and how it is made, changed and deleted by the other services' own operations,
//! as the deploying principal. A type or property that is not here is refused before anything is made.

mod cognito;
mod dynamodb;
mod iam;
mod lambda;
mod logs;
mod s3;
mod shapes_of;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use nephos_core::{BoxFuture, Cx, Fault, random};
use nephos_wire::{OperationShape, Service};
use serde_json::Value;

pub use shapes_of::{shape, text};

use crate::template::names::Names;

/// The services that resources are made with.
#[derive(Clone)]
pub struct Services {
    /// S3.
    pub s3: Arc<dyn Service>,
    /// IAM.
    pub iam: Arc<dyn Service>,
    /// DynamoDB.
    pub dynamodb: Arc<dyn Service>,
    /// Lambda.
    pub lambda: Arc<dyn Service>,
    /// Cognito user pools.
    pub user_pools: Arc<dyn Service>,
    /// Cognito identity pools.
    pub identity_pools: Arc<dyn Service>,
    /// CloudWatch Logs.
    pub logs: Arc<dyn Service>,
}

/// One resource being made, changed or deleted.
pub struct Call<'a> {
    /// The services.
    pub services: &'a Services,
    /// The deploying principal's context.
    pub cx: &'a Cx,
    /// The stack's name.
    pub stack: &'a str,
    /// The resource's name in the template.
    pub logical_id: &'a str,
    /// The resolved properties.
    pub properties: &'a Value,
    /// What the resource is, where it is made already.
    pub made: Option<&'a Made>,
    /// The resolved properties that it was made with.
    pub previous: Option<&'a Value>,
    /// Whether a change before this one failed half-way, so that nothing can be taken for unchanged.
    pub unsure: bool,
    /// What was made by a creation that then fails; see [`Call::made_so_far`].
    pub so_far: &'a OnceLock<Made>,
}

/// A resource that was made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Made {
    /// What `Ref` gives.
    pub physical_id: String,
    /// What `Fn::GetAtt` gives.
    pub attributes: BTreeMap<String, Value>,
}

impl Made {
    /// A resource without attributes.
    pub fn new(physical_id: impl Into<String>) -> Self {
        Made { physical_id: physical_id.into(), attributes: BTreeMap::new() }
    }

    /// The same with an attribute.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.to_owned(), value.into());
        self
    }
}

impl<'a> Call<'a> {
    /// Calls an operation of a service: validated and authorised as if the deploying principal had called it.
    pub async fn invoke<O: OperationShape>(
        &self,
        service: &Arc<dyn Service>,
        input: O::Input,
    ) -> Result<O::Output, Fault>
    where
        O::Input: 'static,
        O::Output: 'static,
    {
        nephos_wire::service::invoke::<O>(&**service, self.cx, input).await
    }

    /// A property.
    pub fn property(&self, name: &str) -> Option<&'a Value> {
        self.properties.get(name).filter(|value| !value.is_null())
    }

    /// A property as text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.property(name).and_then(text)
    }

    /// A property as text that must be there.
    pub fn required(&self, name: &str) -> Result<String, Fault> {
        self.text(name).ok_or_else(|| missing(name))
    }

    /// Whether a property differs from what the resource was made with.
    pub fn changed(&self, name: &str) -> bool {
        self.unsure || self.previous.is_none_or(|previous| previous.get(name) != self.properties.get(name))
    }

    /// Says, before the further steps of a creation, what must be deleted if one of them fails.
    pub fn made_so_far(&self, made: &Made) {
        // A creation makes one thing.
        let _ = self.so_far.set(made.clone());
    }

    /// The physical id of the made resource.
    pub fn physical_id(&self) -> String {
        self.made.map(|made| made.physical_id.clone()).unwrap_or_default()
    }

    /// The given name, or one made of the stack's and the resource's names, at most `max` characters.
    pub fn name(&self, property: &str, max: usize) -> String {
        self.text(property).unwrap_or_else(|| {
            let tail = random::text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz", 12);
            let room = max.saturating_sub(tail.len() + 1);
            let head: String = format!("{}-{}", self.stack, self.logical_id).chars().take(room).collect();
            format!("{head}-{tail}")
        })
    }

    /// Tags as pairs.
    pub fn tags(&self) -> Vec<(String, String)> {
        self.tags_of("Tags")
    }

    /// Tags under another property's name.
    pub fn tags_of(&self, property: &str) -> Vec<(String, String)> {
        tag_pairs(self.property(property))
    }

    /// The tags to set, and the keys of those to remove.
    pub fn tag_changes(&self, property: &str) -> (Vec<(String, String)>, Vec<String>) {
        let wanted = self.tags_of(property);
        let had = tag_pairs(self.previous.and_then(|previous| previous.get(property)));
        let gone = had.into_iter().map(|(key, _)| key).filter(|key| !wanted.iter().any(|(k, _)| k == key));
        let gone = gone.collect();
        (wanted, gone)
    }
}

fn tag_pairs(tags: Option<&Value>) -> Vec<(String, String)> {
    let tags = tags.and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(|tag| Some((text(tag.get("Key")?)?, text(tag.get("Value")?)?))).collect()
}

/// What a missing required property is told.
pub fn missing(name: &str) -> Fault {
    Fault::new("ValidationError", format!("#: required key [{name}] not found"))
}

/// The answer of a resource's handler.
pub type Making<'a> = BoxFuture<'a, Result<Made, Fault>>;

/// A resource type.
pub trait Kind: Sync {
    /// `AWS::Service::Type`.
    fn name(&self) -> &'static str;
    /// The properties, in the grammar of [`Names`].
    fn grammar(&self) -> &'static str;
    /// The attributes of `Fn::GetAtt`.
    fn attributes(&self) -> &'static [&'static str];
    /// The properties whose change makes a new resource in place of the old one.
    fn replacing(&self) -> &'static [&'static str];
    /// Makes it.
    fn create<'a>(&self, call: Call<'a>) -> Making<'a>;
    /// Changes it in place.
    fn update<'a>(&self, call: Call<'a>) -> Making<'a>;
    /// Deletes it. A resource that is gone already is no failure.
    fn delete<'a>(&self, call: Call<'a>) -> BoxFuture<'a, Result<(), Fault>>;

    /// The properties.
    fn names(&self) -> &'static Names {
        names_of(self.name(), self.grammar())
    }
}

/// Every type, by name.
static KINDS: &[&dyn Kind] = &[
    &cognito::IdentityPool,
    &cognito::IdentityPoolRoleAttachment,
    &cognito::UserPool,
    &cognito::UserPoolClient,
    &dynamodb::Table,
    &iam::Role,
    &lambda::Function,
    &lambda::Permission,
    &lambda::Url,
    &logs::LogGroup,
    &s3::Bucket,
    &s3::BucketPolicy,
];

/// The type of a name.
pub fn find(name: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().find(|kind| kind.name() == name).copied()
}

/// The names of all types.
pub fn all() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|kind| kind.name())
}

fn names_of(kind: &'static str, grammar: &'static str) -> &'static Names {
    static PARSED: OnceLock<HashMap<&'static str, Names>> = OnceLock::new();
    static NONE: OnceLock<Names> = OnceLock::new();
    let parsed =
        PARSED.get_or_init(|| KINDS.iter().map(|kind| (kind.name(), Names::parse(kind.grammar()))).collect());
    parsed.get(kind).unwrap_or_else(|| NONE.get_or_init(|| Names::parse(grammar)))
}

/// Treats "it is not there" as done.
pub fn gone<T>(result: Result<T, Fault>) -> Result<(), Fault> {
    const GONE: &[&str] = &[
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchEntity",
        "NotFoundException",
        "ResourceNotFoundException",
    ];
    match result {
        Err(fault) if !GONE.contains(&fault.code.as_str()) => Err(fault),
        _ => Ok(()),
    }
}
