//! PublishVersion and ListVersionsByFunction.

use nephos_core::{Cx, Timestamp, random};
use nephos_store::{Range, Read, Tx};

use crate::names::{FunctionId, Reference};
use crate::records::{AliasRecord, CodeRecord, VersionRecord};
use crate::shapes::{
    FunctionConfiguration, ListVersionsByFunctionRequest, ListVersionsByFunctionResponse,
    PublishVersionRequest,
};
use crate::{Error, Lambda, keys, paging, resolve, view};

/// PublishVersion. Publishing what has not changed since gives the last version again.
pub async fn publish_version(
    lambda: &Lambda,
    cx: &Cx,
    input: PublishVersionRequest,
) -> Result<FunctionConfiguration, Error> {
    let function = Reference::parse(cx, input.function_name.as_deref(), None)?.unqualified()?;
    if input.publish_to.is_some() {
        return Err(Error::unsupported("PublishTo"));
    }
    let now = cx.now();
    let published = lambda.deps.store.transact("lambda-publish-version", |tx| {
        let latest = resolve::version(tx, &function, keys::LATEST)?;
        if input.revision_id.as_ref().is_some_and(|revision| *revision != latest.revision) {
            return Err(Error::stale_revision());
        }
        if let Some(given) = input.code_sha256.as_ref().filter(|given| **given != latest.code.sha256) {
            return Err(Error::InvalidParameter(format!(
                "CodeSHA256 ({given}) is different from current CodeSHA256 in $LATEST ({}). Please try again with the \
                 CodeSHA256 in $LATEST.",
                latest.code.sha256
            )));
        }
        publish(tx, &function, input.description.as_deref(), now)
    });
    let published = published.await?;
    Ok(view::configuration(&function, &published, Some(&published.label())))
}

/// Makes a version of what the function is now.
pub fn publish(
    tx: &mut Tx,
    function: &FunctionId,
    description: Option<&str>,
    now: Timestamp,
) -> Result<VersionRecord, Error> {
    let mut record = resolve::function(tx, function)?;
    let latest = resolve::version(tx, function, keys::LATEST)?;
    let last = record.next_version.checked_sub(1).filter(|number| *number > 0);
    if let Some(last) = last
        && let Some(last) = tx.record::<VersionRecord>(&keys::version(function, last))?
        && same(&last, &latest)
    {
        return Ok(last);
    }
    let mut version = VersionRecord {
        number: record.next_version,
        modified_millis: now.millis(),
        revision: random::uuid(),
        ..latest
    };
    if let Some(description) = description {
        version.description = description.to_owned();
    }
    record.next_version += 1;
    tx.put_record(keys::version(function, version.number), &version)?;
    tx.put_record(keys::function(function), &record)?;
    Ok(version)
}

fn same(published: &VersionRecord, latest: &VersionRecord) -> bool {
    let as_published = VersionRecord {
        number: published.number,
        description: published.description.clone(),
        modified_millis: published.modified_millis,
        revision: published.revision.clone(),
        code: CodeRecord { blob: published.code.blob.clone(), ..latest.code.clone() },
        ..latest.clone()
    };
    *published == as_published
}

/// Deletes one version, unless an alias leads to it; the code that nothing has any more.
pub async fn delete(lambda: &Lambda, function: &FunctionId, number: u64) -> Result<Vec<CodeRecord>, Error> {
    let deleted = lambda.deps.store.transact("lambda-delete-version", |tx| {
        let version = resolve::version(tx, function, number)?;
        let label = version.label();
        let aliases = tx.records::<AliasRecord>(&Range::prefix(&keys::aliases(function)))?;
        let using = aliases.iter().filter(|(_, a)| a.version == label || a.weights.contains_key(&label));
        let using: Vec<String> =
            using.map(|(key, _)| keys::last_name(key.as_bytes())).collect::<Result<_, _>>()?;
        if !using.is_empty() {
            return Err(Error::Conflict(format!(
                "Unable to delete version because the following aliases reference it: [{}]",
                using.join(", ")
            )));
        }
        tx.delete(keys::version(function, number));
        tx.delete(keys::policy(function, Some(&label)));
        tx.delete(keys::event_config(function, Some(&label)));
        let others = tx.records::<VersionRecord>(&Range::prefix(&keys::versions(function)))?;
        let used = others.iter().any(|(_, other)| other.code.blob == version.code.blob);
        Ok(if used { Vec::new() } else { vec![version.code] })
    });
    let codes = deleted.await?;
    lambda.plane.retire(function, Some((number, "")));
    Ok(codes)
}

/// ListVersionsByFunction.
pub async fn list_versions_by_function(
    lambda: &Lambda,
    cx: &Cx,
    input: ListVersionsByFunctionRequest,
) -> Result<ListVersionsByFunctionResponse, Error> {
    let function = Reference::parse(cx, input.function_name.as_deref(), None)?.unqualified()?;
    let limit = paging::limit(input.max_items);
    let mut range = Range::prefix(&keys::versions(&function)).limit(limit + 1);
    if let Some(after) = paging::decode(input.marker.as_deref())? {
        range = range.after(&keys::version(&function, resolve::version_number(&after)));
    }
    let mut versions = lambda.deps.store.read(|read| {
        resolve::function(read, &function)?;
        Ok::<_, Error>(read.records::<VersionRecord>(&range)?)
    })?;
    let more = versions.len() > limit;
    versions.truncate(limit);
    let next_marker = versions.last().filter(|_| more).map(|(_, version)| paging::encode(&version.label()));
    let shown =
        |(_, version): &(_, VersionRecord)| view::configuration(&function, version, Some(&version.label()));
    Ok(ListVersionsByFunctionResponse { versions: Some(versions.iter().map(shown).collect()), next_marker })
}
