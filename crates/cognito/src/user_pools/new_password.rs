//! `NEW_PASSWORD_REQUIRED`: who signed in with a temporary password sets a lasting one.

use std::collections::BTreeMap;

use nephos_core::Timestamp;
use nephos_store::{Read, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::attributes::{self, By};
use super::auth::{Proven, SignIn, Step, settle};
use super::credentials::{self, Owner};
use super::sign_ins::NewSignIn;
use super::strings::{self, Carried, Kind, Use};
use super::user_record::{self, PasswordRecord, UserRecord, UserStatus};
use super::{UserPools, aliases, secret_hash, secrets};
use crate::error::Error;
use crate::keys;

const PREFIX: &str = "userAttributes.";

/// What the session holds.
#[derive(Serialize, Deserialize)]
struct Session {
    client: String,
    username: String,
    sub: String,
    generation: String,
}

impl UserPools {
    /// The challenge.
    pub(crate) fn ask_new_password(
        &self,
        sign_in: &SignIn<'_>,
        user: &UserRecord,
        generation: String,
        now: Timestamp,
    ) -> Result<Step, Error> {
        let pool = &sign_in.pool;
        let secrets = self.store.read(|view| secrets::read(view, &self.vault, &pool.id))?;
        let content = Session {
            client: sign_in.client.id.clone(),
            username: user.username.clone(),
            sub: user.sub.clone(),
            generation,
        };
        let life = (now, sign_in.client.session_life());
        let session = strings::seal(&secrets, Kind::NewPassword, content, life)?;
        let missing = attributes::missing_required(pool, &user.attributes);
        let missing: Vec<String> = missing.iter().map(|name| format!("{PREFIX}{name}")).collect();
        let shown = user.attributes.iter().filter(|(name, _)| sign_in.client.reads(name));
        let shown: BTreeMap<&String, &String> = shown.collect();
        let parameters = [
            ("USER_ID_FOR_SRP", user.username.clone()),
            ("requiredAttributes", json!(missing).to_string()),
            ("userAttributes", json!(shown).to_string()),
        ];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value));
        Ok(Step::Challenge {
            name: "NEW_PASSWORD_REQUIRED",
            session: Some(crate::crypto::base64url(&session)),
            parameters: BTreeMap::from(parameters),
        })
    }

    /// The answer to it.
    pub(crate) async fn set_new_password(
        &self,
        sign_in: SignIn<'_>,
        session: Option<String>,
    ) -> Result<Step, Error> {
        let name = sign_in.parameters.required("USERNAME")?;
        let password = sign_in.parameters.required("NEW_PASSWORD")?;
        let hash = sign_in.parameters.optional("SECRET_HASH");
        secret_hash::check(&self.vault, &sign_in.client, hash, &[name])?;
        let (session, user) = self.new_password_session(&sign_in, session, name)?;
        sign_in.pool.settings.password.check(password)?;
        with_attributes(&sign_in, user.clone())?;
        let owner = Owner::of(&sign_in.pool, &user);
        let record = credentials::make(&self.workers, &self.vault, owner, password, None).await?;
        let (new, now) = (NewSignIn::new(), sign_in.cx.now());
        let outcome = self
            .store
            .transact("cognito new password", |tx| replace(tx, &sign_in, &session, &record, (&new, now)))
            .await?;
        match outcome {
            (Proven::SignedIn, user) => self.signed_in(&sign_in, &user, new, now),
            (Proven::NewPassword, _) => Err(Error::Internal("expected a lasting password".to_owned())),
            (Proven::Refused(error), _) => Err(error),
        }
    }

    /// The session, and the user that it is about.
    fn new_password_session(
        &self,
        sign_in: &SignIn<'_>,
        session: Option<String>,
        name: &str,
    ) -> Result<(Carried<Session>, UserRecord), Error> {
        let session = session.ok_or_else(|| Error::missing("Session"))?;
        let invalid = || Error::not_authorized("Invalid session for the user.");
        let sealed = strings::session_bytes(&session).ok_or_else(invalid)?;
        let pool = &sign_in.pool;
        self.store.read(|view| {
            let secrets = secrets::read(view, &self.vault, &pool.id)?;
            let opened: Option<Carried<Session>> = strings::open(&secrets, Kind::NewPassword, &sealed);
            let opened = opened.filter(|opened| opened.content.client == sign_in.client.id);
            let opened = opened.ok_or_else(invalid)?;
            let user = user_record::find(view, pool, name)?;
            let user = user.filter(|user| user.sub == opened.content.sub).ok_or_else(invalid)?;
            Ok((opened, user))
        })
    }
}

/// The user confirmed and with the attributes that came along.
fn with_attributes(sign_in: &SignIn<'_>, user: UserRecord) -> Result<UserRecord, Error> {
    let given = sign_in.parameters.under(PREFIX);
    let pool = &sign_in.pool;
    attributes::check(pool, &given, By::Client(&sign_in.client))?;
    let provided = given.keys().find(|name| {
        user.attributes.contains_key(*name) && pool.attribute(name).is_some_and(|schema| schema.required)
    });
    if let Some(name) = provided {
        return Err(Error::NotAuthorized(format!("Cannot modify an already provided {name}")));
    }
    let mut after = user;
    attributes::apply(pool, &mut after, &given)?;
    attributes::check_required(pool, &after.attributes)?;
    after.status = UserStatus::Confirmed;
    after.modified = sign_in.cx.now();
    Ok(after)
}

/// Spends the session and puts the new password in the temporary one's place.
fn replace(
    tx: &mut Tx,
    sign_in: &SignIn<'_>,
    session: &Carried<Session>,
    record: &PasswordRecord,
    (new, now): (&NewSignIn, Timestamp),
) -> Result<(Proven, UserRecord), Error> {
    let pool = &sign_in.pool;
    let content = &session.content;
    let canonical = pool.canonical(&content.username);
    let before: Option<UserRecord> = tx.record(&keys::user(&pool.id, &canonical))?;
    let before = before.filter(|before| before.sub == content.sub).ok_or_else(Error::no_user)?;
    let refused = |text: &str, user| Ok((Proven::Refused(Error::not_authorized(text)), user));
    match session.spend(tx, now)? {
        Use::First => {}
        Use::Again => {
            return refused("Invalid session for the user, session can only be used once.", before);
        }
        Use::Late => return refused("Invalid session for the user, session is expired.", before),
    }
    let password_row = keys::password(&pool.id, &canonical);
    let current: Option<PasswordRecord> = tx.record(&password_row)?;
    let same = current.is_some_and(|current| current.generation == content.generation);
    if !same || !before.enabled {
        return refused("Invalid session for the user.", before);
    }
    let after = with_attributes(sign_in, before.clone())?;
    aliases::update(tx, pool, Some(&before), &after, false)?;
    user_record::put(tx, pool, &after)?;
    tx.put_record(password_row, record)?;
    Ok((settle(tx, sign_in, &after, record, (new, now))?, after))
}
