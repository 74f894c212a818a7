//! The suite on a PostgreSQL server of the tests' own.

use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::{Effort, SUITE, key, run, write};
use crate::{Options, Range, Read, Store, StoreError};

/// Connects as soon as the server answers.
fn store_on(server: &Cluster, options: &Options) -> Store {
    let began = Instant::now();
    loop {
        match Store::postgres(&server.url(), options.clone()) {
            Ok(store) => return store,
            Err(error) if began.elapsed() > Duration::from_secs(60) => {
                panic!("the server does not answer: {error}\n{}", server.log());
            }
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn sql(server: &Cluster, statement: &str) {
    let client = postgres::Client::connect(&server.url(), postgres::NoTls);
    client.unwrap().batch_execute(statement).unwrap();
}

#[test]
fn the_postgres_engine_passes_the_suite() {
    let server = Cluster::start();
    let effort = Effort { cases: 6, transactions: 320 };
    for (name, test) in SUITE {
        let began = Instant::now();
        println!("{name}");
        let store = store_on(&server, &Options::default());
        store.clear().unwrap();
        test(&store, effort);
        println!("  {:?}", began.elapsed());
    }
    a_lost_connection_is_replaced(&server);
    work_waits_for_a_connection(&server);
    another_format_is_refused(&server);
    a_runtime_of_one_thread_will_do(&server);
}

fn a_lost_connection_is_replaced(server: &Cluster) {
    let store = store_on(server, &Options { connections: 3, ..Options::default() });
    run(write(&store, &[(key(1), Some("x"))])).unwrap();
    sql(
        server,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
    );
    std::thread::sleep(Duration::from_millis(100));
    run(write(&store, &[(key(2), Some("y"))])).unwrap();
    assert!(store.read(|view| view.get(&key(1))).unwrap().is_some());
}

fn work_waits_for_a_connection(server: &Cluster) {
    let store = store_on(server, &Options { connections: 1, ..Options::default() });
    std::thread::scope(|scope| {
        for n in 0..6 {
            let store = &store;
            scope.spawn(move || run(write(store, &[(key(n), Some("x"))])).unwrap());
        }
    });
    let found = store.read(|view| Ok::<_, StoreError>(view.range(&Range::all())?.len()));
    assert!(found.unwrap() >= 6);
}

fn another_format_is_refused(server: &Cluster) {
    sql(server, "UPDATE nephos_kv SET v = 'other' WHERE k = '\\xff66'");
    let error = Store::postgres(&server.url(), Options::default()).map(drop).unwrap_err();
    assert!(error.to_string().contains("format other"), "{error}");
    sql(server, "TRUNCATE nephos_kv");
}

fn a_runtime_of_one_thread_will_do(server: &Cluster) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = store_on(server, &Options::default());
        write(&store, &[(key(1), Some("x"))]).await.unwrap();
        assert!(store.read(|view| view.get(&key(1))).unwrap().is_some());
    });
}

#[test]
fn a_bad_connection_string_does_not_tell_the_password() {
    let error = Store::postgres("postgres://user:secret@[bad", Options::default()).map(drop).unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}
