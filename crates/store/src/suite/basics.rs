//! One transaction at a time.

use std::ops::{Bound, ControlFlow};
use std::task::{Context, Poll, Waker};

use super::{Effort, key, run, write};
use crate::{Key, Options, Range, Read, Store, StoreError, Tx};

type Rows = Vec<(Key, String)>;

fn rows(from: &dyn Read, range: &Range) -> Rows {
    let text = |value: bytes::Bytes| String::from_utf8(value.to_vec()).unwrap();
    from.range(range).unwrap().into_iter().map(|(key, value)| (key, text(value))).collect()
}

fn all(store: &Store) -> Rows {
    store.read(|view| Ok::<_, StoreError>(rows(view, &Range::all()))).unwrap()
}

fn numbers(found: &Rows) -> Vec<u32> {
    let number = |key: &Key| {
        let mut reader = key.reader();
        assert_eq!(reader.text().unwrap(), "suite");
        reader.u32().unwrap()
    };
    found.iter().map(|(key, _)| number(key)).collect()
}

pub(super) fn reads_and_writes(store: &Store, _: Effort) {
    run(write(store, &[(key(1), Some("one")), (key(2), Some("")), (key(3), None)])).unwrap();
    let keys = [key(2), key(9), key(1), key(1)];
    let found = store.read(|view| view.get_many(&keys)).unwrap();
    let found: Vec<_> = found.iter().map(|value| value.as_deref()).collect();
    assert_eq!(found, [Some(&b""[..]), None, Some(b"one"), Some(b"one")]);
    run(write(store, &[(key(1), None), (key(2), Some("two"))])).unwrap();
    assert_eq!(store.read(|view| view.get(&key(1))).unwrap(), None);
    assert_eq!(all(store), [(key(2), "two".into())]);
}

pub(super) fn an_error_writes_nothing(store: &Store, _: Effort) {
    #[derive(Debug, PartialEq)]
    struct Mine(&'static str);
    impl From<StoreError> for Mine {
        fn from(_: StoreError) -> Self {
            Mine("store")
        }
    }
    let failing = store.transact("failing", |tx| {
        tx.put(key(1), "x");
        Err::<(), _>(Mine("mine"))
    });
    assert_eq!(run(failing), Err(Mine("mine")));
    assert_eq!(all(store), []);
    let failing = store.read(|_| Err::<(), _>(Mine("read")));
    assert_eq!(failing, Err(Mine("read")));
}

pub(super) fn a_snapshot_stays_as_it_was(store: &Store, _: Effort) {
    run(write(store, &[(key(1), Some("old")), (key(2), Some("old"))])).unwrap();
    let seen = store.read(|view| {
        assert_eq!(rows(view, &Range::all()).len(), 2);
        let change = || run(write(store, &[(key(1), Some("new")), (key(2), None), (key(3), Some("new"))]));
        std::thread::scope(|scope| scope.spawn(change).join()).unwrap()?;
        Ok::<_, StoreError>(rows(view, &Range::all()))
    });
    assert_eq!(seen.unwrap(), [(key(1), "old".into()), (key(2), "old".into())]);
    assert_eq!(all(store), [(key(1), "new".into()), (key(3), "new".into())]);
}

pub(super) fn a_transaction_sees_its_own_writes(store: &Store, _: Effort) {
    let start: Vec<_> = (0..6).map(|n| (key(n * 2), Some("base"))).collect();
    run(write(store, &start)).unwrap();
    let body = |tx: &mut Tx| {
        tx.put(key(0), "mine");
        tx.put(key(3), "mine");
        tx.delete(key(4));
        tx.delete(key(7));
        tx.put(key(99), "mine");
        assert_eq!(tx.get(&key(0))?.unwrap(), "mine");
        assert_eq!(tx.get(&key(4))?, None);
        assert_eq!(tx.get_many(&[key(2), key(3), key(4)])?, [Some("base".into()), Some("mine".into()), None]);
        let forward = rows(tx, &Range::all());
        assert_eq!(numbers(&forward), [0, 2, 3, 6, 8, 10, 99]);
        let mut backward = rows(tx, &Range::all().reverse());
        backward.reverse();
        assert_eq!(forward, backward);
        let middle = Range::between(Bound::Excluded(key(2)), Bound::Included(key(8)));
        assert_eq!(numbers(&rows(tx, &middle.clone().limit(2))), [3, 6]);
        assert_eq!(numbers(&rows(tx, &middle.reverse().limit(3))), [8, 6, 3]);
        Ok::<_, StoreError>(())
    };
    run(store.transact("own writes", body)).unwrap();
    assert_eq!(numbers(&all(store)), [0, 2, 3, 6, 8, 10, 99]);
}

pub(super) fn scans_keep_order_bounds_and_limits(store: &Store, _: Effort) {
    // More rows than any engine's page.
    let start: Vec<_> = (0..700).map(|n| (key(n), Some("x"))).collect();
    run(write(store, &start)).unwrap();
    let found = |range: &Range| store.read(|view| Ok::<_, StoreError>(numbers(&rows(view, range)))).unwrap();
    let whole = Range::prefix(&Key::new("suite"));
    assert_eq!(found(&whole), (0..700).collect::<Vec<_>>());
    assert_eq!(found(&whole.clone().reverse()), (0..700).rev().collect::<Vec<_>>());
    assert_eq!(found(&whole.clone().after(&key(10)).limit(3)), [11, 12, 13]);
    assert_eq!(found(&whole.clone().before(&key(10)).reverse().limit(2)), [9, 8]);
    assert_eq!(found(&whole.clone().after(&key(500)).limit(150)).len(), 150);
    assert!(found(&whole.clone().limit(0)).is_empty());
    assert!(found(&Range::between(Bound::Included(key(5)), Bound::Excluded(key(5)))).is_empty());
    assert!(found(&Range::between(Bound::Included(key(9)), Bound::Included(key(3)))).is_empty());
    assert_eq!(found(&Range::between(Bound::Included(key(3)), Bound::Included(key(3)))), [3]);
    assert!(found(&Range::prefix(&Key::new("suit"))).is_empty());
    let mut visited = 0;
    let break_off = store.read(|view| {
        view.scan(&whole, &mut |_, _| {
            visited += 1;
            if visited == 300 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
    });
    break_off.unwrap();
    assert_eq!(visited, 300);
}

pub(super) fn every_byte_sorts(store: &Store, _: Effort) {
    let bytes = |n: u8| Key::new("suite").bytes(&[n, 0, n]).raw(&[0xFF, n]);
    let mut expected: Vec<Key> = (0..=255).map(bytes).collect();
    let body = |tx: &mut Tx| {
        (0..=255).rev().for_each(|n| tx.put(bytes(n), vec![n, 0, 0xFF]));
        Ok::<_, StoreError>(())
    };
    run(store.transact("bytes", body)).unwrap();
    let found = store.read(|view| view.range(&Range::all())).unwrap();
    assert_eq!(found.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), expected);
    expected.sort();
    assert!(found.iter().zip(0..=255).all(|((_, value), n)| value[..] == [n, 0, 0xFF]));
}

pub(super) fn limits_are_kept(store: &Store, _: Effort) {
    let long =
        |bytes: usize| Key::new("suite").raw(&(0..bytes).map(|n| (n * 7919 % 251) as u8).collect::<Vec<_>>());
    let put = |key: Key, value: usize| {
        run(store.transact("limits", move |tx| {
            tx.put(key.clone(), vec![1; value]);
            Ok::<_, StoreError>(())
        }))
    };
    let room = store.max_key_bytes() - Key::new("suite").as_bytes().len();
    put(long(room), 1).unwrap();
    let error = put(long(room + 1), 1).unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { what: "key", .. }), "{error}");
    let error = put(key(1), Options::default().max_batch_bytes + 1).unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { what: "transaction", .. }), "{error}");
    put(key(1), 3_000_000).unwrap();
    assert_eq!(store.read(|view| view.get(&key(1))).unwrap().unwrap().len(), 3_000_000);
}

