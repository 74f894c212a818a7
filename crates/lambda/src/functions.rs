//! CreateFunction, GetFunction, updates, DeleteFunction, ListFunctions.

use std::ops::ControlFlow;

use nephos_core::{Access, Cx, random};
use nephos_store::{Range, Read, Tx};

use crate::code::Source;
use crate::configuration::{Change, check_architectures, host_architecture};
use crate::names::{FunctionId, LATEST, Owner, Qualifier, Reference};
use crate::plane::SERVICE;
use crate::records::{CodeRecord, FunctionRecord, Variables, VersionRecord};
use crate::shapes::{
    Concurrency, CreateFunctionRequest, DeleteFunctionRequest, DeleteFunctionResponse, FunctionConfiguration,
    GetFunctionConfigurationRequest, GetFunctionRequest, GetFunctionResponse, ListFunctionsRequest,
    ListFunctionsResponse, UpdateFunctionCodeRequest, UpdateFunctionConfigurationRequest,
};
use crate::{Error, Lambda, code, keys, paging, resolve, versions, view};

const DEFAULT_TIMEOUT: u32 = 3;
const DEFAULT_MEMORY_MB: u32 = 128;
const DEFAULT_TMP_MB: u32 = 512;

/// CreateFunction.
pub async fn create_function(
    lambda: &Lambda,
    cx: &Cx,
    mut input: CreateFunctionRequest,
) -> Result<FunctionConfiguration, Error> {
    let function = Reference::parse(cx, input.function_name.as_deref(), None)?.unqualified()?;
    let change = Change::of_creation(&input)?;
    if input.publish_to.is_some() {
        return Err(Error::unsupported("PublishTo"));
    }
    lambda.plane.runtimes().check(change.runtime().unwrap_or_default()).await?;
    if lambda.deps.store.read(|view| view.get(&keys::function(&function)))?.is_some() {
        return Err(exists(&function));
    }
    check_role(lambda, cx, &function, change.role().unwrap_or_default()).await?;
    let source = Source::from(input.code.take().unwrap_or_default());
    let zip = source.fetch(lambda, cx, "CreateFunction").await?;
    let code = lambda.packages.add(zip).await?;
    let latest = new_version(cx, &change, code.clone());
    let record =
        FunctionRecord { next_version: 1, reserved_concurrency: None, tags: input.tags.unwrap_or_default() };
    let publish = input.publish.unwrap_or_default();
    let created = lambda.deps.store.transact("lambda-create-function", |tx| {
        let key = keys::function(&function);
        if tx.get(&key)?.is_some() {
            return Err(exists(&function));
        }
        tx.put_record(key, &record)?;
        tx.put_record(keys::version(&function, keys::LATEST), &latest)?;
        if !publish {
            return Ok(view::configuration(&function, &latest, None));
        }
        let published = versions::publish(tx, &function, None, cx.now())?;
        Ok(view::configuration(&function, &published, Some(&published.label())))
    });
    let created = created.await;
    if created.is_err() {
        lambda.packages.forget(&code).await;
    }
    created
}

fn exists(function: &FunctionId) -> Error {
    Error::Conflict(format!("Function already exist: {}", function.name))
}

fn new_version(cx: &Cx, change: &Change, code: CodeRecord) -> VersionRecord {
    let mut version = VersionRecord {
        number: keys::LATEST,
        description: String::new(),
        runtime: String::new(),
        handler: String::new(),
        role: String::new(),
        timeout: DEFAULT_TIMEOUT,
        memory_mb: DEFAULT_MEMORY_MB,
        tmp_mb: DEFAULT_TMP_MB,
        environment: Variables::default(),
        architecture: host_architecture().to_owned(),
        tracing: "PassThrough".to_owned(),
        log_group: None,
        code,
        modified_millis: cx.now().millis(),
        revision: random::uuid(),
    };
    change.apply(&mut version);
    version
}

/// The caller must be allowed to hand the role on, and the service to take it.
async fn check_role(lambda: &Lambda, cx: &Cx, function: &FunctionId, role: &str) -> Result<(), Error> {
    let account = role.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split(':').next());
    if account != Some(function.owner.account.as_str()) {
        let message = "Cross-account pass role is not allowed.".to_owned();
        return Err(Error::Denied(nephos_core::Denied { message }));
    }
    let pass = Access {
        action: "iam:PassRole",
        resource: role.to_owned(),
        owner: Some(function.owner.account),
        keys: nephos_core::ContextKeys::new(),
        resource_policy: None,
    };
    let pass =
        pass.key("iam:PassedToService", SERVICE).key("iam:AssociatedResourceArn", function.arn().to_string());
    cx.authorize(&pass)?;
    if lambda.deps.credentials.trusts(cx, role, SERVICE).await.map_err(Error::Fault)? {
        return Ok(());
    }
    Err(Error::InvalidParameter("The role defined for the function cannot be assumed by Lambda.".to_owned()))
}

