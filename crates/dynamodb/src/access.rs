//! What each operation must be allowed to do, with the condition keys that policies judge it by.
//!
//! Items are judged by `dynamodb:LeadingKeys` (the partition keys of the call), `dynamodb:Attributes` (all attributes
//! that it names), `dynamodb:Select`, `dynamodb:ReturnValues`, `dynamodb:ReturnConsumedCapacity` and, within a
//! transaction, `dynamodb:EnclosingOperation`. A table that does not exist has no keys to go by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nephos_core::{Access, Cx, Principal};

use crate::choices::{ReturnConsumedCapacity, ReturnValues};
use crate::expr::{Parameter, mentions};
use crate::names::{GivenName, TableName};
use crate::records::{KeyAttribute, TableRecord};
use crate::shapes;
use crate::tables::tags::table_of;
use crate::value::{AttributeMap, AttributeValue, Attributes};
use crate::{DynamoDb, Error};

pub mod batches;
pub mod reads;
pub mod writes;

/// What an access function returns.
pub type Accesses = Result<Vec<Access>, Error>;

/// An input that names a table.
pub trait NamesTable {
    /// The table.
    fn table(&self) -> Option<&GivenName>;
}

macro_rules! names_table {
    ($($input:ident),+) => {$(
        impl NamesTable for shapes::$input {
            fn table(&self) -> Option<&GivenName> {
                self.table_name.as_ref()
            }
        }
    )+};
}

names_table!(
    DeleteTableInput,
    DescribeContinuousBackupsInput,
    DescribeTableInput,
    DescribeTimeToLiveInput,
    UpdateTableInput,
    UpdateTimeToLiveInput
);

/// An action on the table that the input names.
pub fn table<I: NamesTable>(action: &'static str) -> impl Fn(&DynamoDb, &Cx, &I) -> Accesses {
    move |db, cx, input| Ok(vec![Judged::of(db, cx, action, input.table())?.access])
}

/// An action on no table in particular.
pub fn any<I>(action: &'static str) -> impl Fn(&DynamoDb, &Cx, &I) -> Accesses {
    move |_, _, _| Ok(vec![Access::any(action)])
}

/// `dynamodb:CreateTable`, and `dynamodb:TagResource` where there are tags.
pub fn create_table(_: &DynamoDb, cx: &Cx, input: &shapes::CreateTableInput) -> Accesses {
    let name = TableName::resolve(cx, input.table_name.as_ref().map_or("", |given| given.0.as_str()));
    let tags = input.tags.as_deref().unwrap_or_default();
    let mut accesses = vec![tagged("dynamodb:CreateTable", &name, tags)];
    if !tags.is_empty() {
        accesses.push(tagged("dynamodb:TagResource", &name, tags));
    }
    Ok(accesses)
}

fn tagged(action: &'static str, name: &TableName, tags: &[shapes::Tag]) -> Access {
    let mut access = Access::on(action, &name.arn());
    if tags.is_empty() {
        return access;
    }
    let key = |tag: &shapes::Tag| tag.key.clone().unwrap_or_default();
    for tag in tags {
        access = access.key(&format!("aws:RequestTag/{}", key(tag)), tag.value.clone().unwrap_or_default());
    }
    access.keys("aws:TagKeys", tags.iter().map(key).collect())
}

/// `dynamodb:TagResource`
pub fn tag_resource(db: &DynamoDb, _: &Cx, input: &shapes::TagResourceInput) -> Accesses {
    let name = table_of(input.resource_arn.as_deref())?;
    let access = tagged("dynamodb:TagResource", &name, input.tags.as_deref().unwrap_or_default());
    Ok(vec![with_tags_of(access, db.table_if_any(&name)?.as_deref())])
}

/// `dynamodb:UntagResource`
pub fn untag_resource(db: &DynamoDb, _: &Cx, input: &shapes::UntagResourceInput) -> Accesses {
    let name = table_of(input.resource_arn.as_deref())?;
    let access = Access::on("dynamodb:UntagResource", &name.arn())
        .keys("aws:TagKeys", input.tag_keys.clone().unwrap_or_default());
    Ok(vec![with_tags_of(access, db.table_if_any(&name)?.as_deref())])
}

/// `dynamodb:ListTagsOfResource`
pub fn list_tags_of_resource(db: &DynamoDb, _: &Cx, input: &shapes::ListTagsOfResourceInput) -> Accesses {
    let name = table_of(input.resource_arn.as_deref())?;
    let access = Access::on("dynamodb:ListTagsOfResource", &name.arn());
    Ok(vec![with_tags_of(access, db.table_if_any(&name)?.as_deref())])
}

fn with_tags_of(mut access: Access, table: Option<&TableRecord>) -> Access {
    for (key, value) in table.into_iter().flat_map(|table| &table.tags) {
        access.keys.set(&format!("aws:ResourceTag/{key}"), value.clone());
    }
    access
}

/// An access with its condition keys as they are gathered.
pub(crate) struct Judged {
    pub(crate) access: Access,
    /// None where the caller is an account's root user, whom no policy of this service restricts: nothing is gathered
    /// then.
    facts: Option<Facts>,
}

