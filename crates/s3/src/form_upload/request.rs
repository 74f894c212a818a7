//! The object that a form asks for: its fields as the request that PutObject is.

use std::collections::BTreeMap;

use nephos_wire::form::encode;
use nephos_wire::xml;

use crate::error::Error;
use crate::form_upload::form::Form;
use crate::shapes::{PutObjectRequest, Tagging};
use crate::tagging::pairs;
use crate::tags::TagSet;

const METADATA: &str = "x-amz-meta-";

/// The request, fields that mean nothing to S3's forms left out.
pub fn put_object(bucket: &str, form: &Form) -> Result<PutObjectRequest, Error> {
    if form.get("x-amz-object-lock-retain-until-date").is_some() {
        return Err(Error::request("Bucket is missing Object Lock Configuration"));
    }
    let text = |name: &str| header(name, form.get(name));
    Ok(PutObjectRequest {
        bucket: Some(bucket.to_owned()),
        key: Some(form.key()?.to_owned()),
        acl: text("acl")?,
        cache_control: text("Cache-Control")?,
        content_disposition: text("Content-Disposition")?,
        content_encoding: text("Content-Encoding")?,
        content_language: text("Content-Language")?,
        content_type: text("Content-Type")?,
        content_md5: text("Content-MD5")?,
        expires: text("Expires")?,
        metadata: metadata(form),
        tagging: form.get("tagging").map(tags).transpose()?,
        storage_class: text("x-amz-storage-class")?,
        website_redirect_location: text("x-amz-website-redirect-location")?,
        server_side_encryption: text("x-amz-server-side-encryption")?,
        ssekms_key_id: text("x-amz-server-side-encryption-aws-kms-key-id")?,
        ssekms_encryption_context: text("x-amz-server-side-encryption-context")?,
        sse_customer_algorithm: text("x-amz-server-side-encryption-customer-algorithm")?,
        sse_customer_key: text("x-amz-server-side-encryption-customer-key")?,
        sse_customer_key_md5: text("x-amz-server-side-encryption-customer-key-MD5")?,
        checksum_algorithm: text("x-amz-checksum-algorithm")?,
        checksum_crc32: text("x-amz-checksum-crc32")?,
        checksum_crc32_c: text("x-amz-checksum-crc32c")?,
        checksum_crc64_nvme: text("x-amz-checksum-crc64nvme")?,
        checksum_sha1: text("x-amz-checksum-sha1")?,
        checksum_sha256: text("x-amz-checksum-sha256")?,
        checksum_sha512: text("x-amz-checksum-sha512")?,
        checksum_md5: text("x-amz-checksum-md5")?,
        checksum_xxhash64: text("x-amz-checksum-xxhash64")?,
        checksum_xxhash3: text("x-amz-checksum-xxhash3")?,
        checksum_xxhash128: text("x-amz-checksum-xxhash128")?,
        object_lock_mode: text("x-amz-object-lock-mode")?,
        object_lock_legal_hold_status: text("x-amz-object-lock-legal-hold")?,
        ..PutObjectRequest::default()
    })
}

/// A field that becomes a header: without the white space round it, and without what no header can hold.
fn header(name: &str, value: Option<&str>) -> Result<Option<String>, Error> {
    let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) else { return Ok(None) };
    if value.bytes().any(|b| b.is_ascii_control()) {
        let text = format!("The value of {name} holds characters that a header cannot.");
        return Err(Error::argument(text, name, value));
    }
    Ok(Some(value.to_owned()))
}

fn metadata(form: &Form) -> Option<BTreeMap<String, String>> {
    let named = form.fields().iter().filter_map(|(name, value)| {
        let start = name.get(..METADATA.len())?;
        let name = name.get(METADATA.len()..).filter(|name| !name.is_empty())?;
        start.eq_ignore_ascii_case(METADATA).then(|| (name.to_owned(), value.clone()))
    });
    let metadata: BTreeMap<_, _> = named.collect();
    (!metadata.is_empty()).then_some(metadata)
}

/// The document of tags, as the header that PutObject takes.
fn tags(document: &str) -> Result<String, Error> {
    let mut tagging = Tagging::default();
    xml::read(document.trim().as_bytes(), &mut tagging).map_err(|_| Error::MalformedXml)?;
    let tags = TagSet::of_object(pairs(tagging.tag_set.unwrap_or_default()))?;
    let encoded: Vec<String> =
        tags.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
    Ok(encoded.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> Form {
        Form::new(fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(), None)
    }

    #[test]
    fn fields_become_what_headers_are() {
        let given = [
            ("KEY", "k"),
            ("content-type", " text/plain\r\n"),
            ("X-Amz-Meta-Who", "me\u{e9}"),
            ("x-amz-meta-", "nobody"),
            ("tagging", "<Tagging><TagSet><Tag><Key>a b</Key><Value>c+d</Value></Tag></TagSet></Tagging>"),
            ("Expires", ""),
            ("if-none-match", "*"),
            ("x-amz-copy-source", "/other/key"),
        ];
        let request = put_object("b", &form(&given)).unwrap();
        assert_eq!((request.bucket.as_deref(), request.key.as_deref()), (Some("b"), Some("k")));
        assert_eq!(request.content_type.as_deref(), Some("text/plain"));
        assert_eq!(request.metadata.unwrap(), BTreeMap::from([("Who".to_owned(), "me\u{e9}".to_owned())]));
        assert_eq!(request.tagging.as_deref(), Some("a%20b=c%2Bd"));
        assert_eq!((request.expires, request.if_none_match), (None, None));
    }

    #[test]
    fn what_no_header_can_hold_is_refused() {
        let refusal =
            |name: &str, value: &str| put_object("b", &form(&[("key", "k"), (name, value)])).unwrap_err();
        assert_eq!(refusal("Content-Type", "a\r\nX: b").code_and_status().0, "InvalidArgument");
        assert_eq!(refusal("tagging", "not-xml").code_and_status().0, "MalformedXML");
        let tagged = put_object("b", &form(&[("key", "k"), ("tagging", "<Other></Other>")])).unwrap();
        assert_eq!(tagged.tagging.as_deref(), Some(""));
    }
}
