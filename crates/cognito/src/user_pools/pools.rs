//! User pools: made, looked at, changed, deleted.

use std::ops::ControlFlow;

use nephos_core::{Cx, random};
use nephos_store::{Range, Read, Store, Tx};

use super::pool_record::PoolRecord;
use super::pool_settings::{self, Given};
use super::secrets::{self, NewSecrets};
use super::shapes::{
    AddCustomAttributesRequest, AddCustomAttributesResponse, CreateUserPoolRequest, CreateUserPoolResponse,
    DeleteUserPoolRequest, DescribeUserPoolRequest, DescribeUserPoolResponse, LambdaConfigType,
    ListUserPoolsRequest, ListUserPoolsResponse, Unit, UpdateUserPoolRequest, UpdateUserPoolResponse,
    UserPoolDescriptionType,
};
use super::{UserPools, need, own_pool, pool_view, schema};
use crate::error::Error;
use crate::{keys, paging};

/// How far users are counted for the estimate.
const COUNT_USERS: usize = 100_000;

/// `CreateUserPool`
pub(crate) async fn create(
    pools: &UserPools,
    cx: &Cx,
    input: CreateUserPoolRequest,
) -> Result<CreateUserPoolResponse, Error> {
    let now = cx.now();
    let fixed = pool_settings::fixed(&input)?;
    let schema = pool_settings::schema(input.schema.clone())?;
    let settings = Given::from(input).settings(None)?;
    let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let pool = PoolRecord {
        id: format!("{}_{}", cx.region, random::text(alphabet, 9)),
        account: cx.account.to_string(),
        region: cx.region.to_string(),
        created: now,
        modified: now,
        fixed,
        settings,
        schema,
    };
    let (id, access) = (pools.forge.take().await?, pools.forge.take().await?);
    let secrets = NewSecrets::new(&pools.vault, &pool.id, (&id, &access), now)?;
    let store = |tx: &mut Tx| {
        if tx.get(&keys::pool(&pool.id))?.is_some() {
            return Err(Error::Internal(format!("expected a new pool id, {} is taken", pool.id)));
        }
        tx.put_record(keys::pool(&pool.id), &pool)?;
        tx.put(keys::pools(cx.account, &cx.region).text(&pool.id), Vec::new());
        secrets.put(tx, &pool.id)
    };
    pools.store.transact("cognito create pool", store).await?;
    Ok(CreateUserPoolResponse { user_pool: Some(pool_view::pool(&pool, 0)?) })
}

/// `DescribeUserPool`
pub(crate) async fn describe(
    pools: &UserPools,
    cx: &Cx,
    input: DescribeUserPoolRequest,
) -> Result<DescribeUserPoolResponse, Error> {
    let id = need(input.user_pool_id, "UserPoolId")?;
    pools.store.read(|view| {
        let pool = own_pool(view, cx, &id)?;
        let mut users = 0;
        let range = Range::prefix(&keys::users(&pool.id)).limit(COUNT_USERS);
        view.scan(&range, &mut |_, _| {
            users += 1;
            ControlFlow::Continue(())
        })?;
        Ok(DescribeUserPoolResponse { user_pool: Some(pool_view::pool(&pool, users)?) })
    })
}

/// `UpdateUserPool`
pub(crate) async fn update(
    pools: &UserPools,
    cx: &Cx,
    mut input: UpdateUserPoolRequest,
) -> Result<UpdateUserPoolResponse, Error> {
    let id = need(input.user_pool_id.take(), "UserPoolId")?;
    let update = |tx: &mut Tx| {
        let pool = own_pool(tx, cx, &id)?;
        let settings = Given::from(input.clone()).settings(Some(&pool.settings))?;
        tx.put_record(keys::pool(&pool.id), &PoolRecord { settings, modified: cx.now(), ..pool })?;
        Ok::<(), Error>(())
    };
    pools.store.transact("cognito update pool", update).await?;
    Ok(UpdateUserPoolResponse::default())
}

