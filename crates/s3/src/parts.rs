//! The parts of an upload: UploadPart, UploadPartCopy and ListParts.

use nephos_core::Cx;
use nephos_store::{Range, Read, Tx};
use nephos_wire::Body;

use crate::S3;
use crate::checksum::{Checksum, Coverage};
use crate::checksum_members::{Carries, expected};
use crate::conditions::Conditions;
use crate::error::Error;
use crate::garbage;
use crate::ingest::{Expected, Landed, MAX_BODY_BYTES, Place};
use crate::keys;
use crate::names::UploadId;
use crate::objects::ENCRYPTION;
use crate::put::checked_length;
use crate::ranges::{self, Wanted};
use crate::records::{Content, Part, Upload};
use crate::shapes::{
    CopyPartResult, ListPartsOutput, ListPartsRequest, Part as ListedPart, UploadPartCopyOutput,
    UploadPartCopyRequest, UploadPartOutput, UploadPartRequest,
};
use crate::uploads::{find, page_size, parties, upload_id};

/// The largest part number.
pub const MAX_PART_NUMBER: i32 = 10_000;

/// Where a part belongs.
struct Slot {
    bucket: String,
    key: String,
    upload: UploadId,
    number: u32,
}

impl Slot {
    fn parse(
        bucket: Option<String>,
        key: Option<String>,
        upload: Option<&str>,
        number: Option<i32>,
    ) -> Result<Slot, Error> {
        let number = number.unwrap_or(0);
        let checked = u32::try_from(number).ok().filter(|_| (1..=MAX_PART_NUMBER).contains(&number));
        let number = checked.ok_or_else(|| {
            let text = "Part number must be an integer between 1 and 10000, inclusive";
            Error::argument(text, "partNumber", number.to_string())
        })?;
        let (bucket, key) = (bucket.unwrap_or_default(), key.unwrap_or_default());
        Ok(Slot { bucket, key, upload: upload_id(upload)?, number })
    }

    /// The upload, which must be under way.
    fn find(&self, s3: &S3) -> Result<Upload, Error> {
        s3.store.read(|view| {
            let bucket = s3.catalog.get(view, &self.bucket)?;
            find(view, &bucket, &self.key, &self.upload)
        })
    }

    /// Puts landed bytes in the slot.
    async fn fill(&self, s3: &S3, cx: &Cx, upload: &Upload, landed: &Landed) -> Result<Part, Error> {
        let checksum = upload.checksum.and_then(|(algorithm, _)| landed.checksum_by(algorithm));
        let part = Part {
            content: match &landed.bytes {
                Place::Inline(_) => Content::Inline,
                Place::Blob(id) => Content::Blob(id.clone()),
            },
            size: landed.size,
            md5: landed.etag(),
            modified: cx.now(),
            crc64: landed.crc64,
            checksum: checksum.map(|checksum| (checksum.algorithm, checksum.base64())),
        };
        let stored = s3.store.transact("s3 put part", |tx: &mut Tx| self.write(s3, tx, &part, landed)).await;
        match stored {
            Ok(()) => {
                s3.garbage.notify_one();
                Ok(part)
            }
            Err(error) => {
                s3.give_up(landed, &error).await;
                Err(error)
            }
        }
    }

    fn write(&self, s3: &S3, tx: &mut Tx, part: &Part, landed: &Landed) -> Result<(), Error> {
        let bucket = s3.catalog.get(tx, &self.bucket)?;
        find(tx, &bucket, &self.key, &self.upload)?;
        let row = keys::part(&self.upload, self.number);
        let inline = keys::part_inline(&self.upload, self.number);
        if let Some(previous) = tx.record::<Part>(&row)? {
            tx.delete(inline.clone());
            garbage::release(tx, &previous.content, part.modified)?;
        }
        match &landed.bytes {
            Place::Inline(bytes) => tx.put(inline, bytes.clone()),
            Place::Blob(id) => garbage::adopt(tx, id, landed.size)?,
        }
        tx.put_record(row, part)?;
        Ok(())
    }
}

