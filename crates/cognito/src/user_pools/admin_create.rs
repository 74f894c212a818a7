//! `AdminCreateUser`: users who are invited with a temporary password.

use std::time::Duration;

use nephos_core::{Cx, Timestamp};
use nephos_store::Tx;

use super::attributes::{self, By, Given};
use super::contact::Contact;
use super::credentials::{self, Owner};
use super::delivery::{Notice, Occasion};
use super::pool_record::PoolRecord;
use super::shapes::{AdminCreateUserRequest, AdminCreateUserResponse};
use super::sign_up::{new_user, refuse_existing};
use super::user_record::{self, PasswordRecord, UserRecord, UserStatus};
use super::{UserPools, aliases, need, own_pool, user_view};
use crate::error::Error;
use crate::keys;

/// When a temporary password made now ends.
pub(crate) fn temporary_end(pool: &PoolRecord, now: Timestamp) -> Timestamp {
    now + Duration::from_secs(u64::from(pool.settings.password.temporary_days) * 86_400)
}

/// `AdminCreateUser`
pub(crate) async fn create(
    pools: &UserPools,
    cx: &Cx,
    input: AdminCreateUserRequest,
) -> Result<AdminCreateUserResponse, Error> {
    let (pool, name) = (need(input.user_pool_id, "UserPoolId")?, need(input.username, "Username")?);
    let pool = pools.store.read(|view| own_pool(view, cx, &pool))?;
    let given = user_view::given(input.user_attributes)?;
    attributes::check(&pool, &given, By::Admin)?;
    let password = input.temporary_password.filter(|password| !password.is_empty());
    let password = password.unwrap_or_else(|| pool.settings.password.generate());
    pool.settings.password.check(&password)?;
    let mediums = input.desired_delivery_mediums.unwrap_or_default();
    let user = match input.message_action.as_deref() {
        Some("RESEND") => pools.renew_invitation(cx, &pool, &name, &password).await?,
        _ => {
            let force = input.force_alias_creation.unwrap_or(false);
            pools.invite(cx, (&pool, &name), given, &password, force).await?
        }
    };
    if input.message_action.as_deref() != Some("SUPPRESS") {
        pools.send_invitation(cx, (&pool, &user), &password, &mediums).await?;
    }
    Ok(AdminCreateUserResponse { user: Some(user_view::user(&user, |_| true)) })
}

impl UserPools {
    async fn invite(
        &self,
        cx: &Cx,
        (pool, name): (&PoolRecord, &str),
        given: Given,
        password: &str,
        force: bool,
    ) -> Result<UserRecord, Error> {
        let now = cx.now();
        let user = new_user(pool, name, given, UserStatus::ForceChangePassword, now)?;
        self.store.read(|view| refuse_existing(view, pool, &user)).map_err(account_exists)?;
        let expires = Some(temporary_end(pool, now));
        let owner = Owner::of(pool, &user);
        let record = credentials::make(&self.workers, &self.vault, owner, password, expires).await?;
        let store = |tx: &mut Tx| {
            refuse_existing(tx, pool, &user).map_err(account_exists)?;
            aliases::update(tx, pool, None, &user, force)?;
            user_record::put(tx, pool, &user)?;
            tx.put_record(keys::password(&pool.id, &pool.canonical(&user.username)), &record)?;
            Ok::<(), Error>(())
        };
        self.store.transact("cognito create user", store).await?;
        Ok(user)
    }

    /// `RESEND`: a new temporary password with a new end.
    async fn renew_invitation(
        &self,
        cx: &Cx,
        pool: &PoolRecord,
        name: &str,
        password: &str,
    ) -> Result<UserRecord, Error> {
        let user = self.store.read(|view| user_record::find(view, pool, name))?.ok_or_else(Error::no_user)?;
        if user.status != UserStatus::ForceChangePassword {
            return Err(Error::UnsupportedUserState(format!(
                "Resend not possible. {} status is not FORCE_CHANGE_PASSWORD",
                user.username
            )));
        }
        let expires = Some(temporary_end(pool, cx.now()));
        let owner = Owner::of(pool, &user);
        let record = credentials::make(&self.workers, &self.vault, owner, password, expires).await?;
        let replace = |tx: &mut Tx| replace_temporary(tx, pool, &user, &record);
        self.store.transact("cognito resend invitation", replace).await?;
        Ok(user)
    }

    async fn send_invitation(
        &self,
        cx: &Cx,
        (pool, user): (&PoolRecord, &UserRecord),
        password: &str,
        mediums: &[String],
    ) -> Result<(), Error> {
        let wanted = |contact: Contact| {
            // Without a wish it is SMS, and mail for those who have no phone.
            let by_default = contact == Contact::PhoneNumber || user.attribute("phone_number").is_none();
            if mediums.is_empty() { by_default } else { mediums.iter().any(|m| m == contact.medium_name()) }
        };
        for contact in Contact::ALL.into_iter().filter(|contact| wanted(*contact)) {
            let Some(address) = user.attribute(contact.attribute()) else { continue };
            let shown = if pool.usernames_are_contacts() { address } else { &user.username };
            let (code, occasion) = (password, Occasion::AdminCreateUser);
            let notice = Notice { pool, username: shown, contact, address, code, occasion };
            notice.send(cx, &*self.deliver).await?;
        }
        Ok(())
    }
}

/// Replaces a temporary password, if the user still has one.
fn replace_temporary(
    tx: &mut Tx,
    pool: &PoolRecord,
    user: &UserRecord,
    record: &PasswordRecord,
) -> Result<(), Error> {
    use nephos_store::Read;
    let canonical = pool.canonical(&user.username);
    let current: Option<UserRecord> = tx.record(&keys::user(&pool.id, &canonical))?;
    let current = current
        .filter(|current| current.sub == user.sub && current.status == UserStatus::ForceChangePassword);
    current.ok_or_else(Error::no_user)?;
    tx.put_record(keys::password(&pool.id, &canonical), record)?;
    Ok(())
}

/// This operation has a text of its own for a username that is taken.
fn account_exists(error: Error) -> Error {
    match error {
        Error::UsernameExists(text) if text == "User already exists" => {
            Error::UsernameExists("User account already exists".to_owned())
        }
        other => other,
    }
}
