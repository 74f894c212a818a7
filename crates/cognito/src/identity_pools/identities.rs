//! Identities: looked at, unlinked, deleted.

use nephos_core::Cx;
use nephos_store::{Read, Tx};

use super::identity_record::IdentityRecord;
use super::shapes::{
    DeleteIdentitiesInput, DeleteIdentitiesResponse, DescribeIdentityInput, IdentityDescription,
    ListIdentitiesInput, ListIdentitiesResponse, Unit, UnlinkIdentityInput, UnprocessedIdentityId,
};
use super::{IdentityPools, any_pool, linking, need, no_identity, own_pool};
use crate::error::Error;
use crate::{keys, paging};

/// An identity as answers show it.
fn view(identity: IdentityRecord) -> IdentityDescription {
    let logins: Vec<String> = identity.logins.into_keys().collect();
    IdentityDescription {
        identity_id: Some(identity.id),
        logins: Some(logins).filter(|logins| !logins.is_empty()),
        creation_date: Some(identity.created),
        last_modified_date: Some(identity.modified),
    }
}

/// An identity of the caller's account and region.
fn own(read: &dyn Read, cx: &Cx, id: &str) -> Result<IdentityRecord, Error> {
    let identity = linking::read_identity(read, id)?;
    own_pool(read, cx, &identity.pool).map_err(|_| no_identity(id))?;
    Ok(identity)
}

/// `DescribeIdentity`
pub(crate) async fn describe(
    pools: &IdentityPools,
    cx: &Cx,
    input: DescribeIdentityInput,
) -> Result<IdentityDescription, Error> {
    let id = need(input.identity_id, "IdentityId")?;
    pools.store.read(|read| own(read, cx, &id)).map(view)
}

/// `ListIdentities`
pub(crate) async fn list(
    pools: &IdentityPools,
    cx: &Cx,
    input: ListIdentitiesInput,
) -> Result<ListIdentitiesResponse, Error> {
    let id = need(input.identity_pool_id, "IdentityPoolId")?;
    let size = paging::size(input.max_results, 60);
    let hide_disabled = input.hide_disabled.unwrap_or(false);
    pools.store.read(|read| {
        own_pool(read, cx, &id)?;
        let page = paging::page(read, &keys::pool_identities(&id), input.next_token.as_deref(), size)?;
        let mut found = Vec::with_capacity(page.rows.len());
        for (identity, _) in page.rows {
            let identity: Option<IdentityRecord> = (&read).record(&keys::identity(&identity))?;
            found.extend(identity.filter(|identity| !identity.disabled || !hide_disabled).map(view));
        }
        Ok(ListIdentitiesResponse {
            identity_pool_id: Some(id.clone()),
            identities: Some(found),
            next_token: page.next,
        })
    })
}

/// `DeleteIdentities`: those that are the caller's; the others come back as unprocessed.
pub(crate) async fn delete(
    pools: &IdentityPools,
    cx: &Cx,
    input: DeleteIdentitiesInput,
) -> Result<DeleteIdentitiesResponse, Error> {
    let ids = need(input.identity_ids_to_delete, "IdentityIdsToDelete")?;
    let delete = |tx: &mut Tx| {
        let mut unprocessed = Vec::new();
        for id in &ids {
            match own(tx, cx, id) {
                Ok(identity) => identity.remove(tx),
                Err(Error::ResourceNotFound(_)) => unprocessed.push(UnprocessedIdentityId {
                    identity_id: Some(id.clone()),
                    error_code: Some("AccessDenied".to_owned()),
                }),
                Err(error) => return Err(error),
            }
        }
        Ok(unprocessed)
    };
    let unprocessed = pools.store.transact("cognito delete identities", delete).await?;
    Ok(DeleteIdentitiesResponse { unprocessed_identity_ids: Some(unprocessed) })
}

/// `UnlinkIdentity`: an identity without logins left can't be entered any more.
pub(crate) async fn unlink(
    pools: &IdentityPools,
    cx: &Cx,
    input: UnlinkIdentityInput,
) -> Result<Unit, Error> {
    let id = need(input.identity_id, "IdentityId")?;
    let given = need(input.logins, "Logins")?;
    let removed = need(input.logins_to_remove, "LoginsToRemove")?;
    let now = cx.now();
    let unlink = |tx: &mut Tx| {
        let mut identity = linking::read_identity(tx, &id)?;
        let pool = any_pool(tx, &identity.pool).map_err(|_| no_identity(&id))?;
        let logins = pools.logins(tx, &pool, &given, now)?;
        let own = |login: &super::logins::Login| identity.logins.get(&login.provider) == Some(&login.subject);
        if logins.is_empty() || !logins.iter().all(own) {
            return Err(Error::not_authorized(
                "Logins don't match. Please include at least one valid login for this identity or identity pool.",
            ));
        }
        for provider in &removed {
            if let Some(subject) = identity.logins.remove(provider) {
                tx.delete(keys::login(&identity.pool, provider, &subject));
            }
        }
        identity.disabled |= identity.logins.is_empty();
        identity.modified = now;
        identity.put(tx)
    };
    pools.store.transact("cognito unlink identity", unlink).await?;
    Ok(Unit::default())
}
