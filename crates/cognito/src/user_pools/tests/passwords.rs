//! Passwords at rest: never readable, and hashed anew when the parameters change.

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use nephos_store::{Read, Tx};

use crate::error::Error;
use crate::keys;
use crate::testing::{Bench, PASSWORD};
use crate::user_pools::user_record::PasswordRecord;

fn record(bench: &Bench, pool: &str) -> PasswordRecord {
    let row = keys::password(pool, "ann");
    bench.store.read(|view| Ok::<_, Error>(view.record(&row)?.unwrap())).unwrap()
}

#[tokio::test]
async fn nothing_of_a_password_is_stored_readable() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    bench.tokens(&client, "ann").await.unwrap();
    assert!(!bench.stores(PASSWORD));
    let record = record(&bench, &pool);
    assert!(record.hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    // The verifier is sealed: as stored it is no number of the group with a salt behind it.
    let sealed = crate::crypto::from_base64(&record.verifier).unwrap();
    assert!(sealed.len() > 384 + 16);
}

#[tokio::test]
async fn a_stale_hash_is_replaced_at_the_next_sign_in() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
    let hash = weak.hash_password_with_salt(PASSWORD.as_bytes(), &[3; 16]).unwrap().to_string();
    let stale = PasswordRecord { hash, ..record(&bench, &pool) };
    let put = |tx: &mut Tx| Ok::<_, Error>(tx.put_record(keys::password(&pool, "ann"), &stale)?);
    bench.store.transact("t", put).await.unwrap();
    bench.tokens(&client, "ann").await.unwrap();
    let renewed = record(&bench, &pool);
    assert!(renewed.hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_ne!(renewed.generation, stale.generation);
    bench.tokens(&client, "ann").await.unwrap();
}
