//! GetObject and HeadObject.

use nephos_core::{Cx, Principal, Timestamp};
use nephos_wire::Body;

use crate::S3;
use crate::conditions::Conditions;
use crate::content::Found;
use crate::error::Error;
use crate::names::ObjectKey;
use crate::object_headers::encoded_metadata;
use crate::objects::{ENCRYPTION, check_version};
use crate::ranges::{self, Wanted};
use crate::records::Object;
use crate::shapes::{GetObjectOutput, GetObjectRequest, HeadObjectOutput, HeadObjectRequest};

/// What both requests ask.
struct Read<'a> {
    bucket: &'a str,
    key: &'a str,
    version: Option<&'a str>,
    conditions: Conditions<'a>,
    range: Option<&'a str>,
    part: Option<i32>,
    checksum: bool,
    overrides: bool,
}

macro_rules! read {
    ($input:expr) => {{
        let input = $input;
        Read {
            bucket: input.bucket.as_deref().unwrap_or_default(),
            key: input.key.as_deref().unwrap_or_default(),
            version: input.version_id.as_deref(),
            conditions: Conditions {
                if_match: input.if_match.as_deref(),
                if_none_match: input.if_none_match.as_deref(),
                if_modified_since: input.if_modified_since,
                if_unmodified_since: input.if_unmodified_since,
            },
            range: input.range.as_deref(),
            part: input.part_number,
            checksum: input.checksum_mode.as_deref() == Some("ENABLED"),
            overrides: input.response_cache_control.is_some()
                || input.response_content_disposition.is_some()
                || input.response_content_encoding.is_some()
                || input.response_content_language.is_some()
                || input.response_content_type.is_some()
                || input.response_expires.is_some(),
        }
    }};
}

/// What is answered.
struct Answer {
    wanted: Wanted,
    /// Whether the checksum is of what is sent.
    checksum: bool,
    parts: Option<i32>,
}

impl S3 {
    /// Finds the object and what of it is wanted. A failed condition or range is the caller's answer.
    fn look(&self, cx: &Cx, read: &Read<'_>, bytes: bool) -> Result<(Found, Answer), Error> {
        ObjectKey::parse(read.key)?;
        check_version(read.version)?;
        if read.overrides && *cx.principal == Principal::Anonymous {
            return Err(Error::request(
                "Request specific response headers cannot be used for anonymous GET requests.",
            ));
        }
        if read.range.is_some() && read.part.is_some() {
            return Err(Error::request("Cannot specify both Range header and partNumber query parameter"));
        }
        let (bucket, found) = self.store.read(|view| {
            let bucket = self.catalog.get(view, read.bucket)?;
            let found = self.find(view, bucket.id, read.key, bytes)?;
            Ok::<_, Error>((bucket, found))
        })?;
        let Some(found) = found else { return Err(self.absent(cx, &bucket, read.key)) };
        read.conditions.check(&found.object)?;
        let answer = wanted(read, &found)?;
        Ok((found, answer))
    }
}

fn wanted(read: &Read<'_>, found: &Found) -> Result<Answer, Error> {
    let size = found.object.size;
    let Some(number) = read.part else {
        let wanted = ranges::parse(read.range, size)?;
        let checksum = read.checksum && wanted == Wanted::Whole;
        return Ok(Answer { wanted, checksum, parts: None });
    };
    if !(1..=10_000).contains(&number) {
        return Err(Error::argument(
            "Part number must be an integer between 1 and 10000, inclusive",
            "partNumber",
            number.to_string(),
        ));
    }
    let missing = |actual| Error::InvalidPartNumber { requested: number, actual };
    match &found.manifest {
        None if number == 1 && size == 0 => {
            Ok(Answer { wanted: Wanted::Whole, checksum: read.checksum, parts: None })
        }
        None if number == 1 => {
            Ok(Answer { wanted: Wanted::Stretch(0..size), checksum: read.checksum, parts: None })
        }
        None => Err(missing(1)),
        Some(manifest) => {
            let count = manifest.numbers.len();
            let number = u32::try_from(number).unwrap_or_default();
            let index = manifest.numbers.binary_search(&number).map_err(|_| missing(count))?;
            let span = manifest.span(index).ok_or_else(|| missing(count))?;
            let wanted = if span.is_empty() { Wanted::Whole } else { Wanted::Stretch(span) };
            Ok(Answer { wanted, checksum: false, parts: i32::try_from(count).ok() })
        }
    }
}

/// The members that both answers share.
macro_rules! answer {
    ($output:ident, $input:expr, $object:expr, $answer:expr) => {{
        let (input, object, answer): (_, &Object, &Answer) = ($input, $object, $answer);
        let headers = &object.headers;
        let stretch = answer.wanted.stretch(object.size);
        let or = |given: Option<String>, stored: &Option<String>| given.or_else(|| stored.clone());
        let mut output = $output {
            accept_ranges: Some("bytes".to_owned()),
            last_modified: Some(object.modified_secs()),
            content_length: i64::try_from(stretch.end - stretch.start).ok(),
            content_range: answer.wanted.content_range(object.size),
            etag: Some(object.quoted_etag()),
            content_type: input.response_content_type.or_else(|| Some(headers.content_type().to_owned())),
            cache_control: or(input.response_cache_control, &headers.cache_control),
            content_disposition: or(input.response_content_disposition, &headers.content_disposition),
            content_encoding: or(input.response_content_encoding, &headers.content_encoding),
            content_language: or(input.response_content_language, &headers.content_language),
            expires: input.response_expires.map(Timestamp::http_date).or_else(|| headers.expires.clone()),
            website_redirect_location: headers.redirect.clone(),
            server_side_encryption: Some(ENCRYPTION.to_owned()),
            metadata: encoded_metadata(&headers.metadata),
            storage_class: headers.storage_class.clone(),
            parts_count: answer.parts,
            tag_count: i32::try_from(object.tags.len()).ok().filter(|count| *count > 0),
            ..$output::default()
        };
        if answer.checksum {
            output.carry_stored(&object.answered_checksum());
        }
        output
    }};
}

/// Gives an object's bytes.
pub async fn get_object(
    s3: &S3,
    cx: &Cx,
    input: GetObjectRequest,
    _: Body,
) -> Result<(GetObjectOutput, Body), Error> {
    let (found, answer) = s3.look(cx, &read!(&input), true)?;
    let output = answer!(GetObjectOutput, input, &found.object, &answer);
    let stretch = answer.wanted.stretch(found.object.size);
    let body = s3.open(found, stretch).await?;
    Ok((output, body))
}

/// Gives what GetObject would, without the bytes.
pub async fn head_object(s3: &S3, cx: &Cx, input: HeadObjectRequest) -> Result<HeadObjectOutput, Error> {
    let (found, answer) = s3.look(cx, &read!(&input), false)?;
    Ok(answer!(HeadObjectOutput, input, &found.object, &answer))
}
