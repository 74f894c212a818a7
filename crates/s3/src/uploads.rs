//! Multipart uploads: beginning, listing and aborting them.

use nephos_core::{Cx, Principal};
use nephos_store::{Read, Tx, record};

use crate::S3;
use crate::buckets::owner_id;
use crate::checksum::{Algorithm, Coverage};
use crate::checksum_members::{default_coverage, parse_algorithm};
use crate::error::Error;
use crate::garbage::{self, Reclaim};
use crate::keys;
use crate::list::{Coding, page_limit, prefixes};
use crate::listing::{Shown, Start, Walk, common_prefix, walk};
use crate::names::{ObjectKey, UploadId};
use crate::object_headers::Makes;
use crate::objects::ENCRYPTION;
use crate::records::{Bucket, Upload};
use crate::shapes::{
    AbortMultipartUploadOutput, AbortMultipartUploadRequest, CreateMultipartUploadOutput,
    CreateMultipartUploadRequest, Initiator, ListMultipartUploadsOutput, ListMultipartUploadsRequest,
    MultipartUpload, Owner,
};
use crate::tags::TagSet;

/// How many a page of parts may show.
pub fn page_size(given: Option<i32>, argument: &str) -> Result<usize, Error> {
    page_limit(given, argument).map(|size| usize::try_from(size).unwrap_or(0))
}

/// Reads an upload's id; what cannot be one is no upload's.
pub fn upload_id(given: Option<&str>) -> Result<UploadId, Error> {
    let text = given.unwrap_or_default();
    UploadId::parse(text).ok_or_else(|| Error::NoSuchUpload(text.to_owned()))
}

/// The upload under that key and id.
pub fn find(from: &impl Read, bucket: &Bucket, key: &str, id: &UploadId) -> Result<Upload, Error> {
    let upload = from.record(&keys::upload(bucket.id, key, id))?;
    upload.ok_or_else(|| Error::NoSuchUpload(id.as_str().to_owned()))
}