/// Checks a part's checksum against what the upload was begun with.
fn agree(upload: &Upload, expected: Expected) -> Result<Expected, Error> {
    let Some((algorithm, coverage)) = upload.checksum else { return Ok(expected) };
    let mismatch = |actual: &str| {
        Error::request(format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {actual}",
            algorithm.name().to_ascii_lowercase()
        ))
    };
    match expected.algorithm {
        Some(given) if given != algorithm => Err(mismatch(&given.name().to_ascii_lowercase())),
        None if coverage == Coverage::Composite => Err(mismatch("null")),
        _ => Ok(Expected { wanted: Some(algorithm), ..expected }),
    }
}

/// Stores a part.
pub async fn upload_part(
    s3: &S3,
    cx: &Cx,
    input: UploadPartRequest,
    body: Body,
) -> Result<(UploadPartOutput, Body), Error> {
    let length = checked_length(input.content_length)?;
    let expected = expected(input.content_md5.as_deref(), input.checksum_algorithm.as_deref(), &input)?;
    let slot = Slot::parse(input.bucket, input.key, input.upload_id.as_deref(), input.part_number)?;
    let upload = slot.find(s3)?;
    let named = expected.algorithm;
    let expected = Expected { length, ..agree(&upload, expected)? };
    let landed = s3.land(body, &expected).await?;
    let part = slot.fill(s3, cx, &upload, &landed).await?;
    let mut output = UploadPartOutput {
        etag: Some(format!("\"{}\"", part.md5)),
        server_side_encryption: Some(ENCRYPTION.to_owned()),
        ..UploadPartOutput::default()
    };
    let wanted = named.or(upload.checksum.map(|(algorithm, _)| algorithm));
    if let Some(checksum) = wanted.and_then(|algorithm| landed.checksum_by(algorithm)) {
        output.carry(checksum.algorithm, &checksum.base64());
    }
    Ok((output, Body::Empty))
}