pub(super) fn clearing_leaves_nothing(store: &Store, _: Effort) {
    for round in 0..3 {
        run(write(store, &[(key(round), Some("x")), (key(100), Some("y"))])).unwrap();
        store.clear().unwrap();
        assert_eq!(all(store), []);
    }
    run(write(store, &[(key(1), Some("after"))])).unwrap();
    assert_eq!(all(store), [(key(1), "after".into())]);
}

pub(super) fn a_dropped_future_is_whole_or_nothing(store: &Store, _: Effort) {
    for n in 0..20 {
        let writes = [(key(n), Some("x")), (key(n + 1000), Some("x"))];
        let mut future = Box::pin(write(store, &writes));
        // Polled inside a runtime, because an engine may need one, and then dropped.
        let first = run(async { future.as_mut().poll(&mut Context::from_waker(Waker::noop())) });
        assert!(!matches!(first, Poll::Ready(Err(_))));
        drop(future);
    }
    run(write(store, &[(key(5000), Some("last"))])).unwrap();
    let found = numbers(&all(store));
    for n in 0..20 {
        assert_eq!(found.contains(&n), found.contains(&(n + 1000)));
    }
}

pub(super) fn a_panic_in_a_transaction_harms_nothing(store: &Store, _: Effort) {
    run(write(store, &[(key(1), Some("x"))])).unwrap();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let panicking = std::panic::AssertUnwindSafe(|| {
        run(store.transact("panics", |tx| -> Result<(), StoreError> {
            tx.put(key(2), "y");
            tx.get(&key(1))?;
            panic!("on purpose")
        }))
    });
    let outcome = std::panic::catch_unwind(panicking);
    std::panic::set_hook(hook);
    assert!(outcome.is_err());
    run(write(store, &[(key(3), Some("z"))])).unwrap();
    assert_eq!(numbers(&all(store)), [1, 3]);
}
