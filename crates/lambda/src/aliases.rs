//! Aliases, with weights.

use std::collections::BTreeMap;

use nephos_core::{Cx, random};
use nephos_store::{Range, Read, Tx};

use crate::names::{FunctionId, LATEST, Reference};
use crate::records::AliasRecord;
use crate::shapes::{
    AliasConfiguration, AliasRoutingConfiguration, CreateAliasRequest, DeleteAliasRequest, GetAliasRequest,
    ListAliasesRequest, ListAliasesResponse, Unit, UpdateAliasRequest,
};
use crate::{Error, Lambda, keys, paging, resolve};

fn show(function: &FunctionId, name: &str, alias: &AliasRecord) -> AliasConfiguration {
    let weights = (!alias.weights.is_empty()).then(|| alias.weights.clone());
    AliasConfiguration {
        alias_arn: Some(function.qualified_arn(Some(name)).to_string()),
        name: Some(name.to_owned()),
        function_version: Some(alias.version.clone()),
        description: Some(alias.description.clone()),
        routing_config: weights
            .map(|weights| AliasRoutingConfiguration { additional_version_weights: Some(weights) }),
        revision_id: Some(alias.revision.clone()),
    }
}

/// Aliases are names, not numbers: the model's own pattern says so with a look-ahead that the validator leaves to us.
fn check_name(name: &str) -> Result<(), Error> {
    if !name.is_empty() && !name.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    Err(Error::Validation(format!(
        "1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
    )))
}

fn weights(
    read: &dyn Read,
    function: &FunctionId,
    version: &str,
    routing: Option<AliasRoutingConfiguration>,
) -> Result<BTreeMap<String, f64>, Error> {
    let weights = routing.and_then(|routing| routing.additional_version_weights).unwrap_or_default();
    if weights.is_empty() {
        return Ok(weights);
    }
    if version == LATEST {
        return Err(Error::InvalidParameter(
            "$LATEST is not supported for an alias pointing to more than 1 version".to_owned(),
        ));
    }
    for (other, weight) in &weights {
        if other == version {
            return Err(Error::InvalidParameter(format!(
                "Invalid function version {other}. Function version {other} is already included in routing configuration."
            )));
        }
        if !(0.0..=1.0).contains(weight) || weights.values().sum::<f64>() > 1.0 {
            return Err(Error::InvalidParameter(
                "The weights of an alias must lie between 0 and 1 and add up to at most 1.".to_owned(),
            ));
        }
        resolve::version(read, function, resolve::version_number(other))?;
    }
    Ok(weights)
}

/// CreateAlias.
pub async fn create_alias(
    lambda: &Lambda,
    cx: &Cx,
    input: CreateAliasRequest,
) -> Result<AliasConfiguration, Error> {
    let function = Reference::parse(cx, input.function_name.as_deref(), None)?.unqualified()?;
    let (name, version) = (input.name.unwrap_or_default(), input.function_version.unwrap_or_default());
    check_name(&name)?;
    let created = lambda.deps.store.transact("lambda-create-alias", |tx| {
        resolve::function(tx, &function)?;
        resolve::version(tx, &function, resolve::version_number(&version))?;
        if tx.get(&keys::alias(&function, &name))?.is_some() {
            let arn = function.qualified_arn(Some(&name));
            return Err(Error::Conflict(format!("Alias already exists: {arn}")));
        }
        let alias = AliasRecord {
            weights: weights(tx, &function, &version, input.routing_config.clone())?,
            version: version.clone(),
            description: input.description.clone().unwrap_or_default(),
            revision: random::uuid(),
        };
        tx.put_record(keys::alias(&function, &name), &alias)?;
        Ok(alias)
    });
    Ok(show(&function, &name, &created.await?))
}

/// GetAlias.
pub async fn get_alias(
    lambda: &Lambda,
    cx: &Cx,
    input: GetAliasRequest,
) -> Result<AliasConfiguration, Error> {
    let function = Reference::parse(cx, input.function_name.as_deref(), None)?.unqualified()?;
    let name = input.name.unwrap_or_default();
    let alias = lambda.deps.store.read(|view| resolve::alias(view, &function, &name))?;
    Ok(show(&function, &name, &alias))
}

/// UpdateAlias.
pub async fn update_alias(
    lambda: &Lambda,
    cx: &Cx,
    input: UpdateAliasRequest,
) -> Result<AliasConfiguration, Error> {
    let function = Reference::parse(cx, input.function_name.as_deref(), None)?.unqualified()?;
    let name = input.name.clone().unwrap_or_default();
    let updated = lambda.deps.store.transact("lambda-update-alias", |tx: &mut Tx| {
        let mut alias = resolve::alias(tx, &function, &name)?;
        if input.revision_id.as_ref().is_some_and(|revision| *revision != alias.revision) {
            return Err(Error::stale_revision());
        }
        if let Some(version) = &input.function_version {
            resolve::version(tx, &function, resolve::version_number(version))?;
            alias.version.clone_from(version);
        }
        if let Some(description) = &input.description {
            alias.description.clone_from(description);
        }
        if input.routing_config.is_some() {
            alias.weights = weights(tx, &function, &alias.version, input.routing_config.clone())?;
        }
        alias.revision = random::uuid();
        tx.put_record(keys::alias(&function, &name), &alias)?;
        Ok(alias)
    });
    Ok(show(&function, &name, &updated.await?))
}

/// DeleteAlias, with its policy, its URL and its settings. Deleting what is not there is no error.
pub async fn delete_alias(lambda: &Lambda, cx: &Cx, input: DeleteAliasRequest) -> Result<Unit, Error> {
    let function = Reference::parse(cx, input.function_name.as_deref(), None)?.unqualified()?;
    let name = input.name.unwrap_or_default();
    let deleted = lambda.deps.store.transact("lambda-delete-alias", |tx| {
        let url = keys::url(&function, Some(&name));
        if let Some(record) = tx.record::<crate::records::UrlRecord>(&url)? {
            tx.delete(keys::url_id(&record.id));
        }
        tx.delete(url);
        tx.delete(keys::policy(&function, Some(&name)));
        tx.delete(keys::event_config(&function, Some(&name)));
        tx.delete(keys::alias(&function, &name));
        Ok::<_, Error>(())
    });
    deleted.await?;
    Ok(Unit::default())
}

/// ListAliases.
pub async fn list_aliases(
    lambda: &Lambda,
    cx: &Cx,
    input: ListAliasesRequest,
) -> Result<ListAliasesResponse, Error> {
    let function = Reference::parse(cx, input.function_name.as_deref(), None)?.unqualified()?;
    let aliases = lambda.deps.store.read(|view| {
        resolve::function(view, &function)?;
        Ok::<_, Error>(view.records::<AliasRecord>(&Range::prefix(&keys::aliases(&function)))?)
    })?;
    let mut items = Vec::new();
    for (key, alias) in aliases {
        if input.function_version.as_ref().is_none_or(|version| *version == alias.version) {
            let name = keys::last_name(key.as_bytes())?;
            let shown = show(&function, &name, &alias);
            items.push((name, shown));
        }
    }
    let (aliases, next_marker) = paging::page(items, input.marker.as_deref(), input.max_items)?;
    Ok(ListAliasesResponse { aliases: Some(aliases), next_marker })
}
