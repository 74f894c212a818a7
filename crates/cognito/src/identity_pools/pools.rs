//! Identity pools: made, looked at, changed, deleted.

use std::collections::BTreeMap;

use nephos_core::{Cx, random};
use nephos_store::{Range, Read, Store, Tx, record};

use super::pool_record::{IdentityPoolRecord, Provider, Roles, Settings};
use super::shapes::{
    CognitoIdentityProvider, CreateIdentityPoolInput, DeleteIdentityPoolInput, DescribeIdentityPoolInput,
    IdentityPool, IdentityPoolShortDescription, ListIdentityPoolsInput, ListIdentityPoolsResponse, Unit,
};
use super::{IdentityPools, need, own_pool};
use crate::error::Error;
use crate::{keys, paging, tags};

/// The most user pool clients of one identity pool.
const MAX_PROVIDERS: usize = 50;

/// `CreateIdentityPool`
pub(crate) async fn create(
    pools: &IdentityPools,
    cx: &Cx,
    input: CreateIdentityPoolInput,
) -> Result<IdentityPool, Error> {
    let given = IdentityPool {
        identity_pool_id: None,
        identity_pool_name: input.identity_pool_name,
        allow_unauthenticated_identities: input.allow_unauthenticated_identities,
        allow_classic_flow: input.allow_classic_flow,
        supported_login_providers: input.supported_login_providers,
        developer_provider_name: input.developer_provider_name,
        open_id_connect_provider_arns: input.open_id_connect_provider_arns,
        cognito_identity_providers: input.cognito_identity_providers,
        saml_provider_arns: input.saml_provider_arns,
        identity_pool_tags: input.identity_pool_tags,
    };
    let pool = IdentityPoolRecord {
        id: format!("{}:{}", cx.region, random::uuid()),
        account: cx.account.to_string(),
        region: cx.region.to_string(),
        tags: given.identity_pool_tags.clone().unwrap_or_default(),
        settings: settings(given)?,
        roles: Roles::default(),
    };
    tags::check(&pool.tags)?;
    let store = |tx: &mut Tx| {
        tx.put(keys::identity_pools(cx.account, &cx.region).text(&pool.id), Vec::new());
        Ok::<(), Error>(tx.put_record(keys::identity_pool(&pool.id), &pool)?)
    };
    pools.store.transact("cognito create identity pool", store).await?;
    Ok(view(pool))
}

/// What is stored of what was given; what Nephos can't verify is refused by name.
fn settings(given: IdentityPool) -> Result<Settings, Error> {
    let absent = |what: &str| Error::NotImplemented(format!("cognito-identity {what}"));
    if given.supported_login_providers.is_some_and(|map| !map.is_empty()) {
        return Err(absent("SupportedLoginProviders"));
    }
    if given.developer_provider_name.is_some() {
        return Err(absent("DeveloperProviderName"));
    }
    if given.open_id_connect_provider_arns.is_some_and(|list| !list.is_empty()) {
        return Err(absent("OpenIdConnectProviderARNs"));
    }
    if given.saml_provider_arns.is_some_and(|list| !list.is_empty()) {
        return Err(absent("SamlProviderARNs"));
    }
    let given_providers = given.cognito_identity_providers.unwrap_or_default();
    if given_providers.len() > MAX_PROVIDERS {
        return Err(Error::LimitExceeded("Too many Cognito identity providers.".to_owned()));
    }
    Ok(Settings {
        name: need(given.identity_pool_name, "IdentityPoolName")?,
        guests: need(given.allow_unauthenticated_identities, "AllowUnauthenticatedIdentities")?,
        classic: given.allow_classic_flow,
        providers: given_providers.into_iter().map(provider).collect::<Result<_, _>>()?,
    })
}

fn provider(given: CognitoIdentityProvider) -> Result<Provider, Error> {
    let name = need(given.provider_name, "ProviderName")?;
    let pool = name.strip_prefix("cognito-idp.").and_then(|rest| rest.split_once(".amazonaws.com/"));
    if pool.is_none_or(|(region, pool)| !pool.starts_with(&format!("{region}_"))) {
        return Err(Error::invalid("Invalid Cognito Identity Provider"));
    }
    let client = need(given.client_id, "ClientId")?;
    Ok(Provider { name, client, check_sign_out: given.server_side_token_check })
}

/// An identity pool as answers show it.
fn view(pool: IdentityPoolRecord) -> IdentityPool {
    let providers = pool.settings.providers.into_iter().map(|provider| CognitoIdentityProvider {
        provider_name: Some(provider.name),
        client_id: Some(provider.client),
        server_side_token_check: Some(provider.check_sign_out.unwrap_or(false)),
    });
    let providers: Vec<CognitoIdentityProvider> = providers.collect();
    IdentityPool {
        identity_pool_id: Some(pool.id),
        identity_pool_name: Some(pool.settings.name),
        allow_unauthenticated_identities: Some(pool.settings.guests),
        allow_classic_flow: pool.settings.classic,
        cognito_identity_providers: Some(providers).filter(|providers| !providers.is_empty()),
        identity_pool_tags: Some(pool.tags),
        ..IdentityPool::default()
    }
}