/// GetFunction.
pub async fn get_function(
    lambda: &Lambda,
    cx: &Cx,
    input: GetFunctionRequest,
) -> Result<GetFunctionResponse, Error> {
    let reference = Reference::parse(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    let (function, version) = find(lambda, &reference)?;
    let code = code::location(lambda, cx, &reference.function, version.number).await?;
    let reserved = function.reserved_concurrency.map(|count| i32::try_from(count).unwrap_or(i32::MAX));
    Ok(GetFunctionResponse {
        configuration: Some(view::configuration(
            &reference.function,
            &version,
            reference.qualifier.as_deref(),
        )),
        code: Some(code),
        tags: (!function.tags.is_empty()).then_some(function.tags),
        concurrency: reserved.map(|count| Concurrency { reserved_concurrent_executions: Some(count) }),
        ..GetFunctionResponse::default()
    })
}

/// GetFunctionConfiguration.
pub async fn get_function_configuration(
    lambda: &Lambda,
    cx: &Cx,
    input: GetFunctionConfigurationRequest,
) -> Result<FunctionConfiguration, Error> {
    let reference = Reference::parse(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    let (_, version) = find(lambda, &reference)?;
    Ok(view::configuration(&reference.function, &version, reference.qualifier.as_deref()))
}

fn find(lambda: &Lambda, reference: &Reference) -> Result<(FunctionRecord, VersionRecord), Error> {
    lambda.deps.store.read(|view| {
        let function = resolve::function(view, &reference.function)
            .map_err(|_| Error::no_function(&reference.function, reference.qualifier.as_deref()))?;
        Ok((function, resolve::resolve(view, reference)?))
    })
}

/// UpdateFunctionCode.
pub async fn update_function_code(
    lambda: &Lambda,
    cx: &Cx,
    input: UpdateFunctionCodeRequest,
) -> Result<FunctionConfiguration, Error> {
    let function = Reference::parse(cx, input.function_name.as_deref(), None)?.unqualified()?;
    let current = lambda.deps.store.read(|view| resolve::version(view, &function, keys::LATEST))?;
    check_revision(&current, input.revision_id.as_deref())?;
    check_architectures(input.architectures.as_deref())?;
    if input.publish_to.is_some() {
        return Err(Error::unsupported("PublishTo"));
    }
    let zip = Source::from(&input).fetch(lambda, cx, "UpdateFunctionCode").await?;
    if input.dry_run.unwrap_or_default() {
        let checked = lambda.packages.check(zip).await?;
        let (sha256, size, unzipped_size) = (checked.sha256, checked.size, checked.unzipped_size);
        let code = CodeRecord { sha256, size, unzipped_size, blob: current.code.blob.clone() };
        return Ok(view::configuration(&function, &VersionRecord { code, ..current }, None));
    }
    let code = lambda.packages.add(zip).await?;
    let change = |version: &mut VersionRecord| version.code = code.clone();
    let publish = input.publish.unwrap_or_default();
    let updated = update(lambda, cx, &function, input.revision_id.as_deref(), &change, publish).await;
    if updated.is_err() {
        lambda.packages.forget(&code).await;
    }
    updated
}

fn check_revision(version: &VersionRecord, wanted: Option<&str>) -> Result<(), Error> {
    if wanted.is_some_and(|wanted| wanted != version.revision) {
        Err(Error::stale_revision())
    } else {
        Ok(())
    }
}

/// UpdateFunctionConfiguration.
pub async fn update_function_configuration(
    lambda: &Lambda,
    cx: &Cx,
    input: UpdateFunctionConfigurationRequest,
) -> Result<FunctionConfiguration, Error> {
    let function = Reference::parse(cx, input.function_name.as_deref(), None)?.unqualified()?;
    let current = lambda.deps.store.read(|view| resolve::version(view, &function, keys::LATEST))?;
    check_revision(&current, input.revision_id.as_deref())?;
    let change = Change::of_update(&input)?;
    if let Some(runtime) = change.runtime() {
        lambda.plane.runtimes().check(runtime).await?;
    }
    if let Some(role) = change.role().filter(|role| *role != current.role) {
        check_role(lambda, cx, &function, role).await?;
    }
    let apply = |version: &mut VersionRecord| change.apply(version);
    update(lambda, cx, &function, input.revision_id.as_deref(), &apply, false).await
}

/// Changes the version that changes, and ends the environments of what it was before.
async fn update(
    lambda: &Lambda,
    cx: &Cx,
    function: &FunctionId,
    revision: Option<&str>,
    change: &(dyn Fn(&mut VersionRecord) + Sync),
    publish: bool,
) -> Result<FunctionConfiguration, Error> {
    let now = cx.now();
    let updated = lambda.deps.store.transact("lambda-update-function", |tx: &mut Tx| {
        let before = resolve::version(tx, function, keys::LATEST)?;
        check_revision(&before, revision)?;
        let mut latest = before.clone();
        change(&mut latest);
        (latest.modified_millis, latest.revision) = (now.millis(), random::uuid());
        tx.put_record(keys::version(function, keys::LATEST), &latest)?;
        let unused = unused_code(tx, function, &before)?;
        let published = if publish { Some(versions::publish(tx, function, None, now)?) } else { None };
        Ok::<_, Error>((latest, published, unused))
    });
    let (latest, published, unused) = updated.await?;
    lambda.plane.retire(function, Some((keys::LATEST, &latest.revision)));
    if let Some(code) = unused {
        lambda.packages.forget(&code).await;
    }
    Ok(match published {
        Some(published) => view::configuration(function, &published, Some(&published.label())),
        None => view::configuration(function, &latest, None),
    })
}

/// The code of `version`, unless a version has it still.
fn unused_code(
    read: &dyn Read,
    function: &FunctionId,
    version: &VersionRecord,
) -> Result<Option<CodeRecord>, Error> {
    let mut used = false;
    paging::walk(read, Range::prefix(&keys::versions(function)), &mut |_, other: VersionRecord| {
        used |= other.code.blob == version.code.blob;
        Ok(if used { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok((!used).then(|| version.code.clone()))
}

/// DeleteFunction: the whole function, or one version.
pub async fn delete_function(
    lambda: &Lambda,
    cx: &Cx,
    input: DeleteFunctionRequest,
) -> Result<DeleteFunctionResponse, Error> {
    let reference = Reference::parse(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    let function = &reference.function;
    let codes = match Qualifier::parse(reference.qualifier.as_deref()) {
        Qualifier::Latest if reference.qualifier.as_deref() == Some(LATEST) => {
            return Err(Error::InvalidParameter(
                "$LATEST version cannot be deleted without deleting the function.".to_owned(),
            ));
        }
        Qualifier::Latest => delete_whole(lambda, function).await?,
        Qualifier::Version(number) => versions::delete(lambda, function, number).await?,
        Qualifier::Alias(_) => {
            return Err(Error::InvalidParameter(
                "Deletion of aliases is not currently supported.".to_owned(),
            ));
        }
    };
    for code in codes {
        lambda.packages.forget(&code).await;
    }
    Ok(DeleteFunctionResponse { status_code: Some(204) })
}

async fn delete_whole(lambda: &Lambda, function: &FunctionId) -> Result<Vec<CodeRecord>, Error> {
    let deleted = lambda.deps.store.transact("lambda-delete-function", |tx| {
        let record = resolve::function(tx, function)?;
        let mut codes: Vec<CodeRecord> = Vec::new();
        for (key, version) in tx.records::<VersionRecord>(&Range::prefix(&keys::versions(function)))? {
            if !codes.iter().any(|code| code.blob == version.code.blob) {
                codes.push(version.code);
            }
            tx.delete(key);
        }
        for (_, url) in tx.records::<crate::records::UrlRecord>(&Range::prefix(&keys::urls(function)))? {
            tx.delete(keys::url_id(&url.id));
        }
        let below =
            [keys::aliases, keys::policies, keys::urls, keys::event_configs].map(|prefix| prefix(function));
        for prefix in below {
            tx.range(&Range::prefix(&prefix))?.into_iter().for_each(|(key, _)| tx.delete(key));
        }
        crate::concurrency::reserve(tx, function, record.reserved_concurrency, None, u32::MAX)?;
        tx.delete(keys::function(function));
        Ok::<_, Error>(codes)
    });
    let codes = deleted.await?;
    lambda.plane.retire(function, None);
    Ok(codes)
}

/// ListFunctions.
pub async fn list_functions(
    lambda: &Lambda,
    cx: &Cx,
    input: ListFunctionsRequest,
) -> Result<ListFunctionsResponse, Error> {
    let (owner, limit) = (Owner::of(cx), paging::limit(input.max_items));
    let all_versions = input.function_version.is_some();
    let mut range = Range::prefix(&keys::functions(&owner));
    if let Some(after) = paging::decode(input.marker.as_deref())? {
        range = range.after(&keys::function(&FunctionId { owner: owner.clone(), name: after }));
    }
    let (mut functions, mut last) = (Vec::new(), None);
    let more = lambda.deps.store.read(|read| {
        let mut more = false;
        for (key, _) in read.range(&range.limit(limit + 1))? {
            if functions.len() >= limit {
                more = true;
                break;
            }
            let name = keys::function_name(key.as_bytes())?;
            let function = FunctionId { owner: owner.clone(), name };
            let versions = Range::prefix(&keys::versions(&function));
            let versions = if all_versions { versions } else { versions.limit(1) };
            for (_, version) in read.records::<VersionRecord>(&versions)? {
                let label = all_versions.then(|| version.label());
                functions.push(view::configuration(&function, &version, label.as_deref()));
            }
            last = Some(function.name);
        }
        Ok::<_, Error>(more)
    })?;
    let next_marker = last.filter(|_| more).map(|name| paging::encode(&name));
    Ok(ListFunctionsResponse { functions: Some(functions), next_marker })
}
