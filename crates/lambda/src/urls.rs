//! Function URL configurations.

use nephos_core::{Cx, Origin, Region, random};
use nephos_store::{Range, Read, Tx};

use crate::names::{LATEST, Owner, Qualifier, Reference};
use crate::records::{CorsRecord, UrlOwnerRecord, UrlRecord};
use crate::shapes::{
    Cors, CreateFunctionUrlConfigRequest, CreateFunctionUrlConfigResponse, DeleteFunctionUrlConfigRequest,
    FunctionUrlConfig, GetFunctionUrlConfigRequest, GetFunctionUrlConfigResponse,
    ListFunctionUrlConfigsRequest, ListFunctionUrlConfigsResponse, Unit, UpdateFunctionUrlConfigRequest,
    UpdateFunctionUrlConfigResponse,
};
use crate::view::modified;
use crate::{Error, Lambda, keys, paging, resolve};

const ID_LENGTH: usize = 32;
const BUFFERED: &str = "BUFFERED";

/// The URL under which clients that came by `origin` reach the id: a host name of its own where the platform is
/// addressed as localhost, else a path, as names below another host need not resolve.
pub fn address(origin: &Origin, region: &Region, id: &str) -> String {
    let port = origin.port_suffix();
    let host = origin.authority.strip_suffix(port).unwrap_or(&origin.authority);
    let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]") || host.ends_with(".localhost");
    match local {
        true => format!("{}://{id}.lambda-url.{region}.localhost{port}/", origin.scheme),
        false => format!("{}/_function-url/{id}/", origin.url()),
    }
}

fn none() -> Error {
    Error::NotFound("The resource you requested does not exist.".to_owned())
}

/// The reference that a URL may belong to: the function or an alias.
fn owner_of(cx: &Cx, name: Option<&str>, qualifier: Option<&str>) -> Result<Reference, Error> {
    let mut reference = Reference::parse(cx, name, qualifier)?;
    match Qualifier::parse(reference.qualifier.as_deref()) {
        Qualifier::Latest => reference.qualifier = None,
        Qualifier::Alias(_) => {}
        Qualifier::Version(number) => {
            return Err(Error::Validation(format!(
                "1 validation error detected: Value '{number}' at 'qualifier' failed to satisfy constraint: Member must \
                 satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)"
            )));
        }
    }
    Ok(reference)
}

fn check_mode(mode: Option<&str>) -> Result<(), Error> {
    match mode {
        None | Some(BUFFERED) => Ok(()),
        Some(_) => Err(Error::unsupported("InvokeMode RESPONSE_STREAM")),
    }
}

fn cors_record(cors: Cors) -> CorsRecord {
    CorsRecord {
        allow_credentials: cors.allow_credentials,
        allow_headers: cors.allow_headers.unwrap_or_default(),
        allow_methods: cors.allow_methods.unwrap_or_default(),
        allow_origins: cors.allow_origins.unwrap_or_default(),
        expose_headers: cors.expose_headers.unwrap_or_default(),
        max_age: cors.max_age.and_then(|seconds| u32::try_from(seconds).ok()),
    }
}

fn cors_shape(cors: &CorsRecord) -> Cors {
    let list = |items: &Vec<String>| (!items.is_empty()).then(|| items.clone());
    Cors {
        allow_credentials: cors.allow_credentials,
        allow_headers: list(&cors.allow_headers),
        allow_methods: list(&cors.allow_methods),
        allow_origins: list(&cors.allow_origins),
        expose_headers: list(&cors.expose_headers),
        max_age: cors.max_age.and_then(|seconds| i32::try_from(seconds).ok()),
    }
}

fn show(cx: &Cx, reference: &Reference, url: &UrlRecord) -> FunctionUrlConfig {
    FunctionUrlConfig {
        function_url: Some(address(&cx.origin, &reference.function.owner.region, &url.id)),
        function_arn: Some(reference.arn().to_string()),
        creation_time: Some(modified(url.created_millis)),
        last_modified_time: Some(modified(url.modified_millis)),
        cors: url.cors.as_ref().map(cors_shape),
        auth_type: Some(url.auth_type.clone()),
        invoke_mode: Some(BUFFERED.to_owned()),
    }
}

