//! Who signs with an access key: long-term keys from the store through a bounded cache, temporary ones from their token.

use std::sync::Arc;

use nephos_core::ports::{Identify, IdentifyError, Identity};
use nephos_core::principal::SessionFacts;
use nephos_core::{AccountId, BoxFuture, ContextKeys, Principal, RoleSession, Timestamp};

use crate::Iam;
use crate::directory;
use crate::error::Error;
use crate::keys::Sort;
use crate::records::AccessKey;
use crate::seal::Place;
use crate::sts::token::{Claims, Holder, Issuer, TokenError};
use crate::subjects::Stamp;

/// The access key, and its secret, that `--dev` adds.
pub const DEV_KEY: &str = "test";

/// A long-term access key as it is cached. The secret stays sealed.
#[derive(Clone)]
pub(crate) struct KnownKey {
    stamp: Stamp,
    key: Arc<AccessKey>,
    /// None where the key's user is gone.
    principal: Option<Arc<Principal>>,
}

/// A session policy that allows nothing: what stands for one whose document is gone.
const ALLOW_NOTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"*","Resource":"*"}]}"#;

impl Identify for Iam {
    fn identify<'a>(
        &'a self,
        access_key_id: &'a str,
        session_token: Option<&'a str>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Identity, IdentifyError>> {
        Box::pin(async move {
            match session_token {
                Some(token) => self.identify_session(access_key_id, token, now),
                None => self.identify_long_term(access_key_id),
            }
        })
    }
}

/// What the caller learns of our own failure is only that there was one.
fn unavailable(error: impl Into<Error>) -> IdentifyError {
    tracing::error!(error = %error.into(), "an access key could not be looked up");
    IdentifyError::Unavailable
}

impl Iam {
    fn identify_long_term(&self, id: &str) -> Result<Identity, IdentifyError> {
        if let Some(account) = self.dev_account(id) {
            let principal = Arc::new(Principal::Root { account });
            return Ok(Identity { secret_access_key: DEV_KEY.to_owned(), principal });
        }
        let Some(known) = self.known_key(id).map_err(unavailable)? else {
            return self.unsettled_root(id).ok_or(IdentifyError::UnknownKey);
        };
        let principal = known.principal.filter(|_| known.key.active).ok_or(IdentifyError::UnknownKey)?;
        let secret = self.sealer.open_text(secret_place(id), &known.key.secret).map_err(unavailable)?;
        Ok(Identity { secret_access_key: secret, principal })
    }

    /// Under `--dev`, `test` is the root user of the platform's account, and any account id that of its account.
    pub(crate) fn dev_account(&self, id: &str) -> Option<AccountId> {
        if !self.config.dev {
            return None;
        }
        if id == DEV_KEY { Some(self.config.account) } else { id.parse().ok() }
    }

    fn known_key(&self, id: &str) -> Result<Option<KnownKey>, Error> {
        if let Some(known) = self.access_keys.get(id)
            && let Ok(account) = known.key.account.parse()
            && known.stamp.covers(self.epochs.now(&self.store, account)?)
        {
            return Ok(Some(known));
        }
        let loaded = self.store.read(|view| {
            let Some(key) = directory::access_key(view, id)? else { return Ok::<_, Error>(None) };
            let Ok(account) = key.account.parse() else { return Ok(None) };
            let stamp = self.epochs.of(view, account)?;
            let principal = match &key.user {
                None => Some(Principal::Root { account }),
                Some(name) => directory::find(view, account, Sort::User, name)?.map(|user| Principal::User {
                    account,
                    path: user.path,
                    name: user.name,
                    id: user.id,
                    session: None,
                }),
            };
            Ok(Some(KnownKey { stamp, key: Arc::new(key), principal: principal.map(Arc::new) }))
        })?;
        if let Some(known) = &loaded {
            self.access_keys.insert(id.to_owned(), known.clone(), 1);
        }
        Ok(loaded)
    }

