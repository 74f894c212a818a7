//! Order, separation and coverage of keys.

use proptest::prelude::*;

use super::*;
use crate::value::stored::encode_value;
use crate::value::{AttributeValue, Number, ValueRef};

fn scalars() -> impl Strategy<Value = (AttributeValue, AttributeValue)> {
    let text = || "[\\x00a-c\u{ff}\u{10ffff}]{0,4}".prop_map(AttributeValue::S);
    let bytes = || proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(0xFF)], 0..4);
    let bytes = move || bytes().prop_map(|bytes| AttributeValue::B(bytes.into()));
    let number = || {
        let parts = (any::<bool>(), prop_oneof![0..200u128, 0..10u128.pow(38)], -20..20i64);
        parts.prop_filter_map("in range", |(sign, digits, exponent)| {
            Number::new(sign, digits, exponent).ok().map(AttributeValue::N)
        })
    };
    prop_oneof![(text(), text()), (bytes(), bytes()), (number(), number())]
}

fn order(a: &AttributeValue, b: &AttributeValue) -> std::cmp::Ordering {
    match (a, b) {
        (AttributeValue::S(a), AttributeValue::S(b)) => a.as_bytes().cmp(b.as_bytes()),
        (AttributeValue::B(a), AttributeValue::B(b)) => a.cmp(b),
        (AttributeValue::N(a), AttributeValue::N(b)) => a.cmp(b),
        _ => panic!("two scalars of one type were expected"),
    }
}

fn at(partition: &str, sort: &AttributeValue) -> EntryKey {
    EntryKey::partition([&AttributeValue::S(partition.into())]).with([sort])
}

proptest! {
    #[test]
    fn sort_keys_keep_their_order((a, b) in scalars()) {
        prop_assert_eq!(at("p", &a).cmp(&at("p", &b)), order(&a, &b));
    }

    #[test]
    fn stored_values_have_the_same_code((a, _) in scalars()) {
        let stored = encode_value(&a);
        let partition = EntryKey::partition([&AttributeValue::S("p".into())]);
        prop_assert_eq!(partition.with(ValueRef::new(&stored)), at("p", &a));
    }

    #[test]
    fn ranges_hold_exactly_what_passes_the_test((a, b) in scalars()) {
        let prefix = EntryKey::partition([&AttributeValue::S("p".into())]);
        // Another key attribute behind the tested one must not matter.
        let entry = at("p", &a).of_item(&at("q", &b));
        let all = PartitionRange::all(&prefix);
        prop_assert!(all.contains(&entry));
        prop_assert!(!all.contains(&at("p2", &a)));
        for included in [true, false] {
            let from = all.clone().from(&prefix, &b, included).contains(&entry);
            prop_assert_eq!(from, order(&a, &b).is_gt() || included && order(&a, &b).is_eq());
            let to = all.clone().to(&prefix, &b, included).contains(&entry);
            prop_assert_eq!(to, order(&a, &b).is_lt() || included && order(&a, &b).is_eq());
        }
        let begins = match (&a, &b) {
            (AttributeValue::S(a), AttributeValue::S(b)) => a.starts_with(b.as_str()),
            (AttributeValue::B(a), AttributeValue::B(b)) => a.starts_with(b),
            _ => return Ok(()),
        };
        prop_assert_eq!(PartitionRange::begins_with(&prefix, &b).contains(&entry), begins);
    }
}

#[test]
fn keys_of_different_kinds_never_meet() {
    let name = TableName {
        account: nephos_core::AccountId::DEFAULT,
        region: nephos_core::Region::default(),
        name: "t".into(),
    };
    let primary = at("p", &AttributeValue::S("s".into()));
    let token = token(&name, "abc");
    let keys = [
        table(&name),
        item(1, &primary),
        entry(1, &primary),
        expiry(1, 5, &primary),
        expiring_table(1),
        job(1),
        token.clone(),
        token_expiry(1, &token),
        statistics(1),
    ];
    for (at, one) in keys.iter().enumerate() {
        for two in &keys[at + 1..] {
            assert!(
                !one.as_bytes().starts_with(two.as_bytes()) && !two.as_bytes().starts_with(one.as_bytes())
            );
        }
    }
    assert_eq!(read_expiry(&expiry(1, 5, &primary)).unwrap(), (5, primary));
    assert_eq!(read_token_expiry(&token_expiry(9, &token)).unwrap(), token);
}

#[tokio::test]
async fn segments_cut_the_table_without_gap_or_overlap() {
    let store = nephos_store::Store::memory();
    let hashes =
        [0, 1, u64::MAX / 3, u64::MAX / 3 + 1, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX - 1, u64::MAX];
    store
        .transact("segments", |tx| {
            hashes.iter().for_each(|hash| tx.put(items(7).u64(*hash).raw(b"x"), &b""[..]));
            tx.put(items(8).u64(0), &b""[..]);
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    for total in [1, 2, 3, 7, 1_000_000] {
        for hash in hashes {
            let segment = u32::try_from((u128::from(hash) * u128::from(total)) >> 64).unwrap();
            let found = store
                .read(|view| nephos_store::Read::range(view, &super::segment(&items(7), segment, total)));
            let found: Vec<u64> = found
                .unwrap_or_else(|error: StoreError| panic!("{error}"))
                .iter()
                .map(|(key, _)| {
                    let mut reader = key.reader();
                    reader.text().unwrap();
                    reader.u8().unwrap();
                    reader.u64().unwrap();
                    reader.u64().unwrap()
                })
                .collect();
            let expected: Vec<u64> =
                hashes.into_iter().filter(|hash| in_segment(*hash, segment, total)).collect();
            assert_eq!(found, expected, "segment {segment} of {total}");
        }
    }
}
