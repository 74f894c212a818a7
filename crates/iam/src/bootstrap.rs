//! The first start: the keys that seal session tokens, and the root user's access key.
//!
//! The root access key is random and kept in `root-credentials` (0600) in the data folder, as lines of `NAME=value` that a
//! shell can read. The file and the store mend each other: whichever is missing is made from the other. The file is
//! written first, so that what a start that was cut short has told the root user about stays true.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use nephos_core::ports::Identity;
use nephos_core::{AccountId, Principal, Timestamp, random};
use nephos_store::{Read as _, Tx};
use zeroize::{Zeroize as _, Zeroizing};

use crate::Iam;
use crate::access_keys::{access_key_id, new_secret};
use crate::directory;
use crate::error::Error;
use crate::identify::secret_place;
use crate::keys;
use crate::records::{AccessKey, RootKey, TokenKey, TokenKeyring};
use crate::seal::{Place, Sealer, read_private, write_private};

/// The file's name in the data folder.
pub const ROOT_CREDENTIALS_FILE: &str = "root-credentials";

/// The longest life of a session, after which a retired token key is of no use.
const LONGEST_SESSION: Duration = Duration::from_secs(36 * 3600);

/// The root user's access key.
#[derive(Clone, PartialEq, Eq)]
pub struct RootCredentials {
    /// The account.
    pub account: AccountId,
    /// `AKIA...`
    pub access_key_id: String,
    /// The secret. Never logged.
    pub secret_access_key: String,
}

impl fmt::Debug for RootCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RootCredentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

impl RootCredentials {
    /// Reads the file in the data folder; none if there is no such file.
    pub fn read(data_dir: &Path) -> Result<Option<RootCredentials>, Error> {
        let path = data_dir.join(ROOT_CREDENTIALS_FILE);
        match read_private(&path) {
            Ok((_, text)) => match RootCredentials::parse(&text) {
                Some(credentials) => Ok(Some(credentials)),
                None => Err(failed(
                    &path,
                    io::Error::other("expected AWS_ACCOUNT_ID, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
                )),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&path, error)),
        }
    }

    fn parse(text: &str) -> Option<RootCredentials> {
        let value = |name: &str| {
            text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
        };
        Some(RootCredentials {
            account: value("AWS_ACCOUNT_ID")?.parse().ok()?,
            access_key_id: value("AWS_ACCESS_KEY_ID")?,
            secret_access_key: value("AWS_SECRET_ACCESS_KEY")?,
        })
    }

    fn text(&self) -> Zeroizing<String> {
        let RootCredentials { account, access_key_id, secret_access_key } = self;
        Zeroizing::new(format!(
            "AWS_ACCOUNT_ID={account}\nAWS_ACCESS_KEY_ID={access_key_id}\nAWS_SECRET_ACCESS_KEY={secret_access_key}\n"
        ))
    }
}

impl Drop for RootCredentials {
    fn drop(&mut self) {
        self.secret_access_key.zeroize();
    }
}

fn failed(path: &Path, cause: io::Error) -> Error {
    Error::File { path: path.display().to_string(), cause }
}

