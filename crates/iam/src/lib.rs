//! IAM and STS: who may do what, and who anyone is.
//!
//! Every call of every service is decided here, through the ports `Authorize` (may they?), `Identify` (whose access key is
//! it?) and `IssueCredentials` (take on a role). The two APIs, [`Iam`] and [`Sts`], administer and hand out what the ports
//! decide by.
//!
//! Invariants: an explicit Deny wins; nothing that fails allows; secrets are sealed at rest and never printed; a session
//! token opens only with its own access key; after a change is acknowledged no decision rests on what was before it.
//!
//! Reading order: [`policy`] (the pure engine), `authorize` (what a request brings to it), `subjects` (compiled policies and
//! their cache), `identify` and `sts::token` (credentials), [`seal`], `bootstrap` and [`seed`] (the first keys), then the
//! API: `api`, `access`, and one file a noun.

mod access;
mod access_keys;
mod accounts;
pub mod api;
mod attachments;
pub mod audit;
mod authorize;
mod bootstrap;
mod boundaries;
mod cache;
mod directory;
mod documents;
mod error;
mod groups;
mod identify;
mod inline;
mod keys;
pub mod managed;
mod pages;
mod policies;
pub mod policy;
mod records;
mod roles;
pub mod seal;
pub mod seed;
pub mod shapes;
mod simulate;
pub mod sts;
mod subjects;
mod tags;
mod users;

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use nephos_core::ports::VerifyWebIdentity;
use nephos_core::{AccountId, Clock};
use nephos_store::{Store, Tx};

pub use bootstrap::{ROOT_CREDENTIALS_FILE, RootCredentials};
pub use error::Error;
pub use identify::DEV_KEY;
pub use sts::Sts;

use crate::audit::{Refusal, Refusals};
use crate::cache::Cache;
use crate::documents::Documents;
use crate::identify::KnownKey;
use crate::keys::Sort;
use crate::seal::Sealer;
use crate::sts::token::TokenKeys;
use crate::subjects::{Epochs, Stamp, Subject};

/// Whether refusals are enforced. There is no way to have no decision at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// What policies do not allow is refused.
    #[default]
    Enforce,
    /// Everything is allowed, and what would have been refused is recorded.
    Audit,
}

/// How IAM is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// The account that the first start makes credentials for.
    pub account: AccountId,
    /// Whether refusals are enforced.
    pub mode: Mode,
    /// Whether access key `test` with secret `test`, and any account id as access key, is the root user.
    pub dev: bool,
    /// Where `root-credentials` is kept; nowhere if absent.
    pub data_dir: Option<PathBuf>,
    /// How many users and roles keep their compiled policies in memory (at most twice as many).
    pub cached_subjects: usize,
    /// How much text of session and resource policies is kept compiled, in bytes (at most twice as much of each kind).
    pub cached_document_bytes: usize,
    /// How many refusals are kept to be explained.
    pub kept_refusals: usize,
    /// How long a decision may rest on what another node may have changed meanwhile; absent where no other node is.
    pub freshness: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            account: AccountId::DEFAULT,
            mode: Mode::Enforce,
            dev: false,
            data_dir: None,
            cached_subjects: 2_000,
            cached_document_bytes: 2 << 20,
            kept_refusals: 1_000,
            freshness: None,
        }
    }
}

/// What IAM works with.
#[derive(Clone)]
pub struct Deps {
    /// Where its records are.
    pub store: Store,
    /// Seals secrets.
    pub sealer: Sealer,
    /// The clock.
    pub clock: Clock,
}

/// IAM.
pub struct Iam {
    config: Config,
    store: Store,
    sealer: Sealer,
    clock: Clock,
    tokens: TokenKeys,
    epochs: Epochs,
    /// Users and roles by id; one that does not exist is known as such.
    subjects: Cache<String, (Stamp, Option<Arc<Subject>>)>,
    access_keys: Cache<String, KnownKey>,
    policy_texts: Cache<(AccountId, String), (Stamp, Option<Arc<str>>)>,
    valid_from: Cache<AccountId, (Stamp, Option<nephos_core::Timestamp>)>,
    documents: Documents,
    refusals: Refusals,
    verifiers: RwLock<Vec<Arc<dyn VerifyWebIdentity>>>,
    root: RwLock<Option<RootCredentials>>,
    /// The era of the store in which the first keys were found in it, or put there.
    settled_era: AtomicU64,
}

nephos_wire::service!(Iam, &shapes::MODEL, api::ROWS);

impl Iam {
    /// Opens IAM, making and storing keys and credentials that are not there yet.
    pub async fn start(config: Config, deps: Deps) -> Result<Arc<Iam>, Error> {
        let iam = Iam::open(config, deps)?;
        iam.settle().await?;
        Ok(iam)
    }