fn wanted_checksum(
    algorithm: Option<&str>,
    kind: Option<&str>,
) -> Result<Option<(Algorithm, Coverage)>, Error> {
    let Some(algorithm) = algorithm.map(parse_algorithm).transpose()? else {
        return match kind {
            None => Ok(None),
            Some(_) => Err(Error::request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
        };
    };
    let coverage = match kind {
        None => default_coverage(algorithm),
        Some(name) => Coverage::parse(name)
            .ok_or_else(|| Error::request("Value for x-amz-checksum-type header is invalid."))?,
    };
    let possible = match coverage {
        Coverage::FullObject => algorithm.combines(),
        Coverage::Composite => algorithm != Algorithm::Crc64Nvme,
    };
    if possible {
        return Ok(Some((algorithm, coverage)));
    }
    Err(Error::request(format!(
        "The {} checksum type cannot be used with the {} checksum algorithm.",
        coverage.name(),
        algorithm.name().to_ascii_lowercase()
    )))
}

/// Begins an upload.
pub async fn create_multipart_upload(
    s3: &S3,
    cx: &Cx,
    input: CreateMultipartUploadRequest,
) -> Result<CreateMultipartUploadOutput, Error> {
    let key = ObjectKey::parse(input.key.as_deref().unwrap_or_default())?;
    let checksum = wanted_checksum(input.checksum_algorithm.as_deref(), input.checksum_type.as_deref())?;
    let name = input.bucket.clone().unwrap_or_default();
    input.asks().check(s3.bucket(&name)?.ownership)?;
    let id = UploadId::new(cx.now());
    let (initiator_id, initiator_name) = initiator(cx);
    let upload = Upload {
        initiated: cx.now(),
        initiator_id,
        initiator_name,
        headers: input.headers()?,
        tags: input.tagging.as_deref().map(TagSet::from_header).transpose()?.unwrap_or_default(),
        checksum,
    };
    s3.store
        .transact("s3 create upload", |tx: &mut Tx| {
            let bucket = s3.catalog.get(tx, &name)?;
            tx.put_record(keys::upload(bucket.id, key.as_str(), &id), &upload)?;
            Ok::<_, Error>(())
        })
        .await?;
    Ok(CreateMultipartUploadOutput {
        bucket: Some(name),
        key: Some(key.as_str().to_owned()),
        upload_id: Some(id.as_str().to_owned()),
        server_side_encryption: Some(ENCRYPTION.to_owned()),
        checksum_algorithm: checksum.map(|(algorithm, _)| algorithm.name().to_owned()),
        checksum_type: checksum.map(|(_, coverage)| coverage.name().to_owned()),
        ..CreateMultipartUploadOutput::default()
    })
}

/// Who begins an upload: the root user by the account's id, others by their ARN.
fn initiator(cx: &Cx) -> (String, String) {
    match &*cx.principal {
        Principal::Root { account } => (owner_id(*account), String::new()),
        other => {
            let id = other.arn().map_or_else(|| other.display_name(), |arn| arn.to_string());
            let name = id.rsplit('/').next().unwrap_or_default().to_owned();
            (id, name)
        }
    }
}

/// Ends an upload without an object; its parts become garbage.
pub async fn abort_multipart_upload(
    s3: &S3,
    cx: &Cx,
    input: AbortMultipartUploadRequest,
) -> Result<AbortMultipartUploadOutput, Error> {
    let id = upload_id(input.upload_id.as_deref())?;
    let (name, key) = (input.bucket.unwrap_or_default(), input.key.unwrap_or_default());
    let now = cx.now();
    s3.store
        .transact("s3 abort upload", |tx: &mut Tx| {
            let bucket = s3.catalog.get(tx, &name)?;
            find(tx, &bucket, &key, &id)?;
            tx.delete(keys::upload(bucket.id, &key, &id));
            garbage::note(tx, now, &Reclaim::Parts(id.clone()));
            Ok::<_, Error>(())
        })
        .await?;
    s3.garbage.notify_one();
    Ok(AbortMultipartUploadOutput::default())
}

/// Who owns and who began an upload, as listings show it.
pub fn parties(bucket: &Bucket, upload: &Upload) -> (Owner, Initiator) {
    let owner = Owner { id: Some(owner_id(bucket.owner)), ..Owner::default() };
    let name = Some(upload.initiator_name.clone()).filter(|name| !name.is_empty());
    (owner, Initiator { id: Some(upload.initiator_id.clone()), display_name: name })
}

fn start(bucket: &Bucket, input: &ListMultipartUploadsRequest) -> Start {
    let key = input.key_marker.as_deref().unwrap_or_default();
    let delimiter = input.delimiter.as_deref().filter(|it| !it.is_empty());
    let hidden = common_prefix(key, input.prefix.as_deref().unwrap_or_default(), delimiter);
    let id = input.upload_id_marker.as_deref().and_then(UploadId::parse);
    match (hidden, id) {
        _ if key.is_empty() => Start::First,
        (Some(prefix), _) => Start::At(keys::past(&keys::uploads_under(bucket.id, prefix))),
        (None, Some(id)) => Start::After(keys::upload(bucket.id, key, &id)),
        (None, None) => Start::At(keys::past(&keys::uploads_of(bucket.id, key))),
    }
}

/// The uploads of a bucket that are under way.
pub async fn list_multipart_uploads(
    s3: &S3,
    _: &Cx,
    input: ListMultipartUploadsRequest,
) -> Result<ListMultipartUploadsOutput, Error> {
    let coding = Coding::parse(input.encoding_type.as_deref())?;
    let limit = page_limit(input.max_uploads, "maxUploads")?;
    let name = input.bucket.clone().unwrap_or_default();
    let prefix = input.prefix.clone().unwrap_or_default();
    let (bucket, page) = s3.store.read(|view| {
        let bucket = s3.catalog.get(view, &name)?;
        let under = |prefix: &str| keys::uploads_under(bucket.id, prefix);
        let wanted = Walk {
            under: &under,
            name: |row| keys::upload_names(row).map(|(key, _)| key),
            prefix: &prefix,
            delimiter: input.delimiter.as_deref().filter(|it| !it.is_empty()),
            start: start(&bucket, &input),
            limit: usize::try_from(limit).unwrap_or(0),
        };
        let page = walk(view, &wanted, &mut |row, value| {
            Ok((keys::upload_names(row)?.1, record::decode::<Upload>(value)?))
        })?;
        Ok::<_, Error>((bucket, page))
    })?;
    let next_id = match (&page.last, page.rows.last()) {
        (Some(Shown::Row(_)), Some((_, (id, _)))) => Some(id.as_str().to_owned()),
        _ => None,
    };
    let uploads: Vec<_> =
        page.rows.iter().map(|(key, (id, upload))| shown(&bucket, coding.of(key), id, upload)).collect();
    Ok(ListMultipartUploadsOutput {
        bucket: Some(name.clone()),
        key_marker: Some(coding.of(input.key_marker.as_deref().unwrap_or_default())),
        upload_id_marker: Some(input.upload_id_marker.unwrap_or_default()),
        next_key_marker: page.last.as_ref().map(|shown| coding.of(shown.text())),
        prefix: Some(coding.of(&prefix)),
        delimiter: input.delimiter.as_deref().filter(|it| !it.is_empty()).map(|it| coding.of(it)),
        next_upload_id_marker: next_id,
        max_uploads: Some(limit),
        is_truncated: Some(page.last.is_some()),
        uploads: (!uploads.is_empty()).then_some(uploads),
        common_prefixes: prefixes(coding, &page.prefixes),
        encoding_type: coding.name(),
        ..ListMultipartUploadsOutput::default()
    })
}

fn shown(bucket: &Bucket, key: String, id: &UploadId, upload: &Upload) -> MultipartUpload {
    let (owner, initiator) = parties(bucket, upload);
    MultipartUpload {
        upload_id: Some(id.as_str().to_owned()),
        key: Some(key),
        initiated: Some(upload.initiated),
        storage_class: Some(upload.headers.storage_class().to_owned()),
        owner: Some(owner),
        initiator: Some(initiator),
        checksum_algorithm: upload.checksum.map(|(algorithm, _)| algorithm.name().to_owned()),
        checksum_type: upload.checksum.map(|(_, coverage)| coverage.name().to_owned()),
    }
}
