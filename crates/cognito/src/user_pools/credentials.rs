//! Passwords made and checked: the hash for those that come in clear, the verifier for SRP.

use nephos_core::{Timestamp, random};
use zeroize::Zeroizing;

use super::pool_record::PoolRecord;
use super::user_record::{PasswordRecord, UserRecord};
use crate::crypto::password::{self, Check};
use crate::crypto::srp::Verifier;
use crate::crypto::workers::Workers;
use crate::error::Error;
use crate::seal::Vault;

/// Whose password is made.
pub(crate) struct Owner<'a> {
    /// The pool.
    pub(crate) pool: &'a PoolRecord,
    /// The username as it is stored, which takes part in the verifier.
    pub(crate) username: &'a str,
    /// The `sub`.
    pub(crate) sub: &'a str,
}

impl<'a> Owner<'a> {
    /// A user that exists.
    pub(crate) fn of(pool: &'a PoolRecord, user: &'a UserRecord) -> Owner<'a> {
        Owner { pool, username: &user.username, sub: &user.sub }
    }
}

/// Hashes a password in the workers. `expires` is when a temporary one ends.
pub(crate) async fn make(
    workers: &Workers,
    vault: &Vault,
    owner: Owner<'_>,
    password: &str,
    expires: Option<Timestamp>,
) -> Result<PasswordRecord, Error> {
    let (short, username) = (owner.pool.short_id().to_owned(), owner.username.to_owned());
    let secret = Zeroizing::new(password.to_owned());
    let job = move || (password::hash(&secret), Verifier::new(&short, &username, &secret).to_bytes());
    let (hash, verifier) = workers.run(job).await?;
    let generation = random::hex(&random::bytes::<8>());
    Ok(PasswordRecord {
        hash: hash?,
        verifier: vault.seal("srp-verifier", &[&owner.pool.id, owner.sub, &generation], &verifier)?,
        generation,
        expires: expires.map(Timestamp::millis),
    })
}

/// Opens a password's verifier.
pub(crate) fn verifier(
    vault: &Vault,
    pool: &str,
    sub: &str,
    record: &PasswordRecord,
) -> Result<Verifier, Error> {
    let bytes = vault.open("srp-verifier", &[pool, sub, &record.generation], &record.verifier)?;
    Verifier::from_bytes(&bytes)
        .ok_or_else(|| Error::Internal("expected a salt and a verifier, got fewer bytes".to_owned()))
}

/// Checks a password in the workers. Without a record it takes as long and is wrong.
pub(crate) async fn check(
    workers: &Workers,
    record: Option<&PasswordRecord>,
    password: &str,
) -> Result<Check, Error> {
    let secret = Zeroizing::new(password.to_owned());
    let hash = record.map(|record| record.hash.clone());
    let job = move || match hash {
        Some(hash) => password::check(&secret, &hash),
        None => password::check_nobody(&secret).map(|()| Check::Wrong),
    };
    Ok(workers.run(job).await??)
}
