//! Random transactions, compared step by step with a plain map.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Effort, run};
use crate::{Key, Range, Read, Store, StoreError, Tx};

type Model = BTreeMap<Key, Bytes>;
type Found = Vec<(Key, Bytes)>;

#[derive(Debug, Clone)]
enum Step {
    Put(Key, Vec<u8>),
    Delete(Key),
    Get(Key),
    GetMany(Vec<Key>),
    Scan(Range),
}

#[derive(Debug, Clone)]
struct Transaction {
    steps: Vec<Step>,
    commits: bool,
}

/// Few and similar keys, some of which begin others.
fn keys() -> impl Strategy<Value = Key> {
    let part = prop::collection::vec(prop::sample::select(vec![0_u8, 1, 0xFF]), 0..3);
    (part, any::<bool>()).prop_map(|(part, raw)| {
        let key = Key::new("m");
        if raw { key.raw(&part) } else { key.bytes(&part) }
    })
}

fn bounds() -> impl Strategy<Value = Bound<Key>> {
    prop_oneof![Just(Bound::Unbounded), keys().prop_map(Bound::Included), keys().prop_map(Bound::Excluded)]
}

fn ranges() -> impl Strategy<Value = Range> {
    let plain = prop_oneof![
        keys().prop_map(|key| Range::prefix(&key)),
        (bounds(), bounds()).prop_map(|(start, end)| Range::between(start, end)),
        (keys(), keys()).prop_map(|(a, b)| Range::all().after(&a).before(&b)),
    ];
    (plain, any::<bool>(), prop::option::of(0..6_usize)).prop_map(|(mut range, reverse, limit)| {
        range.reverse = reverse;
        range.limit = limit;
        range
    })
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (keys(), prop::collection::vec(any::<u8>(), 0..4)).prop_map(|(key, value)| Step::Put(key, value)),
        2 => keys().prop_map(Step::Delete),
        1 => keys().prop_map(Step::Get),
        1 => prop::collection::vec(keys(), 0..5).prop_map(Step::GetMany),
        3 => ranges().prop_map(Step::Scan),
    ]
}

fn transactions() -> impl Strategy<Value = Vec<Transaction>> {
    let one = (prop::collection::vec(steps(), 1..12), prop::bool::weighted(0.8));
    prop::collection::vec(one.prop_map(|(steps, commits)| Transaction { steps, commits }), 1..12)
}

fn expected(model: &Model, range: &Range) -> Found {
    let inside = |key: &Key| {
        let above = match &range.start {
            Bound::Unbounded => true,
            Bound::Included(start) => key >= start,
            Bound::Excluded(start) => key > start,
        };
        let below = match &range.end {
            Bound::Unbounded => true,
            Bound::Included(end) => key <= end,
            Bound::Excluded(end) => key < end,
        };
        above && below
    };
    let mut found: Found =
        model.iter().filter(|(key, _)| inside(key)).map(|(k, v)| (k.clone(), v.clone())).collect();
    if range.reverse {
        found.reverse();
    }
    found.truncate(range.limit.unwrap_or(usize::MAX));
    found
}

fn check(from: &dyn Read, model: &Model, step: &Step) -> Result<(), StoreError> {
    match step {
        Step::Get(key) => assert_eq!(from.get(key)?.as_ref(), model.get(key)),
        Step::GetMany(keys) => {
            let wanted: Vec<_> = keys.iter().map(|key| model.get(key).cloned()).collect();
            assert_eq!(from.get_many(keys)?, wanted);
        }
        Step::Scan(range) => assert_eq!(from.range(range)?, expected(model, range), "{range:?}"),
        Step::Put(..) | Step::Delete(_) => {}
    }
    Ok(())
}

fn perform(tx: &mut Tx, model: &mut Model, step: &Step) -> Result<(), StoreError> {
    match step {
        Step::Put(key, value) => {
            tx.put(key.clone(), value.clone());
            model.insert(key.clone(), value.clone().into());
        }
        Step::Delete(key) => {
            tx.delete(key.clone());
            model.remove(key);
        }
        _ => check(tx, model, step)?,
    }
    Ok(())
}

async fn play(store: &Store, transactions: &[Transaction]) -> Result<(), StoreError> {
    store.clear()?;
    let mut model = Model::new();
    for transaction in transactions {
        let body = |tx: &mut Tx| {
            let mut after = model.clone();
            for step in &transaction.steps {
                perform(tx, &mut after, step)?;
            }
            if transaction.commits { Ok(after) } else { Err(StoreError::Closed) }
        };
        if let Ok(after) = store.transact("model", body).await {
            model = after;
        }
        store.read(|view| transaction.steps.iter().try_for_each(|step| check(view, &model, step)))?;
    }
    let all = store.read(|view| view.range(&Range::all()))?;
    assert_eq!(all, model.into_iter().collect::<Found>());
    Ok(())
}

pub(super) fn agrees_with_the_model(store: &Store, effort: Effort) {
    let config = Config { cases: effort.cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&transactions(), |transactions| {
        run(play(store, &transactions)).map_err(|error| TestCaseError::fail(error.to_string()))
    });
    outcome.unwrap();
}
