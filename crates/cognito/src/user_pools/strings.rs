//! Session strings and secret blocks: what a client carries from one step of a sign-in to the next, once.

use std::time::Duration;

use nephos_core::{Timestamp, random};
use nephos_store::{Read, Tx};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::secrets::PoolSecrets;
use crate::crypto::{self, opaque};
use crate::error::Error;
use crate::{expiry, keys, stamp};

/// What kind of string it is; none passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `SECRET_BLOCK`
    SecretBlock,
    /// `Session` of `NEW_PASSWORD_REQUIRED`
    NewPassword,
}

impl Kind {
    fn purpose(self) -> &'static [u8] {
        match self {
            Kind::SecretBlock => b"secret-block",
            Kind::NewPassword => b"new-password",
        }
    }
}

/// A string's content: ours, plus what makes it end and single.
#[derive(Serialize, Deserialize)]
pub(crate) struct Carried<T> {
    nonce: [u8; 16],
    #[serde(with = "stamp")]
    expires: Timestamp,
    /// The content.
    pub(crate) content: T,
}

/// Seals content that lasts for `life`.
pub(crate) fn seal<T: Serialize>(
    secrets: &PoolSecrets,
    kind: Kind,
    content: T,
    ends: (Timestamp, Duration),
) -> Result<Vec<u8>, Error> {
    let carried = Carried { nonce: random::bytes(), expires: ends.0 + ends.1, content };
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(&carried).map_err(|error| {
        Error::Internal(format!("expected a serialisable session, got {:?}", error.classify()))
    })?);
    opaque::seal(&secrets.strings(), kind.purpose(), &plain)
        .ok_or_else(|| Error::Internal("expected a sealed string, the cipher refused".to_owned()))
}

/// Opens a string; none where it is not ours or not of that kind.
pub(crate) fn open<T: DeserializeOwned>(
    secrets: &PoolSecrets,
    kind: Kind,
    sealed: &[u8],
) -> Option<Carried<T>> {
    let plain = opaque::open(&secrets.strings(), kind.purpose(), sealed)?;
    serde_json::from_slice(&plain).ok()
}

/// A session string's bytes.
pub(crate) fn session_bytes(session: &str) -> Option<Vec<u8>> {
    crypto::from_base64url(session)
}

/// What happened to a string before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Nothing: this is its first use, and it is marked.
    First,
    /// It was used.
    Again,
    /// It has ended.
    Late,
}

impl<T> Carried<T> {
    /// Uses the string up. What it writes must be committed whatever comes of the step.
    pub(crate) fn spend(&self, tx: &mut Tx, now: Timestamp) -> Result<Use, Error> {
        if now >= self.expires {
            return Ok(Use::Late);
        }
        let mark = keys::used(&self.nonce);
        if tx.get(&mark)?.is_some() {
            return Ok(Use::Again);
        }
        expiry::set(tx, &mark, None, self.expires);
        tx.put(mark, Vec::new());
        Ok(Use::First)
    }
}
