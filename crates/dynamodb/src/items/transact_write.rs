//! TransactWriteItems: up to 100 actions, all or none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nephos_core::{Cx, Timestamp};
use nephos_store::{Read, Tx};

use super::capacity::{Named, Usage, read_units};
use super::change::{Change, Effect, current};
use super::put::check_size;
use super::request::{Given, Guard, all_used, in_expression, placeholders, valid};
use super::transact_get::TRANSACTION_FACTOR;
use super::update::{check_update, updated};
use crate::choices::{ReturnItemCollectionMetrics, ReturnOnFailure};
use crate::error::Reason;
use crate::expr::{Parameter, Update};
use crate::hash::xxh64;
use crate::keys::{self, EntryKey};
use crate::names::{GivenName, TableName};
use crate::records::{TableRecord, TokenRecord};
use crate::schema::{KeyFault, check_index_keys, place_of_item, place_of_key};
use crate::shapes::{
    ItemCollectionMetrics, TransactWriteItem, TransactWriteItemsInput, TransactWriteItemsOutput,
};
use crate::value::{AttributeMap, Attributes, Item, Layer};
use crate::{DynamoDb, Error};

const LAYER: Layer = Layer::Older;
/// The most bytes that all items of a transaction may have together.
const MAX_BYTES: usize = 4 << 20;
/// How long a client's token counts, in milliseconds.
const TOKEN_MILLIS: i64 = 10 * 60 * 1000;

/// One action.
struct Action {
    given: GivenName,
    name: TableName,
    /// The item's key, or the item to put.
    attributes: Attributes,
    guard: Guard,
    what: What,
}

enum What {
    Put(Item),
    Update(Update),
    Delete,
    Check,
}

/// What came of the actions.
struct Done {
    tables: Vec<Arc<TableRecord>>,
    effects: Vec<Effect>,
    /// What a repetition of a finished transaction is charged; none for the first time.
    repeated: Option<BTreeMap<String, f64>>,
}

/// `TransactWriteItems`
pub async fn transact_write_items(
    db: &DynamoDb,
    cx: &Cx,
    input: TransactWriteItemsInput,
) -> Result<TransactWriteItemsOutput, Error> {
    let token = input.client_request_token.as_deref().map(|token| Token::new(cx, token, &input));
    let actions = input.transact_items.unwrap_or_default();
    let actions = actions.into_iter().map(|action| parse(cx, action)).collect::<Result<Vec<_>, _>>()?;
    let done = db.store.transact("transact-write-items", |tx| {
        if let Some(token) = &token
            && let Some(units) = token.repeats(tx)?
        {
            return Ok(Done { tables: Vec::new(), effects: Vec::new(), repeated: Some(units) });
        }
        let (tables, effects) = carry_out(db, tx, &actions)?;
        if let Some(token) = &token {
            token.remember(tx, &actions)?;
        }
        Ok::<_, Error>(Done { tables, effects, repeated: None })
    });
    let done = done.await?;
    done.effects.iter().for_each(|effect| db.statistics.count(&effect.deltas));
    Ok(TransactWriteItemsOutput {
        consumed_capacity: reports(&actions, &done, input.return_consumed_capacity.as_ref()),
        item_collection_metrics: collections(
            db,
            &actions,
            &done.tables,
            input.return_item_collection_metrics.as_ref(),
        )?,
    })
}

/// One item is named twice.
pub(super) fn multiple_operations() -> Error {
    Error::Validation("Transaction request cannot include multiple operations on one item".to_owned())
}

/// The parameters that all kinds of actions share.
struct Parts {
    attributes: Option<AttributeMap>,
    table: Option<GivenName>,
    update: Option<String>,
    condition: Option<String>,
    names: Option<BTreeMap<String, String>>,
    values: Option<AttributeMap>,
    on_failure: Option<ReturnOnFailure>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Put,
    Update,
    Delete,
    Check,
}

macro_rules! parts {
    ($kind:expr, $action:expr, $attributes:ident, $update:expr) => {
        Parts {
            attributes: $action.$attributes,
            table: $action.table_name,
            update: $update,
            condition: $action.condition_expression,
            names: $action.expression_attribute_names,
            values: $action.expression_attribute_values,
            on_failure: $action.return_values_on_condition_check_failure,
            kind: $kind,
        }
    };
}

fn parse(cx: &Cx, item: TransactWriteItem) -> Result<Action, Error> {
    let TransactWriteItem { condition_check, put, delete, update } = item;
    let parts = match (condition_check, put, delete, update) {
        (Some(check), None, None, None) => parts!(Kind::Check, check, key, None),
        (None, Some(put), None, None) => parts!(Kind::Put, put, item, None),
        (None, None, Some(delete), None) => parts!(Kind::Delete, delete, key, None),
        (None, None, None, Some(update)) => parts!(Kind::Update, update, key, update.update_expression),
        (None, None, None, None) => {
            return Err(Error::Validation(
                "The action or operation requested is invalid. Verify that the action is typed correctly."
                    .to_owned(),
            ));
        }
        _ => {
            return Err(Error::Validation(
                "TransactItems can only contain one of Check, Put, Update or Delete".to_owned(),
            ));
        }
    };
    parts.parse(cx)
}

