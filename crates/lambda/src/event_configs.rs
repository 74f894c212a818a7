//! How asynchronous invocations are tried: retries and age.

use nephos_core::{Cx, Timestamp};
use nephos_store::{Range, Read, Tx};

use crate::names::{FunctionId, Reference};
use crate::records::EventConfigRecord;
use crate::shapes::{
    DeleteFunctionEventInvokeConfigRequest, DestinationConfig, FunctionEventInvokeConfig,
    GetFunctionEventInvokeConfigRequest, ListFunctionEventInvokeConfigsRequest,
    ListFunctionEventInvokeConfigsResponse, PutFunctionEventInvokeConfigRequest, Unit,
    UpdateFunctionEventInvokeConfigRequest,
};
use crate::{Error, Lambda, keys, paging, resolve};

fn show(
    function: &FunctionId,
    qualifier: Option<&str>,
    record: &EventConfigRecord,
) -> FunctionEventInvokeConfig {
    let int = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    FunctionEventInvokeConfig {
        last_modified: Some(Timestamp::from_millis(record.modified_millis)),
        function_arn: Some(
            function.qualified_arn(Some(qualifier.unwrap_or(crate::names::LATEST))).to_string(),
        ),
        maximum_retry_attempts: record.retries.map(int),
        maximum_event_age_in_seconds: record.max_age_seconds.map(int),
        destination_config: Some(DestinationConfig::default()),
    }
}

fn refuse_destinations(config: Option<&DestinationConfig>) -> Result<(), Error> {
    let Some(config) = config else { return Ok(()) };
    let failure = config.on_failure.as_ref().and_then(|to| to.destination.as_deref());
    let success = config.on_success.as_ref().and_then(|to| to.destination.as_deref());
    match failure.or(success) {
        Some(destination) if !destination.is_empty() => Err(Error::unsupported("DestinationConfig")),
        _ => Ok(()),
    }
}

fn missing(reference: &Reference) -> Error {
    Error::NotFound(format!("The function {} doesn't have an EventInvokeConfig", reference.arn()))
}

fn number(given: Option<i32>) -> Option<u32> {
    given.and_then(|number| u32::try_from(number).ok())
}

/// PutFunctionEventInvokeConfig: replaces what was set.
pub async fn put_function_event_invoke_config(
    lambda: &Lambda,
    cx: &Cx,
    input: PutFunctionEventInvokeConfigRequest,
) -> Result<FunctionEventInvokeConfig, Error> {
    let reference = Reference::parse(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    refuse_destinations(input.destination_config.as_ref())?;
    let record = EventConfigRecord {
        retries: number(input.maximum_retry_attempts),
        max_age_seconds: number(input.maximum_event_age_in_seconds),
        modified_millis: cx.now().millis(),
    };
    let put = lambda.deps.store.transact("lambda-event-config", |tx: &mut Tx| {
        resolve::function(tx, &reference.function)?;
        resolve::resolve(tx, &reference)?;
        Ok::<_, Error>(tx.put_record(key(&reference), &record)?)
    });
    put.await?;
    Ok(show(&reference.function, reference.qualifier.as_deref(), &record))
}

fn key(reference: &Reference) -> nephos_store::Key {
    let qualifier = reference.qualifier.as_deref().filter(|qualifier| *qualifier != crate::names::LATEST);
    keys::event_config(&reference.function, qualifier)
}

/// UpdateFunctionEventInvokeConfig: changes what is given.
pub async fn update_function_event_invoke_config(
    lambda: &Lambda,
    cx: &Cx,
    input: UpdateFunctionEventInvokeConfigRequest,
) -> Result<FunctionEventInvokeConfig, Error> {
    let reference = Reference::parse(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    refuse_destinations(input.destination_config.as_ref())?;
    let now = cx.now();
    let updated = lambda.deps.store.transact("lambda-event-config", |tx: &mut Tx| {
        let mut record: EventConfigRecord =
            tx.record(&key(&reference))?.ok_or_else(|| missing(&reference))?;
        record.retries = number(input.maximum_retry_attempts).or(record.retries);
        record.max_age_seconds = number(input.maximum_event_age_in_seconds).or(record.max_age_seconds);
        record.modified_millis = now.millis();
        tx.put_record(key(&reference), &record)?;
        Ok::<_, Error>(record)
    });
    Ok(show(&reference.function, reference.qualifier.as_deref(), &updated.await?))
}

/// GetFunctionEventInvokeConfig.
pub async fn get_function_event_invoke_config(
    lambda: &Lambda,
    cx: &Cx,
    input: GetFunctionEventInvokeConfigRequest,
) -> Result<FunctionEventInvokeConfig, Error> {
    let reference = Reference::parse(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    let record = lambda.deps.store.read(|view| view.record(&key(&reference)))?;
    let record = record.ok_or_else(|| missing(&reference))?;
    Ok(show(&reference.function, reference.qualifier.as_deref(), &record))
}

/// DeleteFunctionEventInvokeConfig.
pub async fn delete_function_event_invoke_config(
    lambda: &Lambda,
    cx: &Cx,
    input: DeleteFunctionEventInvokeConfigRequest,
) -> Result<Unit, Error> {
    let reference = Reference::parse(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    let deleted = lambda.deps.store.transact("lambda-event-config", |tx: &mut Tx| {
        if tx.get(&key(&reference))?.is_none() {
            return Err(missing(&reference));
        }
        tx.delete(key(&reference));
        Ok(())
    });
    deleted.await?;
    Ok(Unit::default())
}

/// ListFunctionEventInvokeConfigs.
pub async fn list_function_event_invoke_configs(
    lambda: &Lambda,
    cx: &Cx,
    input: ListFunctionEventInvokeConfigsRequest,
) -> Result<ListFunctionEventInvokeConfigsResponse, Error> {
    let function = Reference::parse(cx, input.function_name.as_deref(), None)?.unqualified()?;
    let records = lambda.deps.store.read(|view| {
        resolve::function(view, &function)?;
        Ok::<_, Error>(view.records::<EventConfigRecord>(&Range::prefix(&keys::event_configs(&function)))?)
    })?;
    let mut items = Vec::new();
    for (key, record) in records {
        let qualifier = keys::last_name(key.as_bytes())?;
        let shown = show(&function, Some(&*qualifier).filter(|q| !q.is_empty()), &record);
        items.push((qualifier, shown));
    }
    let (configs, next_marker) = paging::page(items, input.marker.as_deref(), input.max_items)?;
    Ok(ListFunctionEventInvokeConfigsResponse { function_event_invoke_configs: Some(configs), next_marker })
}
