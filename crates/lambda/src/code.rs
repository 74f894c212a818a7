//! Where code comes from: the request itself, or an object; and the links by which it can be had back.

use aws_lc_rs::hmac;
use bytes::Bytes;
use nephos_core::{Cx, Timestamp, random};
use nephos_store::Read;
use nephos_wire::{Body, Response};

use crate::names::{FunctionId, Owner};
use crate::package::{MAX_INLINE_ZIP_BYTES, MAX_UNZIPPED_BYTES};
use crate::records::SecretRecord;
use crate::shapes::{FunctionCode, FunctionCodeLocation, UpdateFunctionCodeRequest};
use crate::{Error, Lambda, keys, resolve};

/// How long a link is good, in milliseconds: ten minutes, as the service's.
const LINK_MILLIS: i64 = 10 * 60 * 1000;
/// Where links lead, on the platform's own host.
pub const LINK_PATH: &str = "/_function-code/";

/// Where a request says that code is.
pub struct Source {
    zip: Option<Bytes>,
    bucket: Option<String>,
    key: Option<String>,
    refused: [(&'static str, bool); 3],
}

impl From<FunctionCode> for Source {
    fn from(code: FunctionCode) -> Source {
        Source {
            zip: code.zip_file,
            bucket: code.s3_bucket,
            key: code.s3_key,
            refused: [
                ("Code.ImageUri", code.image_uri.is_some()),
                ("Code.S3ObjectVersion", code.s3_object_version.is_some()),
                ("Code.SourceKMSKeyArn", code.source_kms_key_arn.is_some()),
            ],
        }
    }
}

impl From<&UpdateFunctionCodeRequest> for Source {
    fn from(input: &UpdateFunctionCodeRequest) -> Source {
        Source {
            zip: input.zip_file.clone(),
            bucket: input.s3_bucket.clone(),
            key: input.s3_key.clone(),
            refused: [
                ("ImageUri", input.image_uri.is_some()),
                ("S3ObjectVersion", input.s3_object_version.is_some()),
                ("SourceKMSKeyArn", input.source_kms_key_arn.is_some()),
            ],
        }
    }
}

impl Source {
    /// Fetches the zip; an object is read as the caller, who must be allowed to.
    pub async fn fetch(self, lambda: &Lambda, cx: &Cx, operation: &str) -> Result<Bytes, Error> {
        if let Some((member, _)) = self.refused.iter().find(|(_, given)| *given) {
            return Err(Error::unsupported(member));
        }
        match (self.zip, self.bucket, self.key) {
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => Err(Error::InvalidParameter(
                "Please do not provide other FunctionCode parameters when providing a ZipFile.".to_owned(),
            )),
            (Some(zip), None, None) if zip.len() as u64 > MAX_INLINE_ZIP_BYTES => Err(Error::TooLarge(
                format!("Request must be smaller than 69905067 bytes for the {operation} operation"),
            )),
            (Some(zip), None, None) => Ok(zip),
            (None, Some(bucket), Some(key)) => read(lambda, cx, &bucket, &key).await,
            (None, _, _) => {
                Err(Error::InvalidParameter("Please provide a source for function code.".to_owned()))
            }
        }
    }
}

async fn read(lambda: &Lambda, cx: &Cx, bucket: &str, key: &str) -> Result<Bytes, Error> {
    let read = lambda.deps.objects.read_object(cx, bucket, key, MAX_UNZIPPED_BYTES).await;
    read.map_err(|fault| match fault.status {
        500.. => Error::Fault(fault),
        403 => Error::Denied(nephos_core::Denied {
            message: format!(
                "Your access has been denied by S3, please make sure your request credentials have permission to \
                 GetObject for {bucket}/{key}. S3 Error Code: {}. S3 Error Message: {}",
                fault.code, fault.message
            ),
        }),
        _ => Error::InvalidParameter(format!(
            "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}",
            fault.code, fault.message
        )),
    })
}

/// A link to a version's code, good for ten minutes.
pub async fn location(
    lambda: &Lambda,
    cx: &Cx,
    function: &FunctionId,
    number: u64,
) -> Result<FunctionCodeLocation, Error> {
    let secret = secret(lambda).await?;
    let expires = cx.now().millis() + LINK_MILLIS;
    let FunctionId { owner: Owner { account, region }, name } = function;
    let path = format!("{account}/{region}/{name}/{number}/{expires}");
    let signature = random::hex(sign(&secret, &path).as_ref());
    Ok(FunctionCodeLocation {
        repository_type: Some("S3".to_owned()),
        location: Some(format!("{}{LINK_PATH}{path}/{signature}", cx.origin.url())),
        ..FunctionCodeLocation::default()
    })
}

fn sign(secret: &SecretRecord, path: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.key.as_bytes()), path.as_bytes())
}

async fn secret(lambda: &Lambda) -> Result<SecretRecord, Error> {
    if let Some(secret) = lambda.deps.store.read(|view| view.record(&keys::secret()))? {
        return Ok(secret);
    }
    let fresh = SecretRecord { key: random::hex(&random::bytes::<32>()) };
    let kept = lambda.deps.store.transact("lambda-link-secret", |tx| {
        if let Some(secret) = tx.record(&keys::secret())? {
            return Ok(secret);
        }
        tx.put_record(keys::secret(), &fresh)?;
        Ok::<_, Error>(fresh.clone())
    });
    kept.await
}

/// Answers a link: `path` is what stands behind [`LINK_PATH`].
pub async fn serve_code(lambda: &Lambda, path: &str) -> Response {
    match linked(lambda, path).await {
        Ok(Some(zip)) => {
            let mut response = Response::new(Body::from(zip));
            let content = http::HeaderValue::from_static("application/zip");
            response.headers_mut().insert(http::header::CONTENT_TYPE, content);
            response
        }
        Ok(None) => refused(http::StatusCode::FORBIDDEN),
        Err(error) => {
            tracing::warn!(%error, "a package could not be downloaded");
            refused(http::StatusCode::NOT_FOUND)
        }
    }
}

fn refused(status: http::StatusCode) -> Response {
    let mut response = Response::new(Body::from("This link is not valid or has expired.\n"));
    *response.status_mut() = status;
    response
}

/// The zip that a good link leads to.
async fn linked(lambda: &Lambda, path: &str) -> Result<Option<Bytes>, Error> {
    let Some((signed, signature)) = path.rsplit_once('/') else { return Ok(None) };
    let parts: Vec<&str> = signed.split('/').collect();
    let [account, region, name, number, expires] = parts[..] else { return Ok(None) };
    let expected = random::hex(sign(&secret(lambda).await?, signed).as_ref());
    let expires = expires.parse().map(Timestamp::from_millis).unwrap_or_default();
    let valid =
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_bytes(), signature.as_bytes()).is_ok();
    if !valid || lambda.deps.platform.clock.now() > expires {
        return Ok(None);
    }
    let (Ok(account), Ok(region), Ok(number)) = (account.parse(), region.parse(), number.parse()) else {
        return Ok(None);
    };
    let function = FunctionId { owner: Owner { account, region }, name: name.to_owned() };
    let version = lambda.deps.store.read(|view| resolve::version(view, &function, number))?;
    lambda.packages.zip(&version.code).await.map(Some)
}
