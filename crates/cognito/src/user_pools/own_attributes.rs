//! What users do with their own attributes: set, remove and verify them.

use nephos_core::{Cx, Timestamp};
use nephos_store::Tx;

use super::access_token::Bearer;
use super::attempts::{self, Limited, Subject};
use super::attributes::{self, By, Given};
use super::codes::{Guess, Purpose, Slot};
use super::contact::Contact;
use super::delivery::{self, Occasion};
use super::pool_record::PoolRecord;
use super::shapes::{
    DeleteUserAttributesRequest, DeleteUserAttributesResponse, GetUserAttributeVerificationCodeRequest,
    GetUserAttributeVerificationCodeResponse, UpdateUserAttributesRequest, UpdateUserAttributesResponse,
    VerifyUserAttributeRequest, VerifyUserAttributeResponse,
};
use super::user_record::{self, UserRecord};
use super::{UserPools, aliases, need, secrets, user_view};
use crate::crypto::codes::six_digits;
use crate::error::Error;

/// A contact that changed and is to be verified: where the code goes.
pub(crate) type ToVerify = Vec<(Contact, String, String)>;

/// `UpdateUserAttributes`
pub(crate) async fn update(
    pools: &UserPools,
    cx: &Cx,
    input: UpdateUserAttributesRequest,
) -> Result<UpdateUserAttributesResponse, Error> {
    let token = need(input.access_token, "AccessToken")?;
    let given = user_view::given(input.user_attributes)?;
    let codes = Contact::ALL.map(|_| six_digits());
    let update = |tx: &mut Tx| {
        let bearer = pools.bearer(tx, &token, cx.now())?;
        attributes::check(&bearer.pool, &given, By::Client(&bearer.client))?;
        let sent = pools.change(tx, (&bearer.pool, &bearer.user), &given, &codes, cx.now())?;
        Ok::<_, Error>((bearer, sent))
    };
    let (bearer, sent) = pools.store.transact("cognito update attributes", update).await?;
    let details = pools.send_all(cx, (&bearer.pool, &bearer.user), &sent).await?;
    Ok(UpdateUserAttributesResponse { code_delivery_details_list: Some(details) })
}

impl UserPools {
    /// Sets checked attributes on a user. Contacts that are verified automatically get a code; those that need it
    /// before they count keep their old value until then.
    pub(crate) fn change(
        &self,
        tx: &mut Tx,
        (pool, before): (&PoolRecord, &UserRecord),
        given: &Given,
        codes: &[String; 2],
        now: Timestamp,
    ) -> Result<ToVerify, Error> {
        let mut now_given = given.clone();
        let mut to_verify = ToVerify::new();
        for (contact, code) in Contact::ALL.into_iter().zip(codes) {
            let name = contact.attribute();
            let Some(value) = given.get(name).filter(|value| !value.is_empty()) else { continue };
            let unchanged = before.attribute(name) == Some(value);
            let vouched = given.get(contact.verified_attribute()).is_some_and(|verified| verified == "true");
            if unchanged || vouched || !pool.settings.auto_verified.contains(&contact) {
                continue;
            }
            if pool.is_alias(name) {
                let own = pool.canonical(&before.username);
                aliases::refuse_taken(tx, pool, name, value, Some(&own))?;
            }
            if pool.settings.verify_before_update.contains(&contact) {
                now_given.remove(name);
            }
            to_verify.push((contact, value.clone(), code.clone()));
        }
        let mut after = UserRecord { modified: now, ..before.clone() };
        attributes::apply(pool, &mut after, &now_given)?;
        aliases::update(tx, pool, Some(before), &after, false)?;
        user_record::put(tx, pool, &after)?;
        for (contact, address, code) in &to_verify {
            let target = Some((*contact, address.as_str()));
            self.put_code(tx, (pool, &after), Purpose::Verify(*contact), (code, target), now)?;
        }
        Ok(to_verify)
    }

    /// Sends the codes of contacts that changed.
    pub(crate) async fn send_all(
        &self,
        cx: &Cx,
        (pool, user): (&PoolRecord, &UserRecord),
        sent: &ToVerify,
    ) -> Result<Vec<super::shapes::CodeDeliveryDetailsType>, Error> {
        let mut details = Vec::new();
        for (contact, address, code) in sent {
            let target = Some((*contact, address.as_str()));
            self.send(cx, pool, user, (code, target), Occasion::UpdateUserAttribute).await?;
            details.push(delivery::details(*contact, address));
        }
        Ok(details)
    }
}

