//! User pools: users who sign up, sign in, and get tokens that prove it.
//!
//! Invariants: no password, code, refresh token, secret or private key is stored readable; every session string and
//! secret block works once; calls without credentials find their pool by client id or token alone, in any account and
//! region; calls with credentials find only pools of their own account and region.
//!
//! Reading order: [`api`], [`pools`], [`clients`], [`sign_up`], [`auth`], [`tokens`], [`own_account`], [`admin_users`].

mod access;
mod access_token;
mod admin_attributes;
mod admin_create;
mod admin_passwords;
mod admin_users;
mod aliases;
pub mod api;
mod attempts;
mod attributes;
mod auth;
mod auth_password;
mod auth_refresh;
mod auth_srp;
mod client_record;
mod client_settings;
mod clients;
mod codes;
mod contact;
mod credentials;
mod delivery;
mod filter;
mod group_record;
mod groups;
mod list_users;
mod memberships;
mod mfa;
mod new_password;
mod own_account;
mod own_attributes;
mod own_sign_ins;
mod password_policy;
mod pool_record;
mod pool_settings;
mod pool_view;
mod pools;
mod recovery;
mod schema;
mod secret_hash;
mod secrets;
pub mod shapes;
mod sign_ins;
mod sign_up;
mod strings;
mod tags;
pub(crate) mod tokens;
mod turns;
mod user_record;
mod user_view;
mod well_known;

use std::sync::Arc;

use nephos_core::Cx;
use nephos_core::ports::Deliver;
use nephos_store::{Read, Store};

use self::client_record::ClientRecord;
use self::pool_record::PoolRecord;
use self::turns::Turns;
use crate::crypto::rsa::KeyForge;
use crate::crypto::workers::Workers;
use crate::error::Error;
use crate::keys;
use crate::seal::Vault;
use crate::signing::SignerCache;

pub(crate) use self::access_token::holds;
pub(crate) use self::pools::purge_all;

/// The user pools of all accounts and regions.
pub struct UserPools {
    issuer: String,
    store: Store,
    vault: Vault,
    workers: Workers,
    forge: KeyForge,
    signers: SignerCache,
    turns: Turns,
    deliver: Arc<dyn Deliver>,
}

nephos_wire::service!(UserPools, &shapes::MODEL, api::ROWS);

impl UserPools {
    pub(crate) fn new(
        issuer: String,
        (store, vault): (Store, Vault),
        (workers, forge): (Workers, KeyForge),
        deliver: Arc<dyn Deliver>,
    ) -> UserPools {
        let (signers, turns) = (SignerCache::default(), Turns::default());
        UserPools { issuer, store, vault, workers, forge, signers, turns, deliver }
    }

    /// The `iss` of a pool's tokens.
    pub(crate) fn issuer_of(&self, pool: &PoolRecord) -> String {
        self.issuer.replace("{region}", &pool.region).replace("{poolId}", &pool.id)
    }
}

/// Any pool.
pub(crate) fn any_pool(read: &dyn Read, id: &str) -> Result<PoolRecord, Error> {
    (&read).record(&keys::pool(id))?.ok_or_else(|| Error::no_pool(id))
}

/// A pool of the caller's account and region.
fn own_pool(read: &dyn Read, cx: &Cx, id: &str) -> Result<PoolRecord, Error> {
    let pool = any_pool(read, id)?;
    let own = pool.account == cx.account.as_str() && pool.region == cx.region.as_str();
    if own { Ok(pool) } else { Err(Error::no_pool(id)) }
}

/// Any client with its pool.
fn any_client(read: &dyn Read, id: &str) -> Result<(PoolRecord, ClientRecord), Error> {
    let client: ClientRecord = (&read).record(&keys::client(id))?.ok_or_else(|| Error::no_client(id))?;
    Ok((any_pool(read, &client.pool)?, client))
}

/// A client of that pool.
fn pool_client(read: &dyn Read, pool: &PoolRecord, id: &str) -> Result<ClientRecord, Error> {
    let client: Option<ClientRecord> = (&read).record(&keys::client(id))?;
    client.filter(|client| client.pool == pool.id).ok_or_else(|| Error::no_client(id))
}

/// A member that the model requires.
fn need<T>(member: Option<T>, name: &str) -> Result<T, Error> {
    member.ok_or_else(|| Error::missing(name))
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
