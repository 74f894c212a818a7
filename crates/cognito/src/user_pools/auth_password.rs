//! Sign-in with a password in clear: `USER_PASSWORD_AUTH` and `ADMIN_USER_PASSWORD_AUTH`.

use nephos_core::Timestamp;
use nephos_store::{Read, Tx};

use super::attempts::{self, Subject};
use super::auth::{Proven, SignIn, Step, settle};
use super::client_record::Flow;
use super::credentials::{self, Owner};
use super::sign_ins::NewSignIn;
use super::user_record::{self, PasswordRecord, UserRecord, UserStatus};
use super::{UserPools, secret_hash, secrets};
use crate::crypto::password::Check;
use crate::error::Error;
use crate::keys;

/// Who is named, if anybody is.
pub(crate) struct Named {
    /// The user.
    pub(crate) user: Option<(UserRecord, PasswordRecord)>,
    /// Whose attempts count.
    pub(crate) subject: Subject,
}

impl UserPools {
    pub(crate) async fn sign_in_with_password(&self, sign_in: SignIn<'_>, flow: Flow) -> Result<Step, Error> {
        if !sign_in.client.allows(flow) {
            return Err(Error::invalid(match flow {
                Flow::UserPassword => "USER_PASSWORD_AUTH flow not enabled for this client",
                _ => "Auth flow not enabled for this client",
            }));
        }
        let name = sign_in.parameters.required("USERNAME")?;
        let password = sign_in.parameters.required("PASSWORD")?;
        let hash = sign_in.parameters.optional("SECRET_HASH");
        secret_hash::check(&self.vault, &sign_in.client, hash, &[name])?;
        let now = sign_in.cx.now();
        let named = self.named(&sign_in, name)?;
        self.store.read(|view| attempts::refuse_locked(view, &sign_in.pool, &named.subject, now))?;
        let _turn = self.turns.take(format!("{} {:?}", sign_in.pool.id, named.subject)).await;
        // Whoever had the turn before may have used up the last free failure.
        self.store.read(|view| attempts::refuse_locked(view, &sign_in.pool, &named.subject, now))?;
        let named = self.named(&sign_in, name)?;
        let record = named.user.as_ref().map(|(_, password)| password);
        match credentials::check(&self.workers, record, password).await? {
            Check::Wrong => self.count_failure(&sign_in, &named.subject, now).await,
            check => self.password_was_right(&sign_in, named, check, now).await,
        }
    }

    /// Looks the user up. Unknown ones are an error unless the client hides who exists.
    pub(crate) fn named(&self, sign_in: &SignIn<'_>, name: &str) -> Result<Named, Error> {
        let pool = &sign_in.pool;
        self.store.read(|view| {
            let user = user_record::find(view, pool, name)?;
            let canonical = pool.canonical(user.as_ref().map_or(name, |user| &user.username));
            let Some(user) = user else {
                if !sign_in.client.hides_users() {
                    return Err(Error::no_user());
                }
                let decoys = secrets::read(view, &self.vault, &pool.id)?.decoys();
                return Ok(Named { user: None, subject: Subject::unknown(&*decoys, &canonical) });
            };
            if user.status == UserStatus::ResetRequired {
                return Err(Error::PasswordResetRequired);
            }
            let password = view.record::<PasswordRecord>(&keys::password(&pool.id, &canonical))?;
            let subject = Subject::user(&canonical);
            Ok(Named { user: password.map(|password| (user, password)), subject })
        })
    }

    async fn count_failure(
        &self,
        sign_in: &SignIn<'_>,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Step, Error> {
        let count = |tx: &mut Tx| attempts::failed(tx, &sign_in.pool, subject, now);
        self.store.transact("cognito failed sign-in", count).await?;
        Err(Error::wrong_password())
    }

    async fn password_was_right(
        &self,
        sign_in: &SignIn<'_>,
        named: Named,
        check: Check,
        now: Timestamp,
    ) -> Result<Step, Error> {
        let Some((user, password)) = named.user else { return Err(Error::wrong_password()) };
        let renewed = self.renewed(sign_in, &user, &password, check).await?;
        let new = NewSignIn::new();
        let canonical = sign_in.pool.canonical(&user.username);
        let outcome = self
            .store
            .transact("cognito sign-in", |tx| {
                let row = keys::password(&sign_in.pool.id, &canonical);
                let current = tx.record::<PasswordRecord>(&row)?;
                let same = current.is_some_and(|current| current.generation == password.generation);
                let fresh: Option<UserRecord> = tx.record(&keys::user(&sign_in.pool.id, &canonical))?;
                let Some(fresh) = fresh.filter(|fresh| same && fresh.sub == user.sub) else {
                    return Ok(Proven::Refused(Error::wrong_password()));
                };
                if let Some(renewed) = &renewed {
                    tx.put_record(row, renewed)?;
                }
                settle(tx, sign_in, &fresh, &password, (&new, now))
            })
            .await?;
        match outcome {
            Proven::SignedIn => self.signed_in(sign_in, &user, new, now),
            Proven::NewPassword => {
                let generation = renewed.map_or(password.generation, |renewed| renewed.generation);
                self.ask_new_password(sign_in, &user, generation, now)
            }
            Proven::Refused(error) => Err(error),
        }
    }

    /// The password hashed anew, where its hash has other parameters than today's.
    async fn renewed(
        &self,
        sign_in: &SignIn<'_>,
        user: &UserRecord,
        password: &PasswordRecord,
        check: Check,
    ) -> Result<Option<PasswordRecord>, Error> {
        if check != Check::RightButStale {
            return Ok(None);
        }
        let clear = sign_in.parameters.required("PASSWORD")?;
        let expires = password.expires.map(Timestamp::from_millis);
        let owner = Owner::of(&sign_in.pool, user);
        credentials::make(&self.workers, &self.vault, owner, clear, expires).await.map(Some)
    }
}
