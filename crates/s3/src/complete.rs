//! CompleteMultipartUpload: the parts stay where they are, and the object becomes a list of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest, Md5};
use nephos_core::{Cx, Timestamp, random};
use nephos_store::{Range, Read, Tx};

use crate::S3;
use crate::checksum::{self, Algorithm, Checksum, Coverage};
use crate::checksum_members::Claims;
use crate::conditions::WriteConditions;
use crate::error::Error;
use crate::garbage;
use crate::keys;
use crate::names::{ObjectKey, UploadId};
use crate::notifications::Happening;
use crate::objects::{Change, ENCRYPTION, NewObject, Source, current};
use crate::parts::checksum_of;
use crate::records::{Content, Manifest, Object, Part, StoredChecksum, Upload};
use crate::shapes::{CompleteMultipartUploadOutput, CompleteMultipartUploadRequest, CompletedPart};
use crate::uploads::upload_id;
use nephos_wire::form::encode_path;

/// The least size of a part that is not the last.
pub const MIN_PART_BYTES: u64 = 5 << 20;

/// A request, parsed.
struct Completion {
    bucket: String,
    key: ObjectKey,
    id: UploadId,
    parts: Vec<Claimed>,
    conditions: WriteConditions,
    checksum: Option<Checksum>,
    coverage: Option<String>,
    size: Option<i64>,
}

/// A part as the request lists it.
struct Claimed {
    number: i32,
    etag: String,
    checksum: Option<Checksum>,
}

impl Completion {
    fn parse(input: CompleteMultipartUploadRequest) -> Result<Completion, Error> {
        let id = upload_id(input.upload_id.as_deref())?;
        let checksum = input.claimed()?;
        let conditions = WriteConditions::parse(input.if_match.as_deref(), input.if_none_match.as_deref())?;
        let listed = input.multipart_upload.and_then(|it| it.parts).unwrap_or_default();
        if listed.is_empty() {
            return Err(Error::MalformedXml);
        }
        let parts = listed.iter().map(Claimed::parse).collect::<Result<Vec<_>, _>>()?;
        if parts.windows(2).any(|pair| pair[0].number >= pair[1].number) {
            return Err(Error::InvalidPartOrder(id.as_str().to_owned()));
        }
        Ok(Completion {
            bucket: input.bucket.unwrap_or_default(),
            key: ObjectKey::parse(input.key.as_deref().unwrap_or_default())?,
            id,
            parts,
            conditions,
            checksum,
            coverage: input.checksum_type,
            size: input.mpu_object_size,
        })
    }

    /// The ETag that the object will have, if the parts are what the request says.
    fn etag(&self) -> Option<String> {
        let mut md5 = Md5::new();
        for part in &self.parts {
            md5.update(unhex(&part.etag)?);
        }
        Some(format!("{}-{}", random::hex(&md5.finalize()), self.parts.len()))
    }
}

impl Claimed {
    fn parse(part: &CompletedPart) -> Result<Claimed, Error> {
        let (Some(number), Some(etag)) = (part.part_number, part.etag.as_deref()) else {
            return Err(Error::MalformedXml);
        };
        Ok(Claimed { number, etag: etag.trim_matches('"').to_owned(), checksum: part.claimed()? })
    }
}

fn unhex(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    let mut out = [0; 16];
    if digits.len() != 32 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(out)
}

/// The parts that were uploaded, by number.
type Uploaded = Vec<(u32, Part)>;

/// Pairs each listed part with the uploaded one.
fn matched<'a>(completion: &Completion, uploaded: &'a Uploaded) -> Result<Vec<&'a (u32, Part)>, Error> {
    let mut matched = Vec::with_capacity(completion.parts.len());
    for listed in &completion.parts {
        let missing = || Error::InvalidPart {
            upload: completion.id.as_str().to_owned(),
            part: listed.number,
            etag: listed.etag.clone(),
        };
        let number = u32::try_from(listed.number).map_err(|_| missing())?;
        let at = uploaded.binary_search_by_key(&number, |(number, _)| *number).map_err(|_| missing())?;
        let found = &uploaded[at];
        let same = found.1.md5 == listed.etag
            && match (&listed.checksum, checksum_of(&found.1)) {
                (Some(claimed), Some(stored)) => *claimed == stored,
                _ => true,
            };
        if !same {
            return Err(missing());
        }
        matched.push(found);
    }
    let small = matched.iter().rev().skip(1).rev().find(|(_, part)| part.size < MIN_PART_BYTES);
    match small {
        None => Ok(matched),
        Some((number, part)) => {
            Err(Error::EntityTooSmall { proposed: part.size, part: *number, etag: part.md5.clone() })
        }
    }
}

