//! The headers that a client gives an object, from every request that makes one.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::error::Error;
use crate::ownership::{Ownership, check_object_acl};
use crate::records::Headers;
use crate::shapes::{CopyObjectRequest, CreateMultipartUploadRequest, PutObjectRequest};

/// The most user metadata, names and values together.
pub const MAX_METADATA_BYTES: usize = 2048;

/// The storage classes that keep an object at hand.
const AT_HAND: [&str; 6] =
    ["STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"];

/// The other storage classes that S3 knows.
const ELSEWHERE: [&str; 6] =
    ["GLACIER", "DEEP_ARCHIVE", "OUTPOSTS", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS"];

/// What requests can ask of a new object that is checked alike for all of them.
pub struct Asks<'a> {
    acl: Option<&'a str>,
    has_grants: bool,
    encryption: Option<&'a str>,
    has_customer_key: bool,
    has_lock: bool,
}

/// A request that makes an object.
pub trait Makes {
    /// The headers that the object will have.
    fn headers(&self) -> Result<Headers, Error>;
    /// What else it asks.
    fn asks(&self) -> Asks<'_>;
}

macro_rules! makes {
    ($($request:ident),*) => {$(
        impl Makes for $request {
            fn headers(&self) -> Result<Headers, Error> {
                Ok(Headers {
                    content_type: self.content_type.clone(),
                    cache_control: self.cache_control.clone(),
                    content_disposition: self.content_disposition.clone(),
                    content_encoding: self.content_encoding.as_deref().and_then(without_chunking),
                    content_language: self.content_language.clone(),
                    expires: self.expires.clone(),
                    metadata: metadata(self.metadata.as_ref())?,
                    redirect: self.website_redirect_location.as_deref().map(redirect).transpose()?,
                    storage_class: storage_class(self.storage_class.as_deref())?,
                })
            }

            fn asks(&self) -> Asks<'_> {
                Asks {
                    acl: self.acl.as_deref(),
                    has_grants: self.grant_full_control.is_some()
                        || self.grant_read.is_some()
                        || self.grant_read_acp.is_some()
                        || self.grant_write_acp.is_some(),
                    encryption: self.server_side_encryption.as_deref(),
                    has_customer_key: self.sse_customer_algorithm.is_some() || self.sse_customer_key.is_some(),
                    has_lock: self.object_lock_mode.is_some()
                        || self.object_lock_legal_hold_status.is_some()
                        || self.object_lock_retain_until_date.is_some(),
                }
            }
        }
    )*};
}

makes!(PutObjectRequest, CreateMultipartUploadRequest, CopyObjectRequest);

impl Asks<'_> {
    /// Checks what the bucket and Nephos can give.
    pub fn check(&self, ownership: Option<Ownership>) -> Result<(), Error> {
        check_object_acl(ownership, self.acl, self.has_grants)?;
        if self.has_customer_key {
            return Err(Error::NotImplemented("encryption with the customer's key".to_owned()));
        }
        if self.has_lock {
            return Err(Error::request("Bucket is missing Object Lock Configuration"));
        }
        match self.encryption {
            None | Some("AES256") => Ok(()),
            Some("aws:kms" | "aws:kms:dsse" | "aws:fsx") => {
                Err(Error::NotImplemented("encryption with KMS keys".to_owned()))
            }
            Some(other) => Err(Error::argument(
                "The encryption method specified is not supported",
                "x-amz-server-side-encryption",
                other,
            )),
        }
    }
}

fn storage_class(class: Option<&str>) -> Result<Option<String>, Error> {
    match class {
        None | Some("STANDARD") => Ok(None),
        Some(class) if AT_HAND.contains(&class) => Ok(Some(class.to_owned())),
        Some(class) if ELSEWHERE.contains(&class) => {
            Err(Error::NotImplemented(format!("the storage class {class}")))
        }
        Some(class) => Err(Error::InvalidStorageClass(class.to_owned())),
    }
}

/// `Content-Encoding` without the coding of the transfer, which SDKs name there.
fn without_chunking(header: &str) -> Option<String> {
    let codings: Vec<_> =
        header.split(',').map(str::trim).filter(|coding| *coding != "aws-chunked").collect();
    let rest = codings.join(",");
    (!rest.is_empty()).then_some(rest)
}