/// `DescribeIdentityPool`
pub(crate) async fn describe(
    pools: &IdentityPools,
    cx: &Cx,
    input: DescribeIdentityPoolInput,
) -> Result<IdentityPool, Error> {
    let id = need(input.identity_pool_id, "IdentityPoolId")?;
    pools.store.read(|read| own_pool(read, cx, &id)).map(view)
}

/// `UpdateIdentityPool`
pub(crate) async fn update(
    pools: &IdentityPools,
    cx: &Cx,
    mut input: IdentityPool,
) -> Result<IdentityPool, Error> {
    let id = need(input.identity_pool_id.take(), "IdentityPoolId")?;
    let update = |tx: &mut Tx| {
        let before = own_pool(tx, cx, &id)?;
        let tags: BTreeMap<_, _> = input.identity_pool_tags.clone().unwrap_or(before.tags.clone());
        tags::check(&tags)?;
        let after = IdentityPoolRecord { settings: settings(input.clone())?, tags, ..before };
        tx.put_record(keys::identity_pool(&id), &after)?;
        Ok::<_, Error>(after)
    };
    pools.store.transact("cognito update identity pool", update).await.map(view)
}

/// `ListIdentityPools`
pub(crate) async fn list(
    pools: &IdentityPools,
    cx: &Cx,
    input: ListIdentityPoolsInput,
) -> Result<ListIdentityPoolsResponse, Error> {
    let size = paging::size(input.max_results, 60);
    pools.store.read(|read| {
        let prefix = keys::identity_pools(cx.account, &cx.region);
        let page = paging::page(read, &prefix, input.next_token.as_deref(), size)?;
        let mut found = Vec::with_capacity(page.rows.len());
        for (id, _) in page.rows {
            let Some(value) = read.get(&keys::identity_pool(&id))? else { continue };
            let pool: IdentityPoolRecord = record::decode(&value)?;
            found.push(IdentityPoolShortDescription {
                identity_pool_id: Some(pool.id),
                identity_pool_name: Some(pool.settings.name),
            });
        }
        Ok(ListIdentityPoolsResponse { identity_pools: Some(found), next_token: page.next })
    })
}

/// `DeleteIdentityPool`: gone at once; its identities are removed in batches, and after a crash by the sweep.
pub(crate) async fn delete(
    pools: &IdentityPools,
    cx: &Cx,
    input: DeleteIdentityPoolInput,
) -> Result<Unit, Error> {
    let id = need(input.identity_pool_id, "IdentityPoolId")?;
    let delete = |tx: &mut Tx| {
        own_pool(tx, cx, &id)?;
        tx.delete(keys::identity_pool(&id));
        tx.delete(keys::identity_pools(cx.account, &cx.region).text(&id));
        tx.put(keys::dead_identity_pool(&id), Vec::new());
        Ok::<(), Error>(())
    };
    pools.store.transact("cognito delete identity pool", delete).await?;
    purge(&pools.store, &id).await?;
    Ok(Unit::default())
}

/// The most rows that one transaction removes.
const BATCH: usize = 512;

async fn purge(store: &Store, pool: &str) -> Result<(), Error> {
    while store.transact("cognito purge identities", |tx| purge_batch(tx, pool)).await? {}
    Ok(())
}

/// Removes a batch; `false` when nothing was left.
fn purge_batch(tx: &mut Tx, pool: &str) -> Result<bool, Error> {
    let identities = paging::page(tx, &keys::pool_identities(pool), None, BATCH)?;
    for (id, _) in &identities.rows {
        tx.delete(keys::identity(id));
        tx.delete(keys::pool_identities(pool).text(id));
    }
    let logins = tx.range(&Range::prefix(&keys::logins(pool)).limit(BATCH))?;
    let more = identities.next.is_some() || logins.len() == BATCH;
    logins.into_iter().for_each(|(key, _)| tx.delete(key));
    if !more {
        tx.delete(keys::dead_identity_pool(pool));
    }
    Ok(more)
}

/// Finishes what a crash left of deleted identity pools.
pub(crate) async fn purge_all(store: &Store) -> Result<(), Error> {
    let dead = store.read(|read| paging::page(read, &keys::dead_identity_pools(), None, BATCH))?;
    for (pool, _) in dead.rows {
        purge(store, &pool).await?;
    }
    Ok(())
}
