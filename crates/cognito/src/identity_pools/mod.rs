//! Identity pools: a sign-in becomes an identity that stays the same, and the identity gets AWS credentials.
//!
//! Invariants: every login is verified, signature, issuer, audience and end; one login that fails fails the call; an
//! identity with logins gives nothing without one of them; what guests get is narrowed by a session policy.
//!
//! Reading order: [`api`], [`pools`], [`identities`], [`logins`], [`credentials`], [`open_id`].

mod access;
pub mod api;
mod credentials;
mod get_id;
mod identities;
mod identity_record;
mod linking;
mod logins;
mod open_id;
mod pool_record;
mod pools;
mod role_choice;
mod roles;
mod scope_down;
pub mod shapes;
mod tags;

use std::sync::Arc;

use nephos_core::Cx;
use nephos_core::ports::IssueCredentials;
use nephos_store::{Read, Store};

pub(crate) use self::pools::purge_all;

use self::pool_record::IdentityPoolRecord;
use crate::crypto::rsa::KeyForge;
use crate::error::Error;
use crate::keys;
use crate::seal::Vault;
use crate::signing::SignerCache;
use crate::user_pools::UserPools;

/// The identity pools of all accounts and regions.
pub struct IdentityPools {
    store: Store,
    vault: Vault,
    forge: KeyForge,
    signers: SignerCache,
    user_pools: Arc<UserPools>,
    credentials: Arc<dyn IssueCredentials>,
}

nephos_wire::service!(IdentityPools, &shapes::MODEL, api::ROWS);

impl IdentityPools {
    pub(crate) fn new(
        (store, vault): (Store, Vault),
        forge: KeyForge,
        user_pools: Arc<UserPools>,
        credentials: Arc<dyn IssueCredentials>,
    ) -> IdentityPools {
        IdentityPools { store, vault, forge, signers: SignerCache::default(), user_pools, credentials }
    }
}

/// Any identity pool.
fn any_pool(read: &dyn Read, id: &str) -> Result<IdentityPoolRecord, Error> {
    (&read).record(&keys::identity_pool(id))?.ok_or_else(|| no_pool(id))
}

/// An identity pool of the caller's account and region.
fn own_pool(read: &dyn Read, cx: &Cx, id: &str) -> Result<IdentityPoolRecord, Error> {
    let pool = any_pool(read, id)?;
    let own = pool.account == cx.account.as_str() && pool.region == cx.region.as_str();
    if own { Ok(pool) } else { Err(no_pool(id)) }
}

fn no_pool(id: &str) -> Error {
    Error::ResourceNotFound(format!("IdentityPool '{id}' not found."))
}

fn no_identity(id: &str) -> Error {
    Error::ResourceNotFound(format!("Identity '{id}' not found."))
}

/// A member that the model requires.
fn need<T>(member: Option<T>, name: &str) -> Result<T, Error> {
    member.ok_or_else(|| Error::missing(name))
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