fn redirect(location: &str) -> Result<String, Error> {
    let lawful = ["/", "http://", "https://"].iter().any(|start| location.starts_with(start));
    if lawful && location.len() <= 2048 {
        return Ok(location.to_owned());
    }
    Err(Error::argument(
        "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
        "x-amz-website-redirect-location",
        location,
    ))
}

fn metadata(given: Option<&BTreeMap<String, String>>) -> Result<BTreeMap<String, String>, Error> {
    let Some(given) = given else { return Ok(BTreeMap::new()) };
    let decoded: BTreeMap<_, _> =
        given.iter().map(|(name, value)| (name.to_ascii_lowercase(), decode_2047(value))).collect();
    let size: usize = decoded.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MAX_METADATA_BYTES { Err(Error::MetadataTooLarge { size }) } else { Ok(decoded) }
}

/// User metadata as headers carry it: other than ASCII in RFC 2047's base64 form.
pub fn encoded_metadata(metadata: &BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    let coded = |value: &String| {
        if value.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            value.clone()
        } else {
            format!("=?UTF-8?B?{}?=", BASE64.encode(value))
        }
    };
    (!metadata.is_empty())
        .then(|| metadata.iter().map(|(name, value)| (name.clone(), coded(value))).collect())
}

/// Reads RFC 2047's encoded words in base64 or quoted-printable; anything else stays as it is.
fn decode_2047(value: &str) -> String {
    let decoded = value.strip_prefix("=?").and_then(|rest| rest.strip_suffix("?=")).and_then(|inner| {
        let mut parts = inner.splitn(3, '?');
        let (charset, coding, text) = (parts.next()?, parts.next()?, parts.next()?);
        if !charset.eq_ignore_ascii_case("utf-8") {
            return None;
        }
        let bytes = match coding {
            "B" | "b" => BASE64.decode(text).ok()?,
            "Q" | "q" => quoted_printable(text)?,
            _ => return None,
        };
        String::from_utf8(bytes).ok()
    });
    decoded.unwrap_or_else(|| value.to_owned())
}

fn quoted_printable(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'_' => b' ',
            b'=' => {
                let pair = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_of_any_script_survives() {
        let given = BTreeMap::from([
            ("Plain".to_owned(), "a b".to_owned()),
            ("word".to_owned(), "=?UTF-8?B?Z3LDvG4=?=".to_owned()),
            ("quoted".to_owned(), "=?utf-8?Q?gr=C3=BCn_ist?=".to_owned()),
            ("broken".to_owned(), "=?UTF-8?B?%?=".to_owned()),
        ]);
        let read = metadata(Some(&given)).unwrap();
        assert_eq!((read["plain"].as_str(), read["word"].as_str()), ("a b", "grün"));
        assert_eq!((read["quoted"].as_str(), read["broken"].as_str()), ("grün ist", "=?UTF-8?B?%?="));
        let sent = encoded_metadata(&read).unwrap();
        assert_eq!((sent["plain"].as_str(), sent["word"].as_str()), ("a b", "=?UTF-8?B?Z3LDvG4=?="));
        assert_eq!(encoded_metadata(&BTreeMap::new()), None);
        let large = BTreeMap::from([("k".to_owned(), "v".repeat(MAX_METADATA_BYTES))]);
        assert!(matches!(metadata(Some(&large)), Err(Error::MetadataTooLarge { size: 2049 })));
    }

    #[test]
    fn headers_are_checked() {
        assert_eq!(without_chunking("aws-chunked"), None);
        assert_eq!(without_chunking("aws-chunked, gzip").as_deref(), Some("gzip"));
        assert!(redirect("/a").is_ok() && redirect("https://a").is_ok() && redirect("a").is_err());
        assert_eq!(storage_class(Some("STANDARD")).unwrap(), None);
        assert_eq!(storage_class(Some("STANDARD_IA")).unwrap().as_deref(), Some("STANDARD_IA"));
        assert!(matches!(storage_class(Some("GLACIER")), Err(Error::NotImplemented(_))));
        assert!(matches!(storage_class(Some("PAPER")), Err(Error::InvalidStorageClass(_))));
    }
}