    fn identify_session(&self, id: &str, token: &str, now: Timestamp) -> Result<Identity, IdentifyError> {
        let claims = self.open_token(token, id)?;
        if now >= claims.expires_at {
            return Err(IdentifyError::ExpiredToken);
        }
        let valid_from = self.sessions_valid_from(claims.account()).map_err(unavailable)?;
        if valid_from.is_some_and(|from| claims.issued_at < from) {
            return Err(IdentifyError::ExpiredToken);
        }
        let principal = self.session_principal(&claims).map_err(unavailable)?;
        if self.session_is_orphaned(&principal).map_err(unavailable)? {
            return Err(IdentifyError::InvalidToken);
        }
        Ok(Identity { secret_access_key: claims.secret_access_key, principal: Arc::new(principal) })
    }

    /// Opens a token; one that another node sealed under a newer key makes us read the keys again.
    fn open_token(&self, token: &str, access_key_id: &str) -> Result<Claims, IdentifyError> {
        match self.tokens.open(token, access_key_id) {
            Ok(claims) => Ok(claims),
            Err(TokenError::Invalid) => Err(IdentifyError::InvalidToken),
            Err(TokenError::UnknownKey) => {
                self.load_token_keys().map_err(unavailable)?;
                self.tokens.open(token, access_key_id).map_err(|_| IdentifyError::InvalidToken)
            }
        }
    }

    /// Whether the user or role whose session it is was deleted meanwhile.
    fn session_is_orphaned(&self, principal: &Principal) -> Result<bool, Error> {
        let holder = match principal {
            Principal::User { account, name, id, .. } => self.subject(*account, Sort::User, name, id)?,
            Principal::Role(role) => {
                self.subject(role.account, Sort::Role, &role.role_name, &role.role_id)?
            }
            Principal::Federated { session, .. } => match session.issuer.as_deref() {
                Some(issuer) => return self.session_is_orphaned(issuer),
                None => return Ok(false),
            },
            _ => return Ok(false),
        };
        Ok(holder.is_none())
    }

    /// The principal of a session.
    pub(crate) fn session_principal(&self, claims: &Claims) -> Result<Principal, Error> {
        let account = claims.account();
        let mut session = self.session_facts(claims)?;
        Ok(match &claims.holder {
            Holder::Root => Principal::Root { account },
            Holder::User { path, name, id } => Principal::User {
                account,
                path: path.clone(),
                name: name.clone(),
                id: id.clone(),
                session: Some(session),
            },
            Holder::Role { path, name, id, session: session_name } => {
                Principal::Role(Arc::new(RoleSession {
                    account,
                    role_path: path.clone(),
                    role_name: name.clone(),
                    role_id: id.clone(),
                    session_name: session_name.clone(),
                    session,
                }))
            }
            Holder::Federated { name, issuer } => {
                session.issuer = issuer.as_ref().map(|issuer| Arc::new(issuer_principal(account, issuer)));
                Principal::Federated { account, name: name.clone(), session }
            }
        })
    }

    fn session_facts(&self, claims: &Claims) -> Result<SessionFacts, Error> {
        let mut keys = ContextKeys::new();
        for (key, values) in &claims.keys {
            keys.set_all(key, values.clone());
        }
        for (key, value) in &claims.tags {
            keys.set(&format!("aws:PrincipalTag/{key}"), value);
        }
        let mut policies: Vec<Arc<str>> = claims.policy.iter().map(|text| Arc::from(text.as_str())).collect();
        for arn in &claims.policy_arns {
            let document = self.policy_text(claims.account(), arn)?;
            policies.push(document.unwrap_or_else(|| ALLOW_NOTHING.into()));
        }
        Ok(SessionFacts {
            issued_at: claims.issued_at,
            expires_at: claims.expires_at,
            policies,
            mfa: claims.mfa,
            source_identity: claims.source_identity.clone(),
            keys,
            transitive_tag_keys: claims.transitive_tag_keys.clone(),
            issuer: None,
        })
    }
}

fn issuer_principal(account: AccountId, issuer: &Issuer) -> Principal {
    Principal::User {
        account,
        path: issuer.path.clone(),
        name: issuer.name.clone(),
        id: issuer.id.clone(),
        session: None,
    }
}

/// Where an access key's secret stands.
pub(crate) fn secret_place(access_key_id: &str) -> Place<'_> {
    Place { table: "access-key", row: access_key_id, column: "secret" }
}