impl Parts {
    fn parse(self, cx: &Cx) -> Result<Action, Error> {
        let update = (Parameter::Update, self.update.is_some());
        let condition = (Parameter::Condition, self.condition.is_some());
        let both = [update, condition];
        Given {
            expressions: if self.kind == Kind::Update { &both } else { &both[1..] },
            legacy: &[],
            names: self.names.is_some(),
            values: self.values.is_some(),
        }
        .check(LAYER)?;
        let attributes = valid(self.attributes, LAYER)?;
        let item = (self.kind == Kind::Put).then(|| Item::encode(&attributes));
        item.as_ref().map_or(Ok(()), check_size)?;
        let placeholders = placeholders(self.names, self.values, LAYER)?;
        let update = self.update.as_deref().map(|text| Update::parse(text, &placeholders)).transpose();
        let update = update.map_err(in_expression(Parameter::Update, LAYER))?;
        let on_failure = self.on_failure.as_ref();
        let guard = Guard::of_expression(self.condition.as_deref(), &placeholders, on_failure, LAYER)?;
        all_used(&placeholders, LAYER)?;
        let what = match (self.kind, item) {
            (Kind::Put, Some(item)) => What::Put(item),
            (Kind::Update, _) => What::Update(update.unwrap_or_default()),
            (Kind::Delete, _) => What::Delete,
            _ => What::Check,
        };
        let given = self.table.unwrap_or_default();
        Ok(Action { name: TableName::resolve(cx, &given.0), given, attributes, guard, what })
    }
}

impl Action {
    fn place(&self, table: &TableRecord) -> Result<EntryKey, KeyFault> {
        match self.what {
            What::Put(_) => place_of_item(table, &self.attributes),
            _ => place_of_key(table, &self.attributes),
        }
    }

    /// Why the action cannot be carried out whatever the item is: a reason, or the whole request's refusal.
    fn misfit(&self, table: &TableRecord) -> Result<Option<Reason>, Error> {
        let fault = match &self.what {
            What::Put(_) => match check_index_keys(table, &self.attributes) {
                Err(fault) if fault.is_up_front() => return Err(fault.into()),
                checked => checked.map_err(Error::from),
            },
            What::Update(update) => check_update(table, update),
            What::Delete | What::Check => Ok(()),
        };
        Ok(fault.err().map(|error| Reason::validation(error.to_string())))
    }

    /// The item after the action; the reason where it stands in the transaction's way.
    fn outcome(&self, table: &TableRecord, old: Option<&Item>) -> Result<Option<Item>, Reason> {
        if !self.guard.holds(old) {
            return Err(Reason::condition(self.guard.returned(old)));
        }
        match &self.what {
            What::Put(item) => Ok(Some(item.clone())),
            What::Delete => Ok(None),
            What::Check => Ok(old.cloned()),
            What::Update(update) => updated(table, update, &self.attributes, old)
                .map_err(|error| Reason::validation(error.to_string())),
        }
    }
}

type Effects = (Vec<Arc<TableRecord>>, Vec<Effect>);

fn carry_out(db: &DynamoDb, tx: &mut Tx, actions: &[Action]) -> Result<Effects, Error> {
    let tables = actions.iter().map(|action| db.table_for_write(tx, &action.name));
    let tables = tables.collect::<Result<Vec<_>, _>>()?;
    let mut reasons = vec![Reason::NONE; actions.len()];
    let places = places(&tables, actions, &mut reasons)?;
    let mut changes = Vec::new();
    let mut bytes = 0;
    for (at, action) in actions.iter().enumerate() {
        let Some(place) = &places[at] else { continue };
        let old = current(tx, &tables[at], place)?;
        match action.outcome(&tables[at], old.as_ref()) {
            Ok(new) => {
                bytes += new.as_ref().or(old.as_ref()).map_or(0, Item::size);
                changes.push((at, place, old, new));
            }
            Err(reason) => reasons[at] = reason,
        }
    }
    if reasons.iter().any(|reason| *reason != Reason::NONE) {
        return Err(Error::TransactionCanceled(reasons));
    }
    if bytes > MAX_BYTES {
        return Err(Error::Validation(
            "The aggregate size of the items in the transaction cannot exceed 4 MB".to_owned(),
        ));
    }
    let effects = changes.iter().map(|(at, primary, old, new)| {
        let change = Change { table: &tables[*at], primary, old: old.as_ref(), new: new.as_ref() };
        change.write(tx)
    });
    let effects = effects.collect::<Result<_, _>>()?;
    Ok((tables, effects))
}