/// Stores a part out of another object's bytes.
pub async fn upload_part_copy(
    s3: &S3,
    cx: &Cx,
    input: UploadPartCopyRequest,
) -> Result<UploadPartCopyOutput, Error> {
    let conditions = Conditions {
        if_match: input.copy_source_if_match.as_deref(),
        if_none_match: input.copy_source_if_none_match.as_deref(),
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    let header = input.copy_source.as_deref().unwrap_or_default();
    let (_, _, found) = s3.copy_source(cx, header, &conditions)?;
    let stretch = source_range(input.copy_source_range.as_deref(), found.object.size)?;
    let slot = Slot::parse(input.bucket, input.key, input.upload_id.as_deref(), input.part_number)?;
    let upload = slot.find(s3)?;
    let algorithm = upload.checksum.map(|(algorithm, _)| algorithm);
    let body = s3.open(found, stretch).await?;
    let landed = s3.land(body, &Expected { wanted: algorithm, ..Expected::default() }).await?;
    let part = slot.fill(s3, cx, &upload, &landed).await?;
    let mut result = CopyPartResult {
        etag: Some(format!("\"{}\"", part.md5)),
        last_modified: Some(part.modified),
        ..CopyPartResult::default()
    };
    if let Some((algorithm, value)) = &part.checksum {
        result.carry(*algorithm, value);
    }
    Ok(UploadPartCopyOutput {
        copy_part_result: Some(result),
        server_side_encryption: Some(ENCRYPTION.to_owned()),
        ..UploadPartCopyOutput::default()
    })
}

/// The stretch of a source; unlike a read's range it must be exact.
fn source_range(header: Option<&str>, size: u64) -> Result<std::ops::Range<u64>, Error> {
    let Some(header) = header else {
        if size > MAX_BODY_BYTES {
            return Err(Error::EntityTooLarge { proposed: size, limit: MAX_BODY_BYTES });
        }
        return Ok(0..size);
    };
    let numbers = header.strip_prefix("bytes=").and_then(|it| it.split_once('-'));
    let last = numbers.and_then(|(first, last)| first.parse::<u64>().ok().and(last.parse::<u64>().ok()));
    let malformed = || {
        let text = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy";
        Error::argument(text, "x-amz-copy-source-range", header)
    };
    let last = last.ok_or_else(malformed)?;
    if last >= size {
        let text = format!("Range specified is not valid for source object of size: {size}");
        return Err(Error::argument(text, "x-amz-copy-source-range", header));
    }
    match ranges::parse(Some(header), size)? {
        Wanted::Stretch(range) => Ok(range),
        Wanted::Whole => Err(malformed()),
    }
}

/// The number behind which a page of parts begins.
pub fn part_marker(given: Option<i32>) -> Result<u32, Error> {
    let given = given.unwrap_or(0);
    u32::try_from(given).map_err(|_| {
        let expected = "Argument part-number-marker must be an integer between 0 and 2147483647";
        Error::argument(expected, "part-number-marker", given.to_string())
    })
}

/// The parts that an upload has so far.
pub async fn list_parts(s3: &S3, _: &Cx, input: ListPartsRequest) -> Result<ListPartsOutput, Error> {
    let id = upload_id(input.upload_id.as_deref())?;
    let size = page_size(input.max_parts, "max-parts")?;
    let marker = part_marker(input.part_number_marker)?;
    let (name, key) = (input.bucket.unwrap_or_default(), input.key.unwrap_or_default());
    let (bucket, upload, mut rows) = s3.store.read(|view| {
        let bucket = s3.catalog.get(view, &name)?;
        let upload = find(view, &bucket, &key, &id)?;
        let range = Range::prefix(&keys::parts(&id)).after(&keys::part(&id, marker)).limit(size + 1);
        let rows = view.records::<Part>(&range)?;
        Ok::<_, Error>((bucket, upload, rows))
    })?;
    let truncated = rows.len() > size;
    rows.truncate(size);
    let listed = rows.iter().map(|(row, part)| Ok(shown(keys::part_number(row.as_bytes())?, part)));
    let listed: Vec<ListedPart> = listed.collect::<Result<_, Error>>()?;
    let last = listed.last().and_then(|part| part.part_number).unwrap_or(0);
    let (owner, initiator) = parties(&bucket, &upload);
    Ok(ListPartsOutput {
        bucket: Some(name.clone()),
        key: Some(key.clone()),
        upload_id: Some(id.as_str().to_owned()),
        part_number_marker: i32::try_from(marker).ok(),
        next_part_number_marker: Some(last),
        max_parts: i32::try_from(size).ok(),
        is_truncated: Some(truncated),
        parts: (!listed.is_empty()).then_some(listed),
        initiator: Some(initiator),
        owner: Some(owner),
        storage_class: Some(upload.headers.storage_class().to_owned()),
        checksum_algorithm: upload.checksum.map(|(algorithm, _)| algorithm.name().to_owned()),
        checksum_type: upload.checksum.map(|(_, coverage)| coverage.name().to_owned()),
        ..ListPartsOutput::default()
    })
}

fn shown(number: u32, part: &Part) -> ListedPart {
    let mut listed = ListedPart {
        part_number: i32::try_from(number).ok(),
        last_modified: Some(part.modified),
        etag: Some(format!("\"{}\"", part.md5)),
        size: i64::try_from(part.size).ok(),
        ..ListedPart::default()
    };
    if let Some((algorithm, value)) = &part.checksum {
        listed.carry(*algorithm, value);
    }
    listed
}

/// A part's checksum as bytes.
pub fn checksum_of(part: &Part) -> Option<Checksum> {
    part.checksum.as_ref().and_then(|(algorithm, value)| Checksum::parse(*algorithm, value))
}
