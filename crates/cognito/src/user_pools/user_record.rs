//! A user as it is stored, and the ways in which one is named.

use std::collections::BTreeMap;

use nephos_core::Timestamp;
use nephos_store::{Key, Read, Record, Tx};
use serde::{Deserialize, Serialize};

use super::contact::Contact;
use super::pool_record::PoolRecord;
use crate::error::Error;
use crate::{keys, stamp};

/// Where a user stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum UserStatus {
    /// Signed up, the code is still to come.
    Unconfirmed,
    /// Ready to sign in.
    Confirmed,
    /// Has a temporary password.
    ForceChangePassword,
    /// Must recover the password.
    ResetRequired,
}

impl UserStatus {
    /// The API's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            UserStatus::Unconfirmed => "UNCONFIRMED",
            UserStatus::Confirmed => "CONFIRMED",
            UserStatus::ForceChangePassword => "FORCE_CHANGE_PASSWORD",
            UserStatus::ResetRequired => "RESET_REQUIRED",
        }
    }
}

/// A user. The password is a row of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UserRecord {
    /// The username as it was given, or the `sub` where contacts take the username's place.
    pub(crate) username: String,
    /// The id that never changes.
    pub(crate) sub: String,
    /// Whether the user may sign in.
    pub(crate) enabled: bool,
    /// Where the user stands.
    pub(crate) status: UserStatus,
    /// Attributes, `sub` not among them.
    pub(crate) attributes: BTreeMap<String, String>,
    /// When the user was made.
    #[serde(with = "stamp")]
    pub(crate) created: Timestamp,
    /// When the user last changed.
    #[serde(with = "stamp")]
    pub(crate) modified: Timestamp,
    /// Tokens issued before this are dead.
    #[serde(with = "stamp", default)]
    pub(crate) signed_out: Timestamp,
}

impl Record for UserRecord {
    const VERSION: u16 = 1;
}

/// A user's password.
#[derive(Serialize, Deserialize)]
pub(crate) struct PasswordRecord {
    /// Argon2id, as a PHC string.
    pub(crate) hash: String,
    /// The SRP verifier with its salt, sealed.
    pub(crate) verifier: String,
    /// Changes with the password, so that a proof begun with the old one fails.
    pub(crate) generation: String,
    /// When a temporary password ends.
    pub(crate) expires: Option<i64>,
}

impl Record for PasswordRecord {
    const VERSION: u16 = 1;
}

impl UserRecord {
    /// The attribute's value, `sub` included.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        if name == "sub" { Some(&self.sub) } else { self.attributes.get(name).map(String::as_str) }
    }

    /// Whether a contact is set and verified.
    pub(crate) fn is_verified(&self, contact: Contact) -> bool {
        self.attribute(contact.attribute()).is_some()
            && self.attribute(contact.verified_attribute()) == Some("true")
    }
}

/// The row of a user.
pub(crate) fn key(pool: &PoolRecord, username: &str) -> Key {
    keys::user(&pool.id, &pool.canonical(username))
}

/// Finds a user by username, by an alias or by `sub`, in this order.
pub(crate) fn find(read: &dyn Read, pool: &PoolRecord, name: &str) -> Result<Option<UserRecord>, Error> {
    let canonical = pool.canonical(name);
    if let Some(user) = (&read).record::<UserRecord>(&keys::user(&pool.id, &canonical))? {
        return Ok(Some(user));
    }
    let mut candidates: Vec<Key> = Vec::new();
    for attribute in ["email", "phone_number", "preferred_username"] {
        if pool.is_alias(attribute) {
            candidates.push(keys::alias(&pool.id, attribute, &canonical));
        }
    }
    candidates.push(keys::sub(&pool.id, name));
    for target in read.get_many(&candidates)?.into_iter().flatten() {
        let username = text(&target)?;
        if let Some(user) = (&read).record::<UserRecord>(&keys::user(&pool.id, &username))? {
            return Ok(Some(user));
        }
    }
    Ok(None)
}

/// The canonical username that an index row points to.
pub(crate) fn text(value: &[u8]) -> Result<String, Error> {
    let text = std::str::from_utf8(value);
    text.map(str::to_owned)
        .map_err(|_| Error::Internal("expected a username in an index, got other bytes".to_owned()))
}

/// Writes a user's row and its `sub` index.
pub(crate) fn put(tx: &mut Tx, pool: &PoolRecord, user: &UserRecord) -> Result<(), Error> {
    let canonical = pool.canonical(&user.username);
    tx.put_record(keys::user(&pool.id, &canonical), user)?;
    tx.put(keys::sub(&pool.id, &user.sub), canonical.into_bytes());
    Ok(())
}

/// Who holds an alias: the canonical username.
pub(crate) fn alias_holder(
    read: &dyn Read,
    pool: &PoolRecord,
    attribute: &str,
    value: &str,
) -> Result<Option<String>, Error> {
    let key = keys::alias(&pool.id, attribute, &pool.canonical(value));
    read.get(&key)?.map(|holder| text(&holder)).transpose()
}