    /// Opens IAM and waits for no write. [`Iam::settle`] is to be called next, beside serving.
    pub fn open(config: Config, deps: Deps) -> Result<Arc<Iam>, Error> {
        let Deps { store, sealer, clock } = deps;
        let subjects = config.cached_subjects;
        let iam = Iam {
            epochs: Epochs::new(subjects, config.freshness),
            subjects: Cache::new(subjects),
            access_keys: Cache::new(subjects),
            policy_texts: Cache::new(subjects),
            valid_from: Cache::new(subjects),
            documents: Documents::new(config.cached_document_bytes),
            refusals: Refusals::new(config.kept_refusals),
            tokens: TokenKeys::default(),
            verifiers: RwLock::default(),
            root: RwLock::default(),
            settled_era: AtomicU64::new(0),
            config,
            store,
            sealer,
            clock,
        };
        iam.prepare()?;
        Ok(Arc::new(iam))
    }

    /// Adds a verifier of web identity tokens that the platform issues itself.
    pub fn add_web_identity_verifier(&self, verifier: Arc<dyn VerifyWebIdentity>) {
        self.verifiers.write().unwrap_or_else(PoisonError::into_inner).push(verifier);
    }

    /// After the store was wiped: forgets everything, and makes the first keys again, which [`Iam::settle`] stores.
    pub fn reset(&self) -> Result<(), Error> {
        self.epochs.wiped();
        self.subjects.clear();
        self.access_keys.clear();
        self.policy_texts.clear();
        self.valid_from.clear();
        self.refusals.clear();
        self.prepare()
    }

    /// What was refused lately, or in audit mode would have been; oldest first.
    pub fn refusals(&self) -> Vec<Refusal> {
        self.refusals.all()
    }

    /// Writes to an account. Raises its epoch in the same transaction, so that what is cached of it is read again.
    pub(crate) async fn write<T>(
        &self,
        name: &'static str,
        account: AccountId,
        change: impl Fn(&mut Tx) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (value, epoch) = self
            .store
            .transact(name, |tx| {
                let value = change(tx)?;
                Ok::<_, Error>((value, subjects::raise_epoch(tx, account)?))
            })
            .await?;
        self.epochs.raise(account, epoch);
        Ok(value)
    }

    /// A user or role with its compiled policies, if it is still the one with this id.
    pub(crate) fn subject(
        &self,
        account: AccountId,
        sort: Sort,
        name: &str,
        id: &str,
    ) -> Result<Option<Arc<Subject>>, Error> {
        let now = self.epochs.now(&self.store, account)?;
        if let Some((stamp, subject)) = self.subjects.get(id)
            && stamp.covers(now)
        {
            return Ok(subject);
        }
        let (stamp, subject) = self.store.read(|view| {
            let stamp = self.epochs.of(view, account)?;
            Ok::<_, Error>((stamp, Subject::load(view, account, sort, name, id)?.map(Arc::new)))
        })?;
        self.subjects.insert(id.to_owned(), (stamp, subject.clone()), 1);
        Ok(subject)
    }

    /// The document that counts of a managed policy.
    pub(crate) fn policy_text(&self, account: AccountId, arn: &str) -> Result<Option<Arc<str>>, Error> {
        let now = self.epochs.now(&self.store, account)?;
        let key = (account, arn.to_owned());
        if let Some((stamp, text)) = self.policy_texts.get(&key)
            && stamp.covers(now)
        {
            return Ok(text);
        }
        let (stamp, text) = self.store.read(|view| {
            let stamp = self.epochs.of(view, account)?;
            Ok::<_, Error>((stamp, directory::policy_document(view, account, arn)?.map(Arc::from)))
        })?;
        self.policy_texts.insert(key, (stamp, text.clone()), 1);
        Ok(text)
    }

    /// Sessions of the account that were issued before this are over.
    pub(crate) fn sessions_valid_from(
        &self,
        account: AccountId,
    ) -> Result<Option<nephos_core::Timestamp>, Error> {
        let now = self.epochs.now(&self.store, account)?;
        if let Some((stamp, from)) = self.valid_from.get(&account)
            && stamp.covers(now)
        {
            return Ok(from);
        }
        let (stamp, from) = self.store.read(|view| {
            let stamp = self.epochs.of(view, account)?;
            Ok::<_, Error>((stamp, directory::account(view, account)?.sessions_valid_from_millis))
        })?;
        let from = from.map(nephos_core::Timestamp::from_millis);
        self.valid_from.insert(account, (stamp, from), 1);
        Ok(from)
    }

    /// Ends every session of the account that was issued before now.
    pub async fn revoke_sessions(&self, account: AccountId) -> Result<(), Error> {
        let now = self.clock.now();
        self.write("iam.revoke_sessions", account, |tx| {
            let mut record = directory::account(tx, account)?;
            record.sessions_valid_from_millis = Some(now.millis());
            Ok(tx.put_record(keys::account(account), &record)?)
        })
        .await
    }
}
