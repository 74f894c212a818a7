//! What stands round every operation: the integrity of bodies that are read whole, the lengths and trailers of streamed
//! ones, and the few answers whose status or form the model does not tell.

use bytes::Bytes;
use http::header::{
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use http::{Method, StatusCode};
use nephos_core::{Cx, Fault};
use nephos_wire::fault::host_id;
use nephos_wire::{Body, BodyError, Operation, Request, Response};

use crate::checksum::{self, Algorithm, Checksum};
use crate::checksum_members::parse_md5;
use crate::error::Error;
use crate::ingest::invalid_value;
use crate::{MODEL, ROWS, S3};

/// The largest document that a request may send. Ten thousand parts with their checksums fit.
const MAX_DOCUMENT_BYTES: u64 = 8 << 20;

const SDK_ALGORITHM: HeaderName = HeaderName::from_static("x-amz-sdk-checksum-algorithm");
const TRAILER: HeaderName = HeaderName::from_static("x-amz-trailer");
const DECODED_LENGTH: HeaderName = HeaderName::from_static("x-amz-decoded-content-length");
const CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// Carries out one operation.
pub async fn call(s3: &S3, cx: &Cx, operation: &'static Operation, mut request: Request) -> Response {
    let method = request.method.clone();
    let prepared = if operation.streaming_input {
        prepare_stream(&mut request)
    } else {
        check_document(operation, &mut request).await
    };
    let mut response = match prepared {
        Ok(()) => nephos_wire::service::dispatch(s3, &MODEL, ROWS, cx, operation, request).await,
        Err(error) => nephos_wire::fault::response(&MODEL, &Fault::from(error), &cx.request_id),
    };
    finish(cx, operation, &method, &mut response);
    response
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(|value| value.trim().to_owned())
}

/// Makes the headers of a streamed body say what the handler needs: its own length, and what its trailer carries.
fn prepare_stream(request: &mut Request) -> Result<(), Error> {
    let headers = &mut request.headers;
    if let Some(length) = headers.remove(DECODED_LENGTH) {
        headers.insert(CONTENT_LENGTH, length);
    } else if text(headers, &CONTENT_SHA256).is_some_and(|it| it.starts_with("STREAMING-")) {
        return Err(Error::MissingContentLength);
    }
    let chunked = headers.contains_key(TRANSFER_ENCODING) && !headers.contains_key(CONTENT_LENGTH);
    if chunked {
        return Err(Error::MissingContentLength);
    }
    let trailer = text(headers, &TRAILER).unwrap_or_default();
    if trailer.is_empty() {
        return Ok(());
    }
    let named = Algorithm::ALL.into_iter().find(|algorithm| trailer.eq_ignore_ascii_case(algorithm.header()));
    let Some(algorithm) = named else {
        return Err(Error::request("The value specified in the x-amz-trailer header is not supported"));
    };
    if !headers.contains_key(SDK_ALGORITHM) {
        headers.insert(SDK_ALGORITHM, HeaderValue::from_static(algorithm.name()));
    }
    Ok(())
}

/// Reads a document whole and checks it against what the headers say of it.
async fn check_document(operation: &Operation, request: &mut Request) -> Result<(), Error> {
    let body = std::mem::take(&mut request.body);
    let (bytes, trailers) =
        body.collect_with_trailers(MAX_DOCUMENT_BYTES).await.map_err(|error| match error {
            BodyError::TooLarge { .. } => {
                Error::Fault(Box::new(Fault::new("MaxMessageLengthExceeded", "Your request was too big.")))
            }
            other => Error::from(other),
        })?;
    let verified = verify(operation, &request.headers, trailers.as_ref(), &bytes)?;
    if operation.name == "DeleteObjects" && !verified {
        return Err(Error::request(
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
        ));
    }
    request.body = Body::from(bytes);
    Ok(())
}

/// Whether something was said of the document, and holds.
fn verify(
    operation: &Operation,
    headers: &HeaderMap,
    trailers: Option<&HeaderMap>,
    bytes: &Bytes,
) -> Result<bool, Error> {
    let mut verified = false;
    if let Some(given) = text(headers, &CONTENT_MD5) {
        let (expected, actual) = (parse_md5(&given)?, checksum::of(Algorithm::Md5, bytes));
        if actual.value != expected {
            return Err(Error::BadDigest { expected: given, calculated: actual.base64() });
        }
        verified = true;
    }
    // There the checksum is the object's, not the document's.
    if operation.name == "CompleteMultipartUpload" {
        return Ok(verified);
    }
    for algorithm in Algorithm::ALL {
        let name = HeaderName::from_static(algorithm.header());
        let given = text(headers, &name).or_else(|| trailers.and_then(|trailers| text(trailers, &name)));
        let Some(given) = given else { continue };
        let claimed =
            Checksum::parse(algorithm, &given).ok_or_else(|| Error::request(invalid_value(algorithm)))?;
        if checksum::of(algorithm, bytes) != claimed {
            return Err(Error::ChecksumMismatch(algorithm.name()));
        }
        verified = true;
    }
    Ok(verified)
}

/// What the model does not say of answers.
fn finish(cx: &Cx, operation: &Operation, method: &Method, response: &mut Response) {
    let success = response.status() == StatusCode::OK;
    if success && response.headers().contains_key(CONTENT_RANGE) {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    match operation.name {
        "PutBucketPolicy" if success => *response.status_mut() = StatusCode::NO_CONTENT,
        "GetBucketPolicy" if success => {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        _ => {}
    }
    let failed = !response.status().is_success();
    if response.status() == StatusCode::NOT_MODIFIED || failed && method == Method::HEAD {
        *response.body_mut() = Body::Empty;
        response.headers_mut().remove(CONTENT_TYPE);
    }
    stamp(cx, response.headers_mut());
}

/// The two ids that every answer carries.
pub fn stamp(cx: &Cx, headers: &mut HeaderMap) {
    let ids = [("x-amz-request-id", cx.request_id.to_string()), ("x-amz-id-2", host_id(&cx.request_id))];
    for (name, id) in ids {
        if let Ok(value) = HeaderValue::from_str(&id) {
            headers.entry(name).or_insert(value);
        }
    }
}