/// Where each action's item stands; what cannot be is a reason, or refuses the whole request.
fn places(
    tables: &[Arc<TableRecord>],
    actions: &[Action],
    reasons: &mut [Reason],
) -> Result<Vec<Option<EntryKey>>, Error> {
    let mut places = Vec::new();
    for ((table, action), reason) in tables.iter().zip(actions).zip(reasons) {
        let place = match action.place(table) {
            Ok(place) => Some(place),
            Err(fault) if fault.is_up_front() => return Err(fault.in_key()),
            Err(fault) => {
                let is_put = matches!(action.what, What::Put(_));
                let error = if is_put { fault.in_item() } else { fault.in_key() };
                *reason = Reason::validation(error.to_string());
                None
            }
        };
        match action.misfit(table)? {
            None => places.push(place),
            Some(misfit) => {
                if *reason == Reason::NONE {
                    *reason = misfit;
                }
                places.push(None);
            }
        }
    }
    let named = tables.iter().zip(&places).filter_map(|(table, place)| Some((table.id, place.as_ref()?)));
    let named: Vec<_> = named.collect();
    if named.iter().collect::<BTreeSet<_>>().len() < named.len() {
        return Err(multiple_operations());
    }
    Ok(places)
}

/// A client's token: the same request under the same token is carried out once.
struct Token {
    key: nephos_store::Key,
    request: String,
    now: Timestamp,
}

impl Token {
    fn new(cx: &Cx, token: &str, input: &TransactWriteItemsInput) -> Token {
        let of = TableName { account: cx.account, region: cx.region.clone(), name: String::new() };
        let items = TransactWriteItemsInput {
            transact_items: input.transact_items.clone(),
            ..TransactWriteItemsInput::default()
        };
        let mut body = nephos_wire::json::write(&items);
        let first = xxh64(&body);
        body.push(b'2');
        Token {
            key: keys::token(&of, token),
            request: format!("{}-{first:016x}{:016x}", body.len(), xxh64(&body)),
            now: cx.now(),
        }
    }

    /// What the repetition of a transaction is charged, if this is one.
    fn repeats(&self, tx: &Tx) -> Result<Option<BTreeMap<String, f64>>, Error> {
        match tx.record::<TokenRecord>(&self.key)? {
            Some(record) if record.until <= self.now.millis() => Ok(None),
            Some(record) if record.request != self.request => Err(Error::IdempotentParameterMismatch),
            Some(record) => Ok(Some(record.units)),
            None => Ok(None),
        }
    }

    fn remember(&self, tx: &mut Tx, actions: &[Action]) -> Result<(), Error> {
        let mut units: BTreeMap<String, f64> = BTreeMap::new();
        for action in actions {
            let bytes = crate::value::item_size(&action.attributes);
            *units.entry(action.given.0.clone()).or_default() += read_units(bytes, true) * TRANSACTION_FACTOR;
        }
        let until = self.now.millis() + TOKEN_MILLIS;
        tx.put_record(self.key.clone(), &TokenRecord { request: self.request.clone(), until, units })?;
        tx.put(keys::token_expiry(until.unsigned_abs(), &self.key), &b""[..]);
        Ok(())
    }
}

type Reports = Option<Vec<crate::shapes::ConsumedCapacity>>;

fn reports(
    actions: &[Action],
    done: &Done,
    wanted: Option<&crate::choices::ReturnConsumedCapacity>,
) -> Reports {
    let mut usage: BTreeMap<GivenName, Usage> = BTreeMap::new();
    for (action, effect) in actions.iter().zip(&done.effects) {
        let used = effect.usage.clone().times(TRANSACTION_FACTOR);
        usage.entry(action.given.clone()).or_default().add(&used);
    }
    for (name, units) in done.repeated.iter().flatten() {
        usage.entry(GivenName(name.clone())).or_default().add(&Usage::of_table(*units));
    }
    let named = if done.repeated.is_some() { Named::Read } else { Named::Write };
    let reports: Vec<_> =
        usage.iter().filter_map(|(given, usage)| usage.report(given, wanted, named)).collect();
    (!reports.is_empty()).then_some(reports)
}

type Collections = Option<BTreeMap<String, Vec<ItemCollectionMetrics>>>;

fn collections(
    db: &DynamoDb,
    actions: &[Action],
    tables: &[Arc<TableRecord>],
    wanted: Option<&ReturnItemCollectionMetrics>,
) -> Result<Collections, Error> {
    let mut all: BTreeMap<String, Vec<ItemCollectionMetrics>> = BTreeMap::new();
    for (action, table) in actions.iter().zip(tables) {
        if let Some(metrics) = db.collection_metrics(table, &action.attributes, wanted)? {
            let of_table = all.entry(action.given.0.clone()).or_default();
            if !of_table.contains(&metrics) {
                of_table.push(metrics);
            }
        }
    }
    Ok((!all.is_empty()).then_some(all))
}
