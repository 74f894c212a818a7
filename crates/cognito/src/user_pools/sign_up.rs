//! Users who sign themselves up, and confirm with the code that was sent to them.

use std::collections::BTreeMap;

use nephos_core::{Cx, Timestamp, random};
use nephos_store::{Read, Tx};

use super::attempts::{self, Limited, Subject};
use super::attributes::{self, By};
use super::client_record::ClientRecord;
use super::codes::{Guess, Purpose, Slot};
use super::contact::Contact;
use super::credentials::{self, Owner};
use super::delivery::{self, Notice, Occasion};
use super::pool_record::PoolRecord;
use super::shapes::{
    ConfirmSignUpRequest, ConfirmSignUpResponse, ResendConfirmationCodeRequest,
    ResendConfirmationCodeResponse, SignUpRequest, SignUpResponse,
};
use super::user_record::{self, PasswordRecord, UserRecord, UserStatus};
use super::{UserPools, aliases, any_client, need, secret_hash, secrets, user_view};
use crate::crypto::codes::six_digits;
use crate::error::Error;
use crate::keys;

/// `SignUp`
pub(crate) async fn sign_up(
    pools: &UserPools,
    cx: &Cx,
    input: SignUpRequest,
) -> Result<SignUpResponse, Error> {
    let (client, name) = (need(input.client_id, "ClientId")?, need(input.username, "Username")?);
    let (pool, client) = pools.store.read(|view| any_client(view, &client))?;
    secret_hash::check(&pools.vault, &client, input.secret_hash.as_deref(), &[&name])?;
    if pool.settings.admin_create.only {
        return Err(Error::not_authorized("SignUp is not permitted for this user pool"));
    }
    let password = need(input.password.filter(|password| !password.is_empty()), "Password")?;
    let given = user_view::given(input.user_attributes)?;
    attributes::check(&pool, &given, By::Client(&client))?;
    let user = new_user(&pool, &name, given, UserStatus::Unconfirmed, cx.now())?;
    attributes::check_required(&pool, &user.attributes)?;
    pool.settings.password.check(&password)?;
    pools.store.read(|view| refuse_existing(view, &pool, &user))?;
    let owner = Owner::of(&pool, &user);
    let record = credentials::make(&pools.workers, &pools.vault, owner, &password, None).await?;
    let target = confirmation_target(&pool, &user);
    let code = six_digits();
    let store = |tx: &mut Tx| {
        refuse_existing(tx, &pool, &user)?;
        store_new(tx, &pool, &user, &record)?;
        pools.put_code(tx, (&pool, &user), Purpose::SignUp, (&code, target), cx.now())
    };
    pools.store.transact("cognito sign-up", store).await?;
    pools.send(cx, &pool, &user, (&code, target), Occasion::SignUp).await?;
    Ok(SignUpResponse {
        user_confirmed: Some(false),
        code_delivery_details: target.map(|(contact, address)| delivery::details(contact, address)),
        user_sub: Some(user.sub.clone()),
        session: None,
    })
}

/// A user that is to be made. Where contacts take the username's place, the name given becomes the contact.
pub(crate) fn new_user(
    pool: &PoolRecord,
    name: &str,
    mut attributes: BTreeMap<String, String>,
    status: UserStatus,
    now: Timestamp,
) -> Result<UserRecord, Error> {
    attributes.retain(|_, value| !value.is_empty());
    let sub = random::uuid();
    let username = if pool.usernames_are_contacts() {
        let contact = username_contact(pool, name)?;
        attributes.insert(contact.attribute().to_owned(), name.to_owned());
        sub.clone()
    } else {
        refuse_alias_form(pool, name)?;
        name.to_owned()
    };
    for contact in Contact::ALL {
        if attributes.contains_key(contact.attribute()) {
            attributes.entry(contact.verified_attribute().to_owned()).or_insert_with(|| "false".to_owned());
        }
    }
    let (created, signed_out) = (now, Timestamp::default());
    Ok(UserRecord { username, sub, enabled: true, status, attributes, created, modified: now, signed_out })
}

fn username_contact(pool: &PoolRecord, name: &str) -> Result<Contact, Error> {
    let contacts = &pool.fixed.username_attributes;
    contacts.iter().copied().find(|contact| contact.accepts(name)).ok_or_else(|| {
        let both = contacts.len() > 1;
        Error::invalid(match contacts.first() {
            _ if both => "Username should be either an email or a phone number.",
            Some(Contact::PhoneNumber) => "Username should be a phone number.",
            _ => "Username should be an email.",
        })
    })
}