struct Facts {
    table: Option<Arc<TableRecord>>,
    index: Option<String>,
    leading: Vec<String>,
    attributes: BTreeSet<String>,
}

impl Judged {
    /// An action on a table.
    pub(crate) fn of(
        db: &DynamoDb,
        cx: &Cx,
        action: &'static str,
        given: Option<&GivenName>,
    ) -> Result<Judged, Error> {
        Judged::on(db, cx, action, given, None)
    }

    /// An action on a table, or on one of its indexes.
    pub(crate) fn on(
        db: &DynamoDb,
        cx: &Cx,
        action: &'static str,
        given: Option<&GivenName>,
        index: Option<&str>,
    ) -> Result<Judged, Error> {
        let name = TableName::resolve(cx, given.map_or("", |given| given.0.as_str()));
        let arn = index.map_or_else(|| name.arn(), |index| name.index_arn(index));
        let access = Access::on(action, &arn);
        if matches!(*cx.principal, Principal::Root { .. }) {
            return Ok(Judged { access, facts: None });
        }
        let table = db.table_if_any(&name)?;
        let access = with_tags_of(access, table.as_deref());
        let index = index.map(str::to_owned);
        let facts = Facts { table, index, leading: Vec::new(), attributes: BTreeSet::new() };
        Ok(Judged { access, facts: Some(facts) })
    }

    /// A key, or an item: its attributes, and its partition key.
    pub(crate) fn item(&mut self, attributes: Option<&AttributeMap>) {
        let Some(facts) = &mut self.facts else { return };
        let Some(attributes) = attributes.and_then(AttributeMap::tree) else { return };
        facts.attributes.extend(attributes.keys().cloned());
        let Some(table) = facts.table.clone() else { return };
        for attribute in &table.key.hash {
            facts.leading.extend(attributes.get(&attribute.name).and_then(key_text));
        }
    }

    /// The attributes that an expression names.
    pub(crate) fn expression(
        &mut self,
        parameter: Parameter,
        text: Option<&str>,
        names: Option<&BTreeMap<String, String>>,
    ) {
        if let (Some(facts), Some(text)) = (&mut self.facts, text) {
            facts.attributes.extend(mentions::attributes(parameter, text, names));
        }
    }

    /// The attributes that a legacy parameter names.
    pub(crate) fn attributes<'n>(&mut self, names: impl IntoIterator<Item = &'n String>) {
        if let Some(facts) = &mut self.facts {
            facts.attributes.extend(names.into_iter().cloned());
        }
    }

    /// The value that the key named `name` must equal, if it decides the partition.
    pub(crate) fn equals(&mut self, name: &str, value: Option<&AttributeValue>) {
        let Some(facts) = &mut self.facts else { return };
        if facts.partition().iter().any(|attribute| attribute.name == name) {
            facts.leading.extend(value.and_then(key_text));
        }
    }

    /// The value behind a placeholder that the key named `name` must equal.
    pub(crate) fn equals_placeholder(&mut self, name: &str, placeholder: &str, values: Option<&Attributes>) {
        self.equals(name, values.and_then(|values| values.get(placeholder)));
    }

    /// Any other condition key.
    pub(crate) fn key(&mut self, name: &str, value: &str) {
        if self.facts.is_some() {
            self.access.keys.set(name, value);
        }
    }

    /// What the call wants to be told of its capacity.
    pub(crate) fn capacity(&mut self, wanted: Option<&ReturnConsumedCapacity>) {
        let wanted = wanted.unwrap_or(&ReturnConsumedCapacity::None);
        self.key("dynamodb:ReturnConsumedCapacity", wanted.as_str());
    }

    /// What the call returns of the item that it writes.
    pub(crate) fn returns(&mut self, wanted: Option<&ReturnValues>) {
        self.key("dynamodb:ReturnValues", wanted.unwrap_or(&ReturnValues::None).as_str());
    }

    /// The access, whole.
    pub(crate) fn done(self) -> Access {
        let Judged { mut access, facts } = self;
        if let Some(Facts { leading, attributes, .. }) = facts {
            if !leading.is_empty() {
                access.keys.set_all("dynamodb:LeadingKeys", leading);
            }
            if !attributes.is_empty() {
                access.keys.set_all("dynamodb:Attributes", attributes.into_iter().collect());
            }
        }
        access
    }
}

impl Facts {
    /// The attributes that decide the partition of the table or index.
    fn partition(&self) -> &[KeyAttribute] {
        let Some(table) = &self.table else { return &[] };
        match &self.index {
            None => &table.key.hash,
            Some(name) => {
                let index = table.indexes().find(|index| index.name == *name);
                index.map_or(&[], |index| index.key.hash.as_slice())
            }
        }
    }
}

/// A key as policies write it.
fn key_text(value: &AttributeValue) -> Option<String> {
    match value {
        AttributeValue::S(text) => Some(text.clone()),
        AttributeValue::N(number) => Some(number.to_string()),
        AttributeValue::B(bytes) => Some(STANDARD.encode(bytes)),
        _ => None,
    }
}