impl Iam {
    /// The root user's access key that the first start made.
    pub fn root_credentials(&self) -> Option<RootCredentials> {
        self.root.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Knows the first keys, making them if there are none; the root user's is on file when this returns. What the store
    /// lacks of them is for [`Iam::settle`].
    pub(crate) fn prepare(&self) -> Result<(), Error> {
        self.load_token_keys()?;
        let root = self.root_key()?;
        *self.root.write().unwrap_or_else(PoisonError::into_inner) = Some(root);
        Ok(())
    }

    /// Stores the first keys if the store lacks them. A new store takes its time for its first write, so the platform
    /// serves meanwhile: the root user is known by its file, and whoever issues a session waits here.
    pub async fn settle(&self) -> Result<(), Error> {
        let era = self.epochs.era();
        if self.is_settled() {
            return Ok(());
        }
        let Some(root) = self.root_credentials() else { return Ok(()) };
        let has_root = self.stored_root_key()?.as_ref() == Some(&root);
        if !has_root || self.tokens.is_empty() {
            self.store_first_keys(&root, has_root).await?;
            self.load_token_keys()?;
        }
        // A store that was wiped meanwhile is to be settled again.
        self.settled_era.store(era, Ordering::Release);
        Ok(())
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.settled_era.load(Ordering::Acquire) == self.epochs.era()
    }

    /// The root user by its key, as long as the store does not know it yet.
    pub(crate) fn unsettled_root(&self, access_key_id: &str) -> Option<Identity> {
        let root = self.root_credentials().filter(|root| root.access_key_id == access_key_id)?;
        let principal = Arc::new(Principal::Root { account: root.account });
        (!self.is_settled())
            .then(|| Identity { secret_access_key: root.secret_access_key.clone(), principal })
    }

    fn root_key(&self) -> Result<RootCredentials, Error> {
        let path = self.config.data_dir.as_ref().map(|dir| dir.join(ROOT_CREDENTIALS_FILE));
        let on_file = match &self.config.data_dir {
            Some(dir) => RootCredentials::read(dir)?,
            None => None,
        };
        if let Some(credentials) = on_file {
            return Ok(credentials);
        }
        let credentials = self.stored_root_key()?.unwrap_or_else(|| RootCredentials {
            account: self.config.account,
            access_key_id: access_key_id("AKIA", self.config.account),
            secret_access_key: new_secret(),
        });
        if let Some(path) = path {
            write_root_file(&path, &credentials)?;
        }
        Ok(credentials)
    }

    fn stored_root_key(&self) -> Result<Option<RootCredentials>, Error> {
        let key = self.store.read(|view| {
            let Some(root) = view.record::<RootKey>(&keys::single("root-key"))? else { return Ok(None) };
            directory::access_key(view, &root.access_key_id)
        })?;
        let Some((key, account)) =
            key.and_then(|key| Some((key.account.parse().ok()?, key))).map(|(a, k)| (k, a))
        else {
            return Ok(None);
        };
        let secret = self.sealer.open_text(secret_place(&key.id), &key.secret)?;
        Ok(Some(RootCredentials { account, access_key_id: key.id, secret_access_key: secret }))
    }

    async fn store_first_keys(&self, root: &RootCredentials, has_root: bool) -> Result<(), Error> {
        let (now, token_key) = (self.clock.now(), NewTokenKey::random());
        self.write("iam.first_keys", root.account, |tx| {
            let ring: TokenKeyring = tx.record(&keys::single("token-keys"))?.unwrap_or_default();
            if ring.keys.is_empty() {
                let ring = TokenKeyring { keys: vec![token_key.sealed(&self.sealer, now)?] };
                tx.put_record(keys::single("token-keys"), &ring)?;
            }
            if has_root {
                return Ok(());
            }
            tx.put_record(keys::single("root-key"), &RootKey { access_key_id: root.access_key_id.clone() })?;
            let key =
                self.sealed_key(root.account, None, &root.access_key_id, &root.secret_access_key, now)?;
            put_access_key(tx, root.account, &key)
        })
        .await
    }

    /// A long-term key with its secret sealed.
    pub(crate) fn sealed_key(
        &self,
        account: AccountId,
        user: Option<&str>,
        id: &str,
        secret: &str,
        created: Timestamp,
    ) -> Result<AccessKey, Error> {
        Ok(AccessKey {
            id: id.to_owned(),
            account: account.to_string(),
            user: user.map(str::to_owned),
            secret: self.sealer.seal(secret_place(id), secret.as_bytes())?,
            active: true,
            created: Timestamp::from_secs(created.secs()),
        })
    }

    /// Makes a new key for session tokens. Tokens under the earlier keys stay good until they end.
    pub async fn rotate_token_keys(&self) -> Result<(), Error> {
        let (now, new) = (self.clock.now(), NewTokenKey::random());
        self.store
            .transact("iam.rotate_token_keys", |tx| {
                let mut ring: TokenKeyring = tx.record(&keys::single("token-keys"))?.unwrap_or_default();
                // A key is retired when the next one is made, so its tokens end that much later at most.
                let retired = ring.keys.iter().skip(1).map(|next| next.created).collect::<Vec<_>>();
                let mut at = 0;
                ring.keys.retain(|_| {
                    at += 1;
                    retired.get(at - 1).is_none_or(|retired| *retired + LONGEST_SESSION > now)
                });
                ring.keys.push(new.sealed(&self.sealer, now)?);
                Ok::<_, Error>(tx.put_record(keys::single("token-keys"), &ring)?)
            })
            .await?;
        self.load_token_keys()
    }

    /// Reads the token keys. A wrong master key shows here, at the start.
    pub(crate) fn load_token_keys(&self) -> Result<(), Error> {
        let ring = self.store.read(|view| view.record::<TokenKeyring>(&keys::single("token-keys")))?;
        let mut loaded = Zeroizing::new(Vec::new());
        for key in ring.unwrap_or_default().keys {
            let bytes = self.sealer.open(token_key_place(&key.id.to_string()), &key.secret)?;
            let bytes = <[u8; 32]>::try_from(&bytes[..]).map_err(|_| crate::seal::SealError::Refused)?;
            loaded.push((key.id, bytes));
        }
        self.tokens.load(&loaded);
        Ok(())
    }
}

/// A key for session tokens that is not stored yet.
struct NewTokenKey {
    /// Random, so that a node that still has the keys of a store that was wiped sees that it lacks this one.
    id: u32,
    bytes: Zeroizing<[u8; 32]>,
}

impl NewTokenKey {
    fn random() -> NewTokenKey {
        NewTokenKey { id: u32::from_be_bytes(random::bytes()), bytes: Zeroizing::new(random::bytes()) }
    }

    fn sealed(&self, sealer: &Sealer, created: Timestamp) -> Result<TokenKey, Error> {
        let secret = sealer.seal(token_key_place(&self.id.to_string()), &*self.bytes)?;
        Ok(TokenKey { id: self.id, secret, created })
    }
}

fn token_key_place(id: &str) -> Place<'_> {
    Place { table: "token-keys", row: id, column: "secret" }
}

/// Writes a key and its owner's index.
pub(crate) fn put_access_key(tx: &mut Tx, account: AccountId, key: &AccessKey) -> Result<(), Error> {
    tx.put(keys::owned_key(account, key.user.as_deref(), &key.id), Vec::new());
    Ok(tx.put_record(keys::access_key(&key.id), key)?)
}

fn write_root_file(path: &Path, root: &RootCredentials) -> Result<(), Error> {
    write_private(path, root.text().as_bytes()).map_err(|cause| failed(path, cause))
}