/// A username must not look like another user's alias.
fn refuse_alias_form(pool: &PoolRecord, name: &str) -> Result<(), Error> {
    for (contact, text) in [(Contact::Email, "email"), (Contact::PhoneNumber, "phone number")] {
        if pool.fixed.aliases.contains(contact.attribute()) && contact.accepts(name) {
            return Err(Error::invalid(format!(
                "Username cannot be of {text} format, since user pool is configured for {text} alias."
            )));
        }
    }
    Ok(())
}

/// Refuses a username, or a contact in its place, that is taken.
pub(crate) fn refuse_existing(read: &dyn Read, pool: &PoolRecord, user: &UserRecord) -> Result<(), Error> {
    if read.get(&user_record::key(pool, &user.username))?.is_some() {
        return Err(Error::UsernameExists("User already exists".to_owned()));
    }
    for contact in &pool.fixed.username_attributes {
        let Some(value) = user.attribute(contact.attribute()) else { continue };
        if user_record::alias_holder(read, pool, contact.attribute(), value)?.is_some() {
            let attribute = contact.attribute();
            return Err(Error::UsernameExists(format!(
                "An account with the given {attribute} already exists."
            )));
        }
    }
    Ok(())
}

/// Stores a user who is new, with the password.
pub(crate) fn store_new(
    tx: &mut Tx,
    pool: &PoolRecord,
    user: &UserRecord,
    password: &PasswordRecord,
) -> Result<(), Error> {
    aliases::update(tx, pool, None, user, false)?;
    user_record::put(tx, pool, user)?;
    tx.put_record(keys::password(&pool.id, &pool.canonical(&user.username)), password)?;
    Ok(())
}

/// Where a confirmation goes: to the phone where that is verified automatically, else to the mail.
pub(crate) fn confirmation_target<'a>(pool: &PoolRecord, user: &'a UserRecord) -> Option<(Contact, &'a str)> {
    [Contact::PhoneNumber, Contact::Email].into_iter().find_map(|contact| {
        let verified_automatically = pool.settings.auto_verified.contains(&contact);
        user.attribute(contact.attribute())
            .filter(|_| verified_automatically)
            .map(|address| (contact, address))
    })
}

impl UserPools {
    /// Stores a code for a user, where there is somewhere to send it.
    pub(crate) fn put_code(
        &self,
        tx: &mut Tx,
        (pool, user): (&PoolRecord, &UserRecord),
        purpose: Purpose,
        (code, target): (&str, Option<(Contact, &str)>),
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(target) = target else { return Ok(()) };
        let key = secrets::read(tx, &self.vault, &pool.id)?.codes();
        let canonical = pool.canonical(&user.username);
        Slot { pool, key: &key, user: &canonical, purpose }.put(tx, code, target, now)
    }

    /// Sends it.
    pub(crate) async fn send(
        &self,
        cx: &Cx,
        pool: &PoolRecord,
        user: &UserRecord,
        (code, target): (&str, Option<(Contact, &str)>),
        occasion: Occasion,
    ) -> Result<(), Error> {
        let Some((contact, address)) = target else { return Ok(()) };
        let notice = Notice { pool, username: &user.username, contact, address, code, occasion };
        notice.send(cx, &*self.deliver).await
    }

    /// The client of a call that names a user, with its secret hash checked.
    pub(crate) fn named_client(
        &self,
        client: Option<String>,
        name: &str,
        hash: Option<&str>,
    ) -> Result<(PoolRecord, ClientRecord), Error> {
        let client = need(client, "ClientId")?;
        let (pool, client) = self.store.read(|view| any_client(view, &client))?;
        secret_hash::check(&self.vault, &client, hash, &[name])?;
        Ok((pool, client))
    }
}

/// What calls without a password say of a name that is nobody's, where the client does not hide it.
pub(crate) fn no_combination() -> Error {
    Error::UserNotFound("Username/client id combination not found.".to_owned())
}

/// `ConfirmSignUp`
pub(crate) async fn confirm_sign_up(
    pools: &UserPools,
    cx: &Cx,
    input: ConfirmSignUpRequest,
) -> Result<ConfirmSignUpResponse, Error> {
    let (name, code) =
        (need(input.username, "Username")?, need(input.confirmation_code, "ConfirmationCode")?);
    let (pool, client) = pools.named_client(input.client_id, &name, input.secret_hash.as_deref())?;
    let force = input.force_alias_creation.unwrap_or(false);
    let confirm = |tx: &mut Tx| {
        let guess = Confirmation { pools, pool: &pool, client: &client, name: &name, code: &code, force };
        guess.check(tx, cx.now())
    };
    pools.store.transact("cognito confirm sign-up", confirm).await??;
    Ok(ConfirmSignUpResponse::default())
}

