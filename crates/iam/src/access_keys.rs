//! Long-term access keys: two a user, secrets sealed and shown once.

use nephos_core::{AccountId, Cx, Principal, random};
use nephos_store::{KeyReader, Range, Read};

use crate::Iam;
use crate::bootstrap::put_access_key;
use crate::directory;
use crate::error::Error;
use crate::keys::{self, Sort};
use crate::pages::Asked;
use crate::records::AccessKey;
use crate::shapes;
use crate::shapes::{
    AccessKeyMetadata, CreateAccessKeyRequest, CreateAccessKeyResponse, DeleteAccessKeyRequest,
    ListAccessKeysRequest, ListAccessKeysResponse, Unit, UpdateAccessKeyRequest,
};

const MAX_KEYS: usize = 2;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new access key id. It holds the account as AWS's do, so that `sts:GetAccessKeyInfo` needs no lookup: 40 bits of account
/// behind a zero bit, then 39 random bits.
pub(crate) fn access_key_id(prefix: &str, account: AccountId) -> String {
    let number: u128 = account.as_str().parse().unwrap_or(0);
    let noise = u128::from(u64::from_be_bytes(random::bytes())) & ((1 << 39) - 1);
    let bits = (number << 39) | noise;
    let letters = (0..16).rev().map(|at| char::from(BASE32[((bits >> (5 * at)) & 31) as usize]));
    prefix.chars().chain(letters).collect()
}

/// The account that an access key id holds.
pub(crate) fn account_of(access_key_id: &str) -> Option<AccountId> {
    let letters = access_key_id.strip_prefix("AKIA").or_else(|| access_key_id.strip_prefix("ASIA"))?;
    if letters.len() != 16 {
        return None;
    }
    let mut bits: u128 = 0;
    for letter in letters.bytes() {
        bits = (bits << 5) | BASE32.iter().position(|b| *b == letter)? as u128;
    }
    format!("{:012}", (bits >> 39) & ((1 << 40) - 1)).parse().ok()
}

/// A new secret: 40 characters, as AWS's have.
pub(crate) fn new_secret() -> String {
    random::text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 40)
}

/// Whose keys a request is about: a user by name, or the caller itself.
pub(crate) fn owner(cx: &Cx, name: Option<&str>) -> Result<Option<String>, Error> {
    match (name, &*cx.principal) {
        (Some(name), _) => Ok(Some(name.to_owned())),
        (None, Principal::Root { .. }) => Ok(None),
        (None, Principal::User { name, .. }) => Ok(Some(name.clone())),
        _ => {
            Err(Error::Validation("Must specify userName when calling with non-User credentials".to_owned()))
        }
    }
}

/// The access keys of a user, or of the root user.
pub(crate) fn owned<R: Read>(
    tx: &R,
    account: AccountId,
    user: Option<&str>,
) -> Result<Vec<AccessKey>, Error> {
    let prefix = keys::owned_keys(account, user);
    let mut found = Vec::new();
    for (key, _) in tx.range(&Range::prefix(&prefix))? {
        let id = KeyReader::new(&key.as_bytes()[prefix.as_bytes().len()..]).text()?;
        found.extend(directory::access_key(tx, &id)?);
    }
    Ok(found)
}

fn check_user<R: Read>(tx: &R, account: AccountId, user: Option<&str>) -> Result<(), Error> {
    match user {
        Some(name) => directory::get(tx, account, Sort::User, name).map(drop),
        None => Ok(()),
    }
}

pub(crate) async fn create(
    iam: &Iam,
    cx: &Cx,
    input: CreateAccessKeyRequest,
) -> Result<CreateAccessKeyResponse, Error> {
    let user = owner(cx, input.user_name.as_deref())?;
    let (id, secret) = (access_key_id("AKIA", cx.account), new_secret());
    let key = iam.sealed_key(cx.account, user.as_deref(), &id, &secret, cx.now())?;
    iam.write("iam.create_access_key", cx.account, |tx| {
        check_user(tx, cx.account, user.as_deref())?;
        if owned(tx, cx.account, user.as_deref())?.len() >= MAX_KEYS {
            let quota = format!("Cannot exceed quota for AccessKeysPerUser: {MAX_KEYS}");
            return Err(Error::LimitExceeded(quota));
        }
        if directory::access_key(tx, &id)?.is_some() {
            return Err(Error::EntityAlreadyExists(format!("AccessKey with id {id} already exists.")));
        }
        put_access_key(tx, cx.account, &key)
    })
    .await?;
    Ok(CreateAccessKeyResponse {
        access_key: Some(shapes::AccessKey {
            user_name: Some(user.unwrap_or_default()),
            access_key_id: Some(id),
            status: Some("Active".to_owned()),
            secret_access_key: Some(secret),
            create_date: Some(key.created),
        }),
    })
}