/// The checksum of the object that the parts become.
fn checksum_over(
    completion: &Completion,
    upload: &Upload,
    parts: &[&(u32, Part)],
) -> Result<Option<StoredChecksum>, Error> {
    let (algorithm, coverage) = upload.checksum.unwrap_or((Algorithm::Crc64Nvme, Coverage::FullObject));
    if completion.coverage.as_deref().is_some_and(|given| given != coverage.name()) {
        return Err(Error::request(format!(
            "The upload was created using the {} checksum mode. The complete request must use the same checksum mode.",
            coverage.name()
        )));
    }
    let stored = match coverage {
        Coverage::Composite => composite(completion, algorithm, parts)?,
        Coverage::FullObject => full(algorithm, parts)?,
    };
    if let Some(claimed) = &completion.checksum {
        let value = claimed.base64();
        let plain = stored.value.split('-').next().unwrap_or_default();
        if claimed.algorithm != algorithm || plain != value {
            return Err(Error::ChecksumMismatch(claimed.algorithm.name()));
        }
    }
    // The CRC64NVME over everything is in the object's record anyway.
    let known = algorithm == Algorithm::Crc64Nvme && coverage == Coverage::FullObject;
    Ok((!known).then_some(stored))
}

fn composite(
    completion: &Completion,
    algorithm: Algorithm,
    parts: &[&(u32, Part)],
) -> Result<StoredChecksum, Error> {
    let name = algorithm.name().to_ascii_lowercase();
    if let Some(without) = completion.parts.iter().find(|part| part.checksum.is_none()) {
        return Err(Error::request(format!(
            "The upload was created using a {name} checksum. The complete request must include the checksum for each part. It was missing for part {} in the request.",
            without.number
        )));
    }
    let values: Vec<u8> =
        parts.iter().filter_map(|(_, part)| checksum_of(part)).flat_map(|it| it.value).collect();
    let value = format!("{}-{}", checksum::of(algorithm, &values).base64(), parts.len());
    Ok(StoredChecksum { algorithm, coverage: Coverage::Composite, value })
}

fn full(algorithm: Algorithm, parts: &[&(u32, Part)]) -> Result<StoredChecksum, Error> {
    let mut whole = checksum::of(algorithm, b"");
    for (_, part) in parts {
        let own = match algorithm {
            Algorithm::Crc64Nvme => Some(crc64_of(part)),
            _ => checksum_of(part),
        };
        let joined = own.and_then(|own| checksum::combine(&whole, &own, part.size));
        whole = joined.ok_or_else(|| Error::request("The checksum of a part is missing."))?;
    }
    Ok(StoredChecksum::full(&whole))
}

fn crc64_of(part: &Part) -> Checksum {
    Checksum { algorithm: Algorithm::Crc64Nvme, value: part.crc64.to_be_bytes().to_vec() }
}