/// `DeleteUserAttributes`
pub(crate) async fn delete(
    pools: &UserPools,
    cx: &Cx,
    input: DeleteUserAttributesRequest,
) -> Result<DeleteUserAttributesResponse, Error> {
    let token = need(input.access_token, "AccessToken")?;
    let names = need(input.user_attribute_names, "UserAttributeNames")?;
    let given: Given = names.into_iter().map(|name| (name, String::new())).collect();
    let delete = |tx: &mut Tx| {
        let bearer = pools.bearer(tx, &token, cx.now())?;
        attributes::check(&bearer.pool, &given, By::Client(&bearer.client))?;
        let unsent = [String::new(), String::new()];
        pools.change(tx, (&bearer.pool, &bearer.user), &given, &unsent, cx.now()).map(drop)
    };
    pools.store.transact("cognito delete attributes", delete).await?;
    Ok(DeleteUserAttributesResponse::default())
}

/// The contact of a call that verifies one.
fn contact(name: Option<String>) -> Result<Contact, Error> {
    let name = need(name, "AttributeName")?;
    Contact::parse(&name)
        .ok_or_else(|| Error::invalid("Invalid attribute name; only email and phone_number can be verified."))
}

/// `GetUserAttributeVerificationCode`
pub(crate) async fn get_code(
    pools: &UserPools,
    cx: &Cx,
    input: GetUserAttributeVerificationCodeRequest,
) -> Result<GetUserAttributeVerificationCodeResponse, Error> {
    let token = need(input.access_token, "AccessToken")?;
    let contact = contact(input.attribute_name)?;
    let (code, now) = (six_digits(), cx.now());
    let put = |tx: &mut Tx| {
        let bearer = pools.bearer(tx, &token, now)?;
        let subject = Subject::user(&bearer.canonical);
        let limited = Limited::GetUserAttributeVerificationCode;
        if !attempts::admit(tx, &bearer.pool, &subject, limited, now)? {
            return Err(Error::AttemptLimit);
        }
        let address = bearer.user.attribute(contact.attribute()).map(str::to_owned);
        let address = address.ok_or_else(|| {
            Error::invalid(format!("User does not have a registered {}.", contact.attribute()))
        })?;
        let target = (code.as_str(), Some((contact, address.as_str())));
        pools.put_code(tx, (&bearer.pool, &bearer.user), Purpose::Verify(contact), target, now)?;
        Ok((bearer, address))
    };
    let (Bearer { pool, user, .. }, address) = pools.store.transact("cognito get code", put).await?;
    let target = (code.as_str(), Some((contact, address.as_str())));
    pools.send(cx, &pool, &user, target, Occasion::VerifyUserAttribute).await?;
    let details = delivery::details(contact, &address);
    Ok(GetUserAttributeVerificationCodeResponse { code_delivery_details: Some(details) })
}

/// `VerifyUserAttribute`
pub(crate) async fn verify(
    pools: &UserPools,
    cx: &Cx,
    input: VerifyUserAttributeRequest,
) -> Result<VerifyUserAttributeResponse, Error> {
    let (token, code) = (need(input.access_token, "AccessToken")?, need(input.code, "Code")?);
    let contact = contact(input.attribute_name)?;
    let now = cx.now();
    let verify = |tx: &mut Tx| {
        let bearer = pools.bearer(tx, &token, now)?;
        let subject = Subject::user(&bearer.canonical);
        if !attempts::admit(tx, &bearer.pool, &subject, Limited::VerifyUserAttribute, now)? {
            return Err(Error::AttemptLimit);
        }
        let key = secrets::read(tx, &pools.vault, &bearer.pool.id)?.codes();
        let purpose = Purpose::Verify(contact);
        let slot = Slot { pool: &bearer.pool, key: &key, user: &bearer.canonical, purpose };
        match slot.guess(tx, &code, now)? {
            Guess::Right(record) => {
                verified(tx, &bearer, (contact, &record.address), now)?;
                Ok(Ok(()))
            }
            wrong => Ok(wrong.right().map(drop)),
        }
    };
    pools.store.transact("cognito verify attribute", verify).await??;
    Ok(VerifyUserAttributeResponse::default())
}

/// Marks a contact verified; a value that waited for it takes the old one's place.
fn verified(
    tx: &mut Tx,
    bearer: &Bearer,
    (contact, address): (Contact, &str),
    now: Timestamp,
) -> Result<(), Error> {
    let (pool, before) = (&bearer.pool, &bearer.user);
    let waits = pool.settings.verify_before_update.contains(&contact);
    if !waits && before.attribute(contact.attribute()) != Some(address) {
        return Err(Error::ExpiredCode);
    }
    let mut after = UserRecord { modified: now, ..before.clone() };
    after.attributes.insert(contact.attribute().to_owned(), address.to_owned());
    after.attributes.insert(contact.verified_attribute().to_owned(), "true".to_owned());
    aliases::update(tx, pool, Some(before), &after, false)?;
    user_record::put(tx, pool, &after)
}
