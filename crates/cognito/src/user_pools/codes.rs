//! Codes that were sent: one for each user and purpose, with an end and a limit of wrong guesses.

use std::time::Duration;

use nephos_core::Timestamp;
use nephos_store::{Range, Read, Record, Tx};
use serde::{Deserialize, Serialize};

use super::contact::Contact;
use super::pool_record::PoolRecord;
use crate::crypto;
use crate::error::Error;
use crate::{expiry, keys, stamp};

/// A code is void after so many wrong guesses.
const WRONG_GUESSES: u32 = 15;

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Confirming a sign-up.
    SignUp,
    /// Setting a new password.
    Recovery,
    /// Verifying a contact.
    Verify(Contact),
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Purpose::SignUp => "sign-up",
            Purpose::Recovery => "recovery",
            Purpose::Verify(Contact::Email) => "verify-email",
            Purpose::Verify(Contact::PhoneNumber) => "verify-phone",
        }
    }

    fn life(self) -> Duration {
        match self {
            Purpose::SignUp | Purpose::Verify(_) => Duration::from_secs(24 * 3600),
            Purpose::Recovery => Duration::from_secs(3600),
        }
    }
}

/// An outstanding code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CodeRecord {
    digest: String,
    #[serde(with = "stamp")]
    expires: Timestamp,
    wrong: u32,
    /// Where it was sent.
    pub(crate) contact: Contact,
    /// The address it was sent to: another one by now is not verified by it.
    pub(crate) address: String,
}

impl Record for CodeRecord {
    const VERSION: u16 = 1;
}

/// A user's code for a purpose.
pub(crate) struct Slot<'a> {
    /// The pool.
    pub(crate) pool: &'a PoolRecord,
    /// The pool's key for codes.
    pub(crate) key: &'a [u8; 32],
    /// The canonical username.
    pub(crate) user: &'a str,
    /// What for.
    pub(crate) purpose: Purpose,
}

/// How a guess went.
pub(crate) enum Guess {
    /// The code; it is used up now.
    Right(CodeRecord),
    /// Not the code.
    Wrong,
    /// There is no code, or it is too old, or it was guessed at too often.
    Void,
}

impl Guess {
    /// The code's record, or Cognito's error.
    pub(crate) fn right(self) -> Result<CodeRecord, Error> {
        match self {
            Guess::Right(record) => Ok(record),
            Guess::Wrong => Err(Error::CodeMismatch),
            Guess::Void => Err(Error::ExpiredCode),
        }
    }
}

impl Slot<'_> {
    fn row(&self) -> nephos_store::Key {
        keys::code(&self.pool.id, self.user, self.purpose.name())
    }

    fn digest(&self, code: &str) -> String {
        crypto::base64(&crypto::codes::digest(self.key, self.user, self.purpose.name(), code))
    }

    /// Stores a code; an earlier one is void.
    pub(crate) fn put(
        &self,
        tx: &mut Tx,
        code: &str,
        (contact, address): (Contact, &str),
        now: Timestamp,
    ) -> Result<(), Error> {
        let before = tx.record::<CodeRecord>(&self.row())?;
        let expires = now + self.purpose.life();
        let (digest, address) = (self.digest(code), address.to_owned());
        expiry::set(tx, &self.row(), before.map(|code| code.expires), expires);
        tx.put_record(self.row(), &CodeRecord { digest, expires, wrong: 0, contact, address })?;
        Ok(())
    }

    /// Checks a guess. What it writes must be committed whatever the outcome.
    pub(crate) fn guess(&self, tx: &mut Tx, code: &str, now: Timestamp) -> Result<Guess, Error> {
        let Some(mut record) = tx.record::<CodeRecord>(&self.row())? else { return Ok(Guess::Void) };
        if now >= record.expires {
            expiry::remove(tx, self.row(), record.expires);
            return Ok(Guess::Void);
        }
        if crypto::equal(self.digest(code).as_bytes(), record.digest.as_bytes()) {
            expiry::remove(tx, self.row(), record.expires);
            return Ok(Guess::Right(record));
        }
        record.wrong += 1;
        if record.wrong >= WRONG_GUESSES {
            expiry::remove(tx, self.row(), record.expires);
        } else {
            tx.put_record(self.row(), &record)?;
        }
        Ok(Guess::Wrong)
    }
}

/// Takes back all outstanding codes of a user, ends included: the next user of that name must not lose a code to them.
pub(crate) fn remove_all(tx: &mut Tx, pool: &PoolRecord, user: &str) -> Result<(), Error> {
    for (key, record) in tx.records::<CodeRecord>(&Range::prefix(&keys::user_codes(&pool.id, user)))? {
        expiry::remove(tx, key, record.expires);
    }
    Ok(())
}