fn crc64_over(parts: &[&(u32, Part)]) -> Result<u64, Error> {
    let value = full(Algorithm::Crc64Nvme, parts)?.value;
    let bytes = BASE64.decode(value).unwrap_or_default();
    Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn manifest(parts: &[&(u32, Part)]) -> Manifest {
    let mut end = 0;
    let ends = parts.iter().map(|(_, part)| {
        end += part.size;
        end
    });
    Manifest { ends: ends.collect(), numbers: parts.iter().map(|(number, _)| *number).collect() }
}

/// Makes the object out of the upload's parts.
pub async fn complete_multipart_upload(
    s3: &S3,
    cx: &Cx,
    input: CompleteMultipartUploadRequest,
) -> Result<CompleteMultipartUploadOutput, Error> {
    let completion = Completion::parse(input)?;
    let now = cx.now();
    let object =
        s3.store.transact("s3 complete upload", |tx: &mut Tx| complete(s3, cx, tx, &completion, now)).await?;
    s3.garbage.notify_one();
    let (bucket, key) = (&completion.bucket, completion.key.as_str());
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("{}/{bucket}/{}", cx.origin.url(), encode_path(key))),
        bucket: Some(bucket.clone()),
        key: Some(key.to_owned()),
        etag: Some(object.quoted_etag()),
        server_side_encryption: Some(ENCRYPTION.to_owned()),
        ..CompleteMultipartUploadOutput::default()
    };
    output.carry_stored(&object.answered_checksum());
    Ok(output)
}

fn complete(s3: &S3, cx: &Cx, tx: &mut Tx, completion: &Completion, now: Timestamp) -> Result<Object, Error> {
    let bucket = s3.catalog.get(tx, &completion.bucket)?;
    let key = completion.key.as_str();
    let previous = current(tx, &bucket, key)?;
    let row = keys::upload(bucket.id, key, &completion.id);
    let Some(upload) = tx.record::<Upload>(&row)? else {
        return completed_before(completion, previous);
    };
    completion.conditions.check(key, previous.as_ref())?;
    let uploaded = uploaded(tx, &completion.id)?;
    let parts = matched(completion, &uploaded)?;
    let new = assembled(completion, &upload, &parts)?;
    tx.put_record(keys::manifest(&completion.id), &manifest(&parts))?;
    drop_unlisted(tx, completion, &uploaded, now)?;
    tx.delete(row);
    let previous = previous.as_ref();
    Change { cx, bucket: &bucket, key, previous, happening: Happening::Completed, now }.write(tx, new)
}

fn uploaded(tx: &Tx, id: &UploadId) -> Result<Uploaded, Error> {
    let rows = tx.records::<Part>(&Range::prefix(&keys::parts(id)))?;
    rows.into_iter().map(|(row, part)| Ok((keys::part_number(row.as_bytes())?, part))).collect()
}

fn assembled(completion: &Completion, upload: &Upload, parts: &[&(u32, Part)]) -> Result<NewObject, Error> {
    let size: u64 = parts.iter().map(|(_, part)| part.size).sum();
    if let Some(given) = completion.size
        && u64::try_from(given).ok() != Some(size)
    {
        return Err(Error::request(format!(
            "The provided 'x-amz-mp-object-size' header value {given} does not match what was computed: {size}"
        )));
    }
    Ok(NewObject {
        bytes: Source::Parts(completion.id.clone()),
        size,
        etag: completion.etag().ok_or(Error::MalformedXml)?,
        crc64: crc64_over(parts)?,
        checksum: checksum_over(completion, upload, parts)?,
        headers: upload.headers.clone(),
        tags: upload.tags.clone(),
    })
}

/// The answer to a client that asks again because it never saw the first one: the object that this upload became.
fn completed_before(completion: &Completion, object: Option<Object>) -> Result<Object, Error> {
    object
        .filter(|object| object.content == Content::Parts(completion.id.clone()))
        .filter(|object| Some(&object.etag) == completion.etag().as_ref())
        .ok_or_else(|| Error::NoSuchUpload(completion.id.as_str().to_owned()))
}

/// Parts that were uploaded and not listed are gone with the upload.
fn drop_unlisted(
    tx: &mut Tx,
    completion: &Completion,
    uploaded: &Uploaded,
    now: Timestamp,
) -> Result<(), Error> {
    for (number, part) in uploaded {
        let listed = completion.parts.binary_search_by_key(&i64::from(*number), |it| i64::from(it.number));
        if listed.is_err() {
            garbage::release(tx, &part.content, now)?;
            tx.delete(keys::part_inline(&completion.id, *number));
            tx.delete(keys::part(&completion.id, *number));
        }
    }
    Ok(())
}