pub(crate) async fn list(
    iam: &Iam,
    cx: &Cx,
    input: ListAccessKeysRequest,
) -> Result<ListAccessKeysResponse, Error> {
    let user = owner(cx, input.user_name.as_deref())?;
    let found = iam.store.read(|view| {
        check_user(view, cx.account, user.as_deref())?;
        owned(view, cx.account, user.as_deref())
    })?;
    let page = Asked::read(input.marker.as_deref(), input.max_items)?.of(found, |key| &key.id);
    let is_truncated = page.is_truncated();
    let metadata = |key: &AccessKey| AccessKeyMetadata {
        user_name: key.user.clone(),
        access_key_id: Some(key.id.clone()),
        status: Some(status(key.active).to_owned()),
        create_date: Some(key.created),
    };
    Ok(ListAccessKeysResponse {
        access_key_metadata: Some(page.items.iter().map(metadata).collect()),
        is_truncated,
        marker: page.marker,
    })
}

fn status(active: bool) -> &'static str {
    if active { "Active" } else { "Inactive" }
}

/// A key of the given user.
fn key_of<R: Read>(tx: &R, account: AccountId, user: Option<&str>, id: &str) -> Result<AccessKey, Error> {
    check_user(tx, account, user)?;
    let key = directory::access_key(tx, id)?;
    key.filter(|key| key.account == account.as_str() && key.user.as_deref() == user)
        .ok_or_else(|| Error::NoSuchEntity(format!("The Access Key with id {id} cannot be found.")))
}

pub(crate) async fn update(iam: &Iam, cx: &Cx, input: UpdateAccessKeyRequest) -> Result<Unit, Error> {
    let user = owner(cx, input.user_name.as_deref())?;
    let id = input.access_key_id.unwrap_or_default();
    let active = match input.status.as_deref() {
        Some("Active") => true,
        Some("Inactive") => false,
        other => {
            return Err(Error::Validation(format!(
                "expected status Active or Inactive, got {}",
                other.unwrap_or("none")
            )));
        }
    };
    iam.write("iam.update_access_key", cx.account, |tx| {
        let mut key = key_of(tx, cx.account, user.as_deref(), &id)?;
        key.active = active;
        put_access_key(tx, cx.account, &key)
    })
    .await?;
    Ok(Unit {})
}

pub(crate) async fn delete(iam: &Iam, cx: &Cx, input: DeleteAccessKeyRequest) -> Result<Unit, Error> {
    let user = owner(cx, input.user_name.as_deref())?;
    let id = input.access_key_id.unwrap_or_default();
    iam.write("iam.delete_access_key", cx.account, |tx| {
        key_of(tx, cx.account, user.as_deref(), &id)?;
        tx.delete(keys::owned_key(cx.account, user.as_deref(), &id));
        tx.delete(keys::access_key(&id));
        Ok(())
    })
    .await?;
    Ok(Unit {})
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_access_key_id_tells_its_account(account in "[0-9]{12}") {
            let account: AccountId = account.parse().unwrap();
            let id = access_key_id("ASIA", account);
            prop_assert_eq!(id.len(), 20);
            prop_assert_eq!(account_of(&id), Some(account));
        }
    }

    #[test]
    fn an_id_of_aws_is_read_as_aws_reads_it() {
        // Published as an example of the encoding, with its account.
        assert_eq!(
            account_of("ASIAQNZGKIQY56JQ7WML").map(|a| a.to_string()).as_deref(),
            Some("029608264753")
        );
        assert_eq!(account_of("test"), None);
    }
}
