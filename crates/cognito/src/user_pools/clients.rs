//! App clients: made, looked at, changed, deleted.

use nephos_core::{Cx, random};
use nephos_store::{Range, Read, Tx};

use super::client_record::ClientRecord;
use super::client_settings::{self, Given};
use super::shapes::{
    CreateUserPoolClientRequest, CreateUserPoolClientResponse, DeleteUserPoolClientRequest,
    DescribeUserPoolClientRequest, DescribeUserPoolClientResponse, ListUserPoolClientsRequest,
    ListUserPoolClientsResponse, Unit, UpdateUserPoolClientRequest, UpdateUserPoolClientResponse,
    UserPoolClientDescription,
};
use super::{UserPools, need, own_pool, pool_client, secret_hash};
use crate::error::Error;
use crate::{keys, paging};

const LETTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The most clients of one pool.
const MAX_CLIENTS: usize = 1000;

/// `CreateUserPoolClient`
pub(crate) async fn create(
    pools: &UserPools,
    cx: &Cx,
    mut input: CreateUserPoolClientRequest,
) -> Result<CreateUserPoolClientResponse, Error> {
    let pool = need(input.user_pool_id.take(), "UserPoolId")?;
    let pool = pools.store.read(|view| own_pool(view, cx, &pool))?;
    let generate = input.generate_secret.unwrap_or(false);
    let secret = match input.client_secret.take() {
        Some(_) if generate => {
            return Err(Error::invalid("GenerateSecret and ClientSecret can't be given together."));
        }
        given => given.or_else(|| generate.then(|| random::text(LETTERS, 51))),
    };
    let (id, now) = (random::text(LETTERS, 26), cx.now());
    let settings = Given::from(input).settings(&pool, None)?;
    let sealed = secret.as_ref().map(|secret| secret_hash::seal(&pools.vault, &id, secret)).transpose()?;
    let client =
        ClientRecord { id, pool: pool.id.clone(), secret: sealed, created: now, modified: now, settings };
    client_settings::check(&client)?;
    let store = |tx: &mut Tx| {
        own_pool(tx, cx, &pool.id)?;
        let clients = Range::prefix(&keys::pool_clients(&pool.id)).limit(MAX_CLIENTS);
        if tx.range(&clients)?.len() >= MAX_CLIENTS {
            return Err(Error::LimitExceeded("Exceeded user pool client limit.".to_owned()));
        }
        tx.put(keys::pool_clients(&pool.id).text(&client.id), Vec::new());
        Ok(tx.put_record(keys::client(&client.id), &client)?)
    };
    pools.store.transact("cognito create client", store).await?;
    let view = client_settings::view(&client, secret);
    Ok(CreateUserPoolClientResponse { user_pool_client: Some(view) })
}

/// `DescribeUserPoolClient`
pub(crate) async fn describe(
    pools: &UserPools,
    cx: &Cx,
    input: DescribeUserPoolClientRequest,
) -> Result<DescribeUserPoolClientResponse, Error> {
    let (pool, client) = (need(input.user_pool_id, "UserPoolId")?, need(input.client_id, "ClientId")?);
    let client = pools.store.read(|view| pool_client(view, &own_pool(view, cx, &pool)?, &client))?;
    let secret = secret_hash::secret(&pools.vault, &client)?;
    let view = client_settings::view(&client, secret);
    Ok(DescribeUserPoolClientResponse { user_pool_client: Some(view) })
}

/// `UpdateUserPoolClient`
pub(crate) async fn update(
    pools: &UserPools,
    cx: &Cx,
    mut input: UpdateUserPoolClientRequest,
) -> Result<UpdateUserPoolClientResponse, Error> {
    let pool = need(input.user_pool_id.take(), "UserPoolId")?;
    let client = need(input.client_id.take(), "ClientId")?;
    let update = |tx: &mut Tx| {
        let pool = own_pool(tx, cx, &pool)?;
        let before = pool_client(tx, &pool, &client)?;
        let settings = Given::from(input.clone()).settings(&pool, Some(&before.settings))?;
        let after = ClientRecord { settings, modified: cx.now(), ..before };
        client_settings::check(&after)?;
        tx.put_record(keys::client(&after.id), &after)?;
        Ok::<_, Error>(after)
    };
    let client = pools.store.transact("cognito update client", update).await?;
    let secret = secret_hash::secret(&pools.vault, &client)?;
    let view = client_settings::view(&client, secret);
    Ok(UpdateUserPoolClientResponse { user_pool_client: Some(view) })
}

/// `DeleteUserPoolClient`
pub(crate) async fn delete(
    pools: &UserPools,
    cx: &Cx,
    input: DeleteUserPoolClientRequest,
) -> Result<Unit, Error> {
    let (pool, client) = (need(input.user_pool_id, "UserPoolId")?, need(input.client_id, "ClientId")?);
    let delete = |tx: &mut Tx| {
        let client = pool_client(tx, &own_pool(tx, cx, &pool)?, &client)?;
        tx.delete(keys::pool_clients(&pool).text(&client.id));
        tx.delete(keys::client(&client.id));
        Ok::<(), Error>(())
    };
    pools.store.transact("cognito delete client", delete).await?;
    Ok(Unit::default())
}

/// `ListUserPoolClients`
pub(crate) async fn list(
    pools: &UserPools,
    cx: &Cx,
    input: ListUserPoolClientsRequest,
) -> Result<ListUserPoolClientsResponse, Error> {
    let pool = need(input.user_pool_id, "UserPoolId")?;
    let size = paging::size(input.max_results, 60);
    pools.store.read(|view| {
        let pool = own_pool(view, cx, &pool)?;
        let page = paging::page(view, &keys::pool_clients(&pool.id), input.next_token.as_deref(), size)?;
        let mut clients = Vec::with_capacity(page.rows.len());
        for (id, _) in page.rows {
            let Some(client) = view.record::<ClientRecord>(&keys::client(&id))? else { continue };
            clients.push(UserPoolClientDescription {
                client_id: Some(client.id),
                user_pool_id: Some(client.pool),
                client_name: Some(client.settings.name),
            });
        }
        Ok(ListUserPoolClientsResponse { user_pool_clients: Some(clients), next_token: page.next })
    })
}
