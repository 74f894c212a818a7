//! Forgotten passwords: a code to a verified contact, and a new password for the code.

use nephos_core::{Cx, Timestamp};
use nephos_store::{Read, Tx};

use super::attempts::{self, Limited, Subject};
use super::client_record::ClientRecord;
use super::codes::{Guess, Purpose, Slot};
use super::contact::Contact;
use super::credentials::{self, Owner};
use super::delivery::{self, Occasion};
use super::pool_record::PoolRecord;
use super::secrets::PoolSecrets;
use super::shapes::{
    ConfirmForgotPasswordRequest, ConfirmForgotPasswordResponse, ForgotPasswordRequest,
    ForgotPasswordResponse,
};
use super::sign_up::no_combination;
use super::user_record::{self, PasswordRecord, UserRecord, UserStatus};
use super::{UserPools, aliases, need, secrets};
use crate::crypto::codes::six_digits;
use crate::error::Error;
use crate::keys;

/// The contact through which a user may recover the password.
pub(crate) fn recovery_target<'a>(
    pool: &PoolRecord,
    user: &'a UserRecord,
) -> Result<(Contact, &'a str), Error> {
    let order = match &pool.settings.recovery {
        None => vec![Contact::PhoneNumber, Contact::Email],
        Some(ways) => {
            let mut ways = ways.clone();
            ways.sort_by_key(|way| way.priority);
            if ways.iter().all(|way| way.contact.is_none()) {
                return Err(Error::not_authorized("Contact administrator to reset password."));
            }
            ways.iter().filter_map(|way| way.contact).collect()
        }
    };
    let verified = order.into_iter().find(|contact| user.is_verified(*contact));
    let target = verified.and_then(|contact| Some((contact, user.attribute(contact.attribute())?)));
    target.ok_or_else(|| {
        Error::invalid(
            "Cannot reset password for the user as there is no registered/verified email or phone_number",
        )
    })
}

/// `ForgotPassword`
pub(crate) async fn forgot_password(
    pools: &UserPools,
    cx: &Cx,
    input: ForgotPasswordRequest,
) -> Result<ForgotPasswordResponse, Error> {
    let name = need(input.username, "Username")?;
    let (pool, client) = pools.named_client(input.client_id, &name, input.secret_hash.as_deref())?;
    let code = six_digits();
    let forgot = |tx: &mut Tx| {
        let secrets = secrets::read(tx, &pools.vault, &pool.id)?;
        let found = find(tx, &pool, &client, &secrets, &name)?;
        if !attempts::admit(tx, &pool, &found.subject, Limited::ForgotPassword, cx.now())? {
            return Err(Error::AttemptLimit);
        }
        let simulated = || delivery::simulated(&pool, &name, &*secrets.decoys());
        let Some(user) = found.user else { return Ok(Err(simulated())) };
        let target = match may_recover(&pool, &user) {
            Ok((contact, address)) => (contact, address.to_owned()),
            Err(_) if client.hides_users() => return Ok(Err(simulated())),
            Err(error) => return Err(error),
        };
        let sent = Some((target.0, target.1.as_str()));
        pools.put_code(tx, (&pool, &user), Purpose::Recovery, (&code, sent), cx.now())?;
        Ok(Ok((user, target)))
    };
    let details = match pools.store.transact("cognito forgot password", forgot).await? {
        Err(simulated) => simulated,
        Ok((user, (contact, address))) => {
            let target = Some((contact, address.as_str()));
            pools.send(cx, &pool, &user, (&code, target), Occasion::ForgotPassword).await?;
            delivery::details(contact, &address)
        }
    };
    Ok(ForgotPasswordResponse { code_delivery_details: Some(details) })
}

/// Whether the user's state allows recovery, and through which contact.
fn may_recover<'a>(pool: &PoolRecord, user: &'a UserRecord) -> Result<(Contact, &'a str), Error> {
    if !user.enabled {
        return Err(Error::not_authorized("User is disabled."));
    }
    if user.status == UserStatus::ForceChangePassword {
        return Err(Error::not_authorized("User password cannot be reset in the current state."));
    }
    recovery_target(pool, user)
}

/// Who is named, and whose attempts count.
struct Found {
    user: Option<UserRecord>,
    subject: Subject,
}