/// A guess at a confirmation code.
struct Confirmation<'a> {
    pools: &'a UserPools,
    pool: &'a PoolRecord,
    client: &'a ClientRecord,
    name: &'a str,
    code: &'a str,
    force: bool,
}

impl Confirmation<'_> {
    /// The inner error is the answer although the guess counts.
    fn check(&self, tx: &mut Tx, now: Timestamp) -> Result<Result<(), Error>, Error> {
        let Confirmation { pools, pool, .. } = self;
        let secrets = secrets::read(tx, &pools.vault, &pool.id)?;
        let Some(user) = user_record::find(tx, pool, self.name)? else {
            if !self.client.hides_users() {
                return Err(no_combination());
            }
            let subject = Subject::unknown(&*secrets.decoys(), &pool.canonical(self.name));
            let admitted = attempts::admit(tx, pool, &subject, Limited::ConfirmSignUp, now)?;
            return Ok(Err(if admitted { Error::ExpiredCode } else { Error::AttemptLimit }));
        };
        let canonical = pool.canonical(&user.username);
        if !attempts::admit(tx, pool, &Subject::user(&canonical), Limited::ConfirmSignUp, now)? {
            return Err(Error::AttemptLimit);
        }
        if user.status != UserStatus::Unconfirmed {
            let status = user.status.name();
            return Err(Error::NotAuthorized(format!(
                "User cannot be confirmed. Current status is {status}"
            )));
        }
        let key = secrets.codes();
        let slot = Slot { pool, key: &key, user: &canonical, purpose: Purpose::SignUp };
        let record = match slot.guess(tx, self.code, now)? {
            Guess::Right(record) => record,
            wrong => return Ok(wrong.right().map(drop)),
        };
        let verified = Some((record.contact, record.address.as_str()));
        confirm(tx, pool, user, verified, self.force, now).map(Ok)
    }
}

/// Confirms a user; a contact that the code was sent to is verified, unless it has changed since.
pub(crate) fn confirm(
    tx: &mut Tx,
    pool: &PoolRecord,
    user: UserRecord,
    verified: Option<(Contact, &str)>,
    force: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let mut after = UserRecord { status: UserStatus::Confirmed, modified: now, ..user.clone() };
    if let Some((contact, address)) = verified
        && after.attribute(contact.attribute()) == Some(address)
    {
        after.attributes.insert(contact.verified_attribute().to_owned(), "true".to_owned());
    }
    aliases::update(tx, pool, Some(&user), &after, force)?;
    user_record::put(tx, pool, &after)
}

/// `ResendConfirmationCode`
pub(crate) async fn resend(
    pools: &UserPools,
    cx: &Cx,
    input: ResendConfirmationCodeRequest,
) -> Result<ResendConfirmationCodeResponse, Error> {
    let name = need(input.username, "Username")?;
    let (pool, client) = pools.named_client(input.client_id, &name, input.secret_hash.as_deref())?;
    let code = six_digits();
    let resend = |tx: &mut Tx| {
        let secrets = secrets::read(tx, &pools.vault, &pool.id)?;
        let user = user_record::find(tx, &pool, &name)?;
        let canonical = pool.canonical(user.as_ref().map_or(&name, |user| &user.username));
        let subject = match &user {
            Some(_) => Subject::user(&canonical),
            None if client.hides_users() => Subject::unknown(&*secrets.decoys(), &canonical),
            None => return Err(no_combination()),
        };
        if !attempts::admit(tx, &pool, &subject, Limited::ResendConfirmationCode, cx.now())? {
            return Err(Error::AttemptLimit);
        }
        let unconfirmed = |user: &UserRecord| user.status == UserStatus::Unconfirmed && user.enabled;
        let Some(user) = user.filter(|user| unconfirmed(user) || !client.hides_users()) else {
            return Ok(Err(delivery::simulated(&pool, &name, &*secrets.decoys())));
        };
        if !unconfirmed(&user) {
            return Err(Error::invalid("User is already confirmed."));
        }
        let target = confirmation_target(&pool, &user)
            .ok_or_else(|| Error::invalid("Cannot resend codes. Auto verification not turned on."))?;
        pools.put_code(tx, (&pool, &user), Purpose::SignUp, (&code, Some(target)), cx.now())?;
        Ok(Ok((user.clone(), target.0, target.1.to_owned())))
    };
    let details = match pools.store.transact("cognito resend", resend).await? {
        Err(simulated) => simulated,
        Ok((user, contact, address)) => {
            let target = Some((contact, address.as_str()));
            pools.send(cx, &pool, &user, (&code, target), Occasion::ResendCode).await?;
            delivery::details(contact, &address)
        }
    };
    Ok(ResendConfirmationCodeResponse { code_delivery_details: Some(details) })
}
