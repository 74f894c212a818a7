//! Which identity a set of verified logins is: found, linked, merged or made.

use nephos_core::Timestamp;
use nephos_store::{Read, Tx};

use super::identity_record::IdentityRecord;
use super::logins::Login;
use super::no_identity;
use super::pool_record::IdentityPoolRecord;
use crate::error::Error;
use crate::keys;

/// An identity by id.
pub(crate) fn read_identity(read: &dyn Read, id: &str) -> Result<IdentityRecord, Error> {
    (&read).record(&keys::identity(id))?.ok_or_else(|| no_identity(id))
}

/// The identity that a login belongs to.
fn holder(read: &dyn Read, pool: &str, login: &Login) -> Result<Option<IdentityRecord>, Error> {
    let Some(id) = read.get(&keys::login(pool, &login.provider, &login.subject))? else { return Ok(None) };
    let id = std::str::from_utf8(&id)
        .map_err(|_| Error::Internal("expected an identity's id, got other bytes".to_owned()))?;
    read_identity(read, id).map(Some)
}

/// `GetId`: the identity of the logins, made where there is none.
pub(crate) fn find_or_make(
    tx: &mut Tx,
    pool: &IdentityPoolRecord,
    logins: &[Login],
    fresh: &IdentityRecord,
) -> Result<IdentityRecord, Error> {
    let mut found = None;
    for login in logins {
        found = found.or(holder(tx, &pool.id, login)?);
    }
    let identity = found.unwrap_or_else(|| fresh.clone());
    link(tx, identity, logins, fresh.created)
}

/// The identity that is named, if the logins may use it; it may come back as another into which it was merged.
pub(crate) fn enter(
    tx: &mut Tx,
    identity: IdentityRecord,
    logins: &[Login],
    now: Timestamp,
) -> Result<IdentityRecord, Error> {
    if identity.disabled || (logins.is_empty() && !identity.logins.is_empty()) {
        return Err(Error::NotAuthorized(format!("Access to Identity '{}' is forbidden.", identity.id)));
    }
    let own = logins.iter().any(|login| identity.logins.get(&login.provider) == Some(&login.subject));
    if own || logins.is_empty() {
        return link(tx, identity, logins, now);
    }
    if !identity.logins.is_empty() {
        return Err(Error::not_authorized(
            "Logins don't match. Please include at least one valid login for this identity or identity pool.",
        ));
    }
    // A guest signs in: it becomes the user's identity, or gives way to the one that the user has.
    for login in logins {
        if let Some(known) = holder(tx, &identity.pool, login)? {
            IdentityRecord { disabled: true, modified: now, ..identity }.put(tx)?;
            return link(tx, known, logins, now);
        }
    }
    link(tx, identity, logins, now)
}

/// Adds logins to an identity; other identities that they belong to are merged into it.
fn link(
    tx: &mut Tx,
    mut identity: IdentityRecord,
    logins: &[Login],
    now: Timestamp,
) -> Result<IdentityRecord, Error> {
    let before = identity.clone();
    for login in logins {
        match holder(tx, &identity.pool, login)? {
            Some(other) if other.id != identity.id => merge(tx, &mut identity, other, now)?,
            _ => add(&mut identity, &login.provider, &login.subject)?,
        }
    }
    if identity != before || tx.get(&keys::identity(&identity.id))?.is_none() {
        identity.modified = now;
        identity.put(tx)?;
    }
    Ok(identity)
}

fn add(identity: &mut IdentityRecord, provider: &str, subject: &str) -> Result<(), Error> {
    let known = identity.logins.insert(provider.to_owned(), subject.to_owned());
    if known.is_some_and(|known| known != subject) {
        return Err(Error::ResourceConflict(format!("The identity already has a login of {provider}.")));
    }
    Ok(())
}

/// Moves the logins of `other` to `identity`; `other` gives nothing any more.
fn merge(
    tx: &mut Tx,
    identity: &mut IdentityRecord,
    mut other: IdentityRecord,
    now: Timestamp,
) -> Result<(), Error> {
    for (provider, subject) in std::mem::take(&mut other.logins) {
        add(identity, &provider, &subject)?;
    }
    IdentityRecord { disabled: true, modified: now, ..other }.put(tx)
}
