//! `GetId`: the identity of a sign-in, the same every time; for guests a new one.

use nephos_core::Cx;
use nephos_store::Tx;

use super::identity_record::IdentityRecord;
use super::pool_record::IdentityPoolRecord;
use super::shapes::{GetIdInput, GetIdResponse};
use super::{IdentityPools, any_pool, linking, need};
use crate::error::Error;

/// Refuses guests where the pool has none.
pub(crate) fn refuse_guests(pool: &IdentityPoolRecord) -> Result<(), Error> {
    if pool.settings.guests {
        return Ok(());
    }
    Err(Error::not_authorized("Unauthenticated access is not supported for this identity pool."))
}

/// `GetId`
pub(crate) async fn get_id(
    pools: &IdentityPools,
    cx: &Cx,
    input: GetIdInput,
) -> Result<GetIdResponse, Error> {
    let id = need(input.identity_pool_id, "IdentityPoolId")?;
    let (given, now) = (input.logins.unwrap_or_default(), cx.now());
    let pool = pools.store.read(|read| any_pool(read, &id))?;
    let fresh = IdentityRecord::new(&pool, now);
    let get = |tx: &mut Tx| {
        let pool = any_pool(tx, &id)?;
        if given.is_empty() {
            refuse_guests(&pool)?;
        }
        let logins = pools.logins(tx, &pool, &given, now)?;
        linking::find_or_make(tx, &pool, &logins, &fresh)
    };
    let identity = pools.store.transact("cognito get id", get).await?;
    Ok(GetIdResponse { identity_id: Some(identity.id) })
}