/// CreateFunctionUrlConfig.
pub async fn create_function_url_config(
    lambda: &Lambda,
    cx: &Cx,
    input: CreateFunctionUrlConfigRequest,
) -> Result<CreateFunctionUrlConfigResponse, Error> {
    let reference = owner_of(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    check_mode(input.invoke_mode.as_deref())?;
    let now = cx.now().millis();
    let url = UrlRecord {
        id: random::text(b"abcdefghijklmnopqrstuvwxyz234567", ID_LENGTH),
        auth_type: input.auth_type.unwrap_or_default(),
        cors: input.cors.map(cors_record),
        created_millis: now,
        modified_millis: now,
    };
    let Owner { account, region } = &reference.function.owner;
    let owner = UrlOwnerRecord {
        account: account.to_string(),
        region: region.to_string(),
        function: reference.function.name.clone(),
        qualifier: reference.qualifier.clone(),
    };
    let created = lambda.deps.store.transact("lambda-create-url", |tx: &mut Tx| {
        resolve::function(tx, &reference.function)?;
        resolve::resolve(tx, &reference)?;
        let key = keys::url(&reference.function, reference.qualifier.as_deref());
        if tx.get(&key)?.is_some() {
            return Err(Error::Conflict(format!(
                "Failed to create function url config for [functionArn = {}]. Error message:  FunctionUrlConfig exists for \
                 this Lambda function",
                reference.arn()
            )));
        }
        tx.put_record(key, &url)?;
        Ok(tx.put_record(keys::url_id(&url.id), &owner)?)
    });
    created.await?;
    let shown = show(cx, &reference, &url);
    Ok(CreateFunctionUrlConfigResponse {
        function_url: shown.function_url,
        function_arn: shown.function_arn,
        auth_type: shown.auth_type,
        cors: shown.cors,
        creation_time: shown.creation_time,
        invoke_mode: shown.invoke_mode,
    })
}

/// GetFunctionUrlConfig.
pub async fn get_function_url_config(
    lambda: &Lambda,
    cx: &Cx,
    input: GetFunctionUrlConfigRequest,
) -> Result<GetFunctionUrlConfigResponse, Error> {
    let reference = owner_of(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    let key = keys::url(&reference.function, reference.qualifier.as_deref());
    let url: UrlRecord = lambda.deps.store.read(|view| view.record(&key))?.ok_or_else(none)?;
    let shown = show(cx, &reference, &url);
    Ok(GetFunctionUrlConfigResponse {
        function_url: shown.function_url,
        function_arn: shown.function_arn,
        auth_type: shown.auth_type,
        cors: shown.cors,
        creation_time: shown.creation_time,
        last_modified_time: shown.last_modified_time,
        invoke_mode: shown.invoke_mode,
    })
}

/// UpdateFunctionUrlConfig.
pub async fn update_function_url_config(
    lambda: &Lambda,
    cx: &Cx,
    input: UpdateFunctionUrlConfigRequest,
) -> Result<UpdateFunctionUrlConfigResponse, Error> {
    let reference = owner_of(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    check_mode(input.invoke_mode.as_deref())?;
    let now = cx.now().millis();
    let updated = lambda.deps.store.transact("lambda-update-url", |tx: &mut Tx| {
        let key = keys::url(&reference.function, reference.qualifier.as_deref());
        let mut url: UrlRecord = tx.record(&key)?.ok_or_else(none)?;
        if let Some(auth_type) = &input.auth_type {
            url.auth_type.clone_from(auth_type);
        }
        if let Some(cors) = &input.cors {
            url.cors = Some(cors_record(cors.clone()));
        }
        url.modified_millis = now;
        tx.put_record(key, &url)?;
        Ok::<_, Error>(url)
    });
    let shown = show(cx, &reference, &updated.await?);
    Ok(UpdateFunctionUrlConfigResponse {
        function_url: shown.function_url,
        function_arn: shown.function_arn,
        auth_type: shown.auth_type,
        cors: shown.cors,
        creation_time: shown.creation_time,
        last_modified_time: shown.last_modified_time,
        invoke_mode: shown.invoke_mode,
    })
}

/// DeleteFunctionUrlConfig.
pub async fn delete_function_url_config(
    lambda: &Lambda,
    cx: &Cx,
    input: DeleteFunctionUrlConfigRequest,
) -> Result<Unit, Error> {
    let reference = owner_of(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    let deleted = lambda.deps.store.transact("lambda-delete-url", |tx: &mut Tx| {
        let key = keys::url(&reference.function, reference.qualifier.as_deref());
        let url: UrlRecord = tx.record(&key)?.ok_or_else(none)?;
        tx.delete(keys::url_id(&url.id));
        tx.delete(key);
        Ok::<_, Error>(())
    });
    deleted.await?;
    Ok(Unit::default())
}

/// ListFunctionUrlConfigs.
pub async fn list_function_url_configs(
    lambda: &Lambda,
    cx: &Cx,
    input: ListFunctionUrlConfigsRequest,
) -> Result<ListFunctionUrlConfigsResponse, Error> {
    let function = Reference::parse(cx, input.function_name.as_deref(), None)?.unqualified()?;
    let records = lambda.deps.store.read(|view| {
        resolve::function(view, &function)?;
        Ok::<_, Error>(view.records::<UrlRecord>(&Range::prefix(&keys::urls(&function)))?)
    })?;
    let mut items = Vec::new();
    for (key, url) in records {
        let name = keys::last_name(key.as_bytes())?;
        let qualifier = Some(name.clone()).filter(|name| !name.is_empty() && name != LATEST);
        let reference = Reference { function: function.clone(), qualifier };
        items.push((name, show(cx, &reference, &url)));
    }
    let (configs, next_marker) = paging::page(items, input.marker.as_deref(), input.max_items)?;
    Ok(ListFunctionUrlConfigsResponse { function_url_configs: Some(configs), next_marker })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_built_from_the_clients_own_address() {
        let origin = |scheme, authority: &str| Origin { scheme, authority: authority.to_owned() };
        let url = |origin| address(&origin, &Region::default(), "abc");
        assert_eq!(url(origin("http", "localhost:4566")), "http://abc.lambda-url.us-east-1.localhost:4566/");
        assert_eq!(url(origin("http", "127.0.0.1:9000")), "http://abc.lambda-url.us-east-1.localhost:9000/");
        assert_eq!(url(origin("https", "cloud.example")), "https://cloud.example/_function-url/abc/");
    }
}