/// `AddCustomAttributes`
pub(crate) async fn add_custom_attributes(
    pools: &UserPools,
    cx: &Cx,
    input: AddCustomAttributesRequest,
) -> Result<AddCustomAttributesResponse, Error> {
    let id = need(input.user_pool_id, "UserPoolId")?;
    let given = need(input.custom_attributes, "CustomAttributes")?;
    let given: Vec<_> = given.into_iter().map(pool_settings::attribute_schema).collect::<Result<_, _>>()?;
    let add = |tx: &mut Tx| {
        let mut pool = own_pool(tx, cx, &id)?;
        for attribute in &given {
            schema::add_custom(&mut pool.schema, attribute.clone())?;
        }
        pool.modified = cx.now();
        tx.put_record(keys::pool(&pool.id), &pool)?;
        Ok::<(), Error>(())
    };
    pools.store.transact("cognito add attributes", add).await?;
    Ok(AddCustomAttributesResponse::default())
}

/// `ListUserPools`
pub(crate) async fn list(
    pools: &UserPools,
    cx: &Cx,
    input: ListUserPoolsRequest,
) -> Result<ListUserPoolsResponse, Error> {
    let size = paging::size(input.max_results, 60);
    pools.store.read(|view| {
        let prefix = keys::pools(cx.account, &cx.region);
        let page = paging::page(view, &prefix, input.next_token.as_deref(), size)?;
        let mut user_pools = Vec::with_capacity(page.rows.len());
        for (id, _) in page.rows {
            let Some(pool) = view.record::<PoolRecord>(&keys::pool(&id))? else { continue };
            user_pools.push(UserPoolDescriptionType {
                id: Some(pool.id),
                name: Some(pool.settings.name),
                lambda_config: Some(LambdaConfigType::default()),
                status: None,
                last_modified_date: Some(pool.modified),
                creation_date: Some(pool.created),
            });
        }
        Ok(ListUserPoolsResponse { user_pools: Some(user_pools), next_token: page.next })
    })
}

/// `DeleteUserPool`: gone at once; what belonged to it is removed in batches, and after a crash by the sweep.
pub(crate) async fn delete(pools: &UserPools, cx: &Cx, input: DeleteUserPoolRequest) -> Result<Unit, Error> {
    let id = need(input.user_pool_id, "UserPoolId")?;
    let delete = |tx: &mut Tx| {
        let pool = own_pool(tx, cx, &id)?;
        if pool.settings.deletion_protection {
            return Err(Error::invalid(
                "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.",
            ));
        }
        tx.delete(keys::pool(&pool.id));
        tx.delete(keys::pools(cx.account, &cx.region).text(&pool.id));
        tx.put(keys::dead_pool(&pool.id), Vec::new());
        secrets::remove(tx, &pool.id)
    };
    pools.store.transact("cognito delete pool", delete).await?;
    purge(&pools.store, &id).await?;
    Ok(Unit::default())
}

/// The most rows that one transaction removes.
const BATCH: usize = 512;

/// Removes what belonged to a deleted pool.
async fn purge(store: &Store, pool: &str) -> Result<(), Error> {
    while store.transact("cognito purge", |tx| purge_batch(tx, pool)).await? {}
    Ok(())
}

/// Removes a batch; `false` when nothing was left.
fn purge_batch(tx: &mut Tx, pool: &str) -> Result<bool, Error> {
    for (key, _) in tx.range(&Range::prefix(&keys::pool_clients(pool)).limit(BATCH))? {
        let mut reader = key.reader();
        for _ in 0..3 {
            reader.bytes()?;
        }
        tx.delete(keys::client(&reader.text()?));
        tx.delete(key);
    }
    let prefixes = [
        keys::users(pool),
        keys::subs(pool),
        keys::aliases(pool),
        keys::passwords(pool),
        keys::codes(pool),
        keys::attempts(pool),
        keys::sessions(pool),
        keys::groups(pool),
        keys::all_members(pool),
        keys::all_memberships(pool),
    ];
    for prefix in prefixes {
        let rows = tx.range(&Range::prefix(&prefix).limit(BATCH))?;
        if rows.is_empty() {
            continue;
        }
        rows.into_iter().for_each(|(key, _)| tx.delete(key));
        return Ok(true);
    }
    let more = !tx.range(&Range::prefix(&keys::pool_clients(pool)).limit(1))?.is_empty();
    if !more {
        tx.delete(keys::dead_pool(pool));
    }
    Ok(more)
}

/// Finishes what a crash left of deleted pools.
pub(crate) async fn purge_all(store: &Store) -> Result<(), Error> {
    let dead = store.read(|view| paging::page(view, &keys::dead_pools(), None, BATCH))?;
    for (pool, _) in dead.rows {
        purge(store, &pool).await?;
    }
    Ok(())
}
