//! Aliases: attributes that stand for the username at sign-in, each value held by one user of a pool.
//!
//! Where contacts take the username's place they count at once; otherwise an address counts once it is verified.

use nephos_store::{Read, Tx};

use super::contact::Contact;
use super::pool_record::PoolRecord;
use super::user_record::{self, UserRecord, UserStatus};
use crate::error::Error;
use crate::keys;

/// The aliases that a user should hold: attribute and canonical value.
fn held(pool: &PoolRecord, user: &UserRecord) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    for contact in Contact::ALL {
        let counts = pool.fixed.username_attributes.contains(&contact)
            || (pool.fixed.aliases.contains(contact.attribute()) && user.is_verified(contact));
        if let Some(value) = user.attribute(contact.attribute()).filter(|_| counts) {
            out.push((contact.attribute(), pool.canonical(value)));
        }
    }
    let preferred = user.attribute("preferred_username").filter(|_| user.status != UserStatus::Unconfirmed);
    if let Some(value) = preferred.filter(|_| pool.fixed.aliases.contains("preferred_username")) {
        out.push(("preferred_username", pool.canonical(value)));
    }
    out
}

/// Brings the alias rows from what `before` held to what `after` holds. A contact that another user holds is refused,
/// or with `force` taken from that user.
pub(crate) fn update(
    tx: &mut Tx,
    pool: &PoolRecord,
    before: Option<&UserRecord>,
    after: &UserRecord,
    force: bool,
) -> Result<(), Error> {
    let own = pool.canonical(&after.username);
    let (old, new) = (before.map(|user| held(pool, user)).unwrap_or_default(), held(pool, after));
    for (attribute, value) in old.iter().filter(|alias| !new.contains(alias)) {
        let key = keys::alias(&pool.id, attribute, value);
        if tx.get(&key)?.is_some_and(|holder| holder == own.as_bytes()) {
            tx.delete(key);
        }
    }
    for (attribute, value) in &new {
        if let Some(holder) = user_record::alias_holder(tx, pool, attribute, value)?.filter(|h| *h != own) {
            if !force {
                return Err(taken(attribute));
            }
            evict(tx, pool, &holder, attribute)?;
        }
        tx.put(keys::alias(&pool.id, attribute, value), own.clone().into_bytes());
    }
    Ok(())
}

/// Refuses where another user than `own` holds the alias.
pub(crate) fn refuse_taken(
    read: &dyn Read,
    pool: &PoolRecord,
    attribute: &'static str,
    value: &str,
    own: Option<&str>,
) -> Result<(), Error> {
    let holder = user_record::alias_holder(read, pool, attribute, value)?;
    if holder.is_some_and(|holder| Some(holder.as_str()) != own) { Err(taken(attribute)) } else { Ok(()) }
}

fn taken(attribute: &str) -> Error {
    match attribute {
        "preferred_username" => Error::AliasExists("Already found an entry for username".to_owned()),
        _ => Error::AliasExists(format!("An account with the {attribute} already exists.")),
    }
}

/// Takes a verified contact from the user that holds it.
fn evict(tx: &mut Tx, pool: &PoolRecord, holder: &str, attribute: &str) -> Result<(), Error> {
    let key = keys::user(&pool.id, holder);
    let Some(mut user) = tx.record::<UserRecord>(&key)? else { return Ok(()) };
    if let Some(contact) = Contact::parse(attribute) {
        user.attributes.insert(contact.verified_attribute().to_owned(), "false".to_owned());
    }
    tx.put_record(key, &user)?;
    Ok(())
}

/// Removes all aliases of a user that goes.
pub(crate) fn remove(tx: &mut Tx, pool: &PoolRecord, user: &UserRecord) -> Result<(), Error> {
    let own = pool.canonical(&user.username);
    for (attribute, value) in held(pool, user) {
        let key = keys::alias(&pool.id, attribute, &value);
        if tx.get(&key)?.is_some_and(|holder| holder == own.as_bytes()) {
            tx.delete(key);
        }
    }
    Ok(())
}
