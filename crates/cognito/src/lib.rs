//! Cognito: user pools (`cognito-idp`), which let users sign up and in, and identity pools (`cognito-identity`), which
//! turn a sign-in into AWS credentials.
//!
//! [`Cognito`] holds both. Passwords, codes, refresh tokens and private keys are never stored readable; what unsigned
//! calls name (a client, a token, an identity pool) is found across accounts and regions.
//!
//! Reading order: [`user_pools`], [`identity_pools`], then `crypto`, `keys` and `expiry` below them.

mod crypto;
mod error;
mod expiry;
pub mod identity_pools;
mod keys;
mod paging;
mod seal;
mod signing;
mod stamp;
mod tags;
pub mod user_pools;

#[cfg(test)]
mod testing;

use std::sync::Arc;
use std::time::Duration;

use nephos_core::ports::{Deliver, IssueCredentials};
use nephos_core::{Clock, Timestamp};
use nephos_store::Store;

pub use crypto::workers::WorkerLimits;
pub use error::Error;
pub use identity_pools::IdentityPools;
pub use seal::Seal;
pub use user_pools::UserPools;

use crate::crypto::rsa::KeyForge;
use crate::crypto::workers::Workers;
use crate::seal::Vault;

/// How Cognito runs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The `iss` of user pools' tokens; `{region}` and `{poolId}` are filled in.
    pub issuer: String,
    /// Limits of password hashing and SRP.
    pub workers: WorkerLimits,
    /// How often rows that have ended are removed.
    pub sweep_every: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            issuer: "https://cognito-idp.{region}.amazonaws.com/{poolId}".to_owned(),
            workers: WorkerLimits::default(),
            sweep_every: Duration::from_secs(60),
        }
    }
}

/// What Cognito stands on.
pub struct Deps {
    /// Where its state is.
    pub store: Store,
    /// Seals secrets under the platform's master key.
    pub seal: Arc<dyn Seal>,
    /// Delivers codes and invitations.
    pub deliver: Arc<dyn Deliver>,
    /// Issues the credentials of identity pools' roles.
    pub credentials: Arc<dyn IssueCredentials>,
}

/// Both services, and the work behind them.
pub struct Cognito {
    /// `cognito-idp`
    pub user_pools: Arc<UserPools>,
    /// `cognito-identity`
    pub identity_pools: Arc<IdentityPools>,
    store: Store,
    forge: KeyForge,
    sweep_every: Duration,
}

impl Cognito {
    /// Puts the services together. Does no work: keys are made when the first pool is.
    pub fn new(config: Config, deps: Deps) -> Cognito {
        Cognito::with_forge(config, deps, KeyForge::default())
    }

    fn with_forge(config: Config, deps: Deps, forge: KeyForge) -> Cognito {
        let Deps { store, seal, deliver, credentials } = deps;
        let (vault, workers) = (Vault::new(seal), Workers::new(&config.workers));
        let state = (store.clone(), vault.clone());
        let user_pools = Arc::new(UserPools::new(config.issuer, state, (workers, forge.clone()), deliver));
        let identity_pools = Arc::new(IdentityPools::new(
            (store.clone(), vault),
            forge.clone(),
            Arc::clone(&user_pools),
            credentials,
        ));
        Cognito { user_pools, identity_pools, store, forge, sweep_every: config.sweep_every }
    }

    /// Removes what has ended, now and then, until the future is dropped. A few seconds after the start it makes signing
    /// keys ahead, so that the first pool is made quickly and the start itself is not slowed.
    pub async fn work(&self, clock: Clock) {
        tokio::time::sleep(Duration::from_secs(3)).await;
        self.forge.refill();
        loop {
            if let Err(error) = self.sweep(clock.now()).await {
                tracing::error!(%error, "cognito's sweep failed and is tried again");
            }
            tokio::time::sleep(self.sweep_every).await;
        }
    }

    /// Removes rows that had ended at `now`, and what a crash left of deleted pools. Says how many had ended.
    pub async fn sweep(&self, now: Timestamp) -> Result<usize, Error> {
        user_pools::purge_all(&self.store).await?;
        identity_pools::purge_all(&self.store).await?;
        expiry::sweep(&self.store, now).await
    }
}