fn find(
    read: &dyn Read,
    pool: &PoolRecord,
    client: &ClientRecord,
    secrets: &PoolSecrets,
    name: &str,
) -> Result<Found, Error> {
    let user = user_record::find(read, pool, name)?;
    let subject = match &user {
        Some(user) => Subject::user(&pool.canonical(&user.username)),
        None if client.hides_users() => Subject::unknown(&*secrets.decoys(), &pool.canonical(name)),
        None => return Err(no_combination()),
    };
    Ok(Found { user, subject })
}

/// `ConfirmForgotPassword`
pub(crate) async fn confirm_forgot_password(
    pools: &UserPools,
    cx: &Cx,
    input: ConfirmForgotPasswordRequest,
) -> Result<ConfirmForgotPasswordResponse, Error> {
    let name = need(input.username, "Username")?;
    let code = need(input.confirmation_code, "ConfirmationCode")?;
    let password = need(input.password, "Password")?;
    let (pool, client) = pools.named_client(input.client_id, &name, input.secret_hash.as_deref())?;
    pool.settings.password.check(&password)?;
    let now = cx.now();
    let user = pools.store.read(|view| {
        let secrets = secrets::read(view, &pools.vault, &pool.id)?;
        find(view, &pool, &client, &secrets, &name).map(|found| found.user)
    })?;
    // Names that are nobody's cost a hash, too.
    let nobody = Owner { pool: &pool, username: "", sub: "" };
    let owner = user.as_ref().map_or(nobody, |user| Owner::of(&pool, user));
    let record = credentials::make(&pools.workers, &pools.vault, owner, &password, None).await?;
    let confirm = |tx: &mut Tx| {
        let recovery = Recovery { pools, pool: &pool, client: &client, name: &name, code: &code };
        recovery.check(tx, (user.as_ref(), &record), now)
    };
    pools.store.transact("cognito confirm forgot password", confirm).await??;
    Ok(ConfirmForgotPasswordResponse::default())
}

/// A guess at a recovery code.
struct Recovery<'a> {
    pools: &'a UserPools,
    pool: &'a PoolRecord,
    client: &'a ClientRecord,
    name: &'a str,
    code: &'a str,
}

impl Recovery<'_> {
    /// The inner error is the answer although the guess counts.
    fn check(
        &self,
        tx: &mut Tx,
        (expected, password): (Option<&UserRecord>, &PasswordRecord),
        now: Timestamp,
    ) -> Result<Result<(), Error>, Error> {
        let Recovery { pools, pool, .. } = self;
        let secrets = secrets::read(tx, &pools.vault, &pool.id)?;
        let found = find(tx, pool, self.client, &secrets, self.name)?;
        if !attempts::admit(tx, pool, &found.subject, Limited::ConfirmForgotPassword, now)? {
            return Err(Error::AttemptLimit);
        }
        let same = |user: &UserRecord| expected.is_some_and(|expected| expected.sub == user.sub);
        let Some(user) = found.user.filter(same) else {
            // As for a user: a code is wrong once one was asked for, and none is there before.
            let asked = attempts::called(tx, pool, &found.subject, Limited::ForgotPassword, now)?;
            return Ok(Err(if asked { Error::CodeMismatch } else { Error::ExpiredCode }));
        };
        if !user.enabled {
            let hidden = self.client.hides_users();
            return Ok(Err(if hidden {
                Error::CodeMismatch
            } else {
                Error::not_authorized("User is disabled.")
            }));
        }
        let (key, canonical) = (secrets.codes(), pool.canonical(&user.username));
        let slot = Slot { pool, key: &key, user: &canonical, purpose: Purpose::Recovery };
        match slot.guess(tx, self.code, now)? {
            Guess::Right(_) => {}
            wrong => return Ok(wrong.right().map(drop)),
        }
        let after = UserRecord { status: UserStatus::Confirmed, modified: now, ..user.clone() };
        aliases::update(tx, pool, Some(&user), &after, false)?;
        user_record::put(tx, pool, &after)?;
        tx.put_record(keys::password(&pool.id, &canonical), password)?;
        attempts::succeeded(tx, pool, &Subject::user(&canonical))?;
        Ok(Ok(()))
    }
}
