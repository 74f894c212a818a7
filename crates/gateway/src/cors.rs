//! Cross-origin requests to services, as AWS's own endpoints answer them: every origin may ask, because nothing is
//! given to a caller who has no signature. S3's buckets have rules of their own.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, HeaderMap,
    HeaderValue, ORIGIN, VARY,
};
use nephos_wire::{Body, Response};

/// What scripts may read of an answer.
const EXPOSED: &str = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date,x-amz-log-result,\
                       x-amz-function-error,x-amz-executed-version,x-amz-crc32,x-amz-request-id,x-amz-id-2";
const METHODS: &str = "GET,HEAD,POST,PUT,PATCH,DELETE";
/// What AWS's endpoints let browsers remember, in seconds.
const MAX_AGE_SECS: &str = "172800";

/// Answers a preflight request to a service.
pub(crate) fn preflight(asked: &HeaderMap) -> Response {
    let mut response = Response::new(Body::Empty);
    let headers = response.headers_mut();
    if asked.contains_key(ORIGIN) {
        expose(headers);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE_SECS));
        // A star does not cover Authorization, so what is asked for is repeated.
        if let Some(wanted) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
            headers.append(VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
        }
    }
    response
}

/// Lets scripts read an answer.
pub(crate) fn expose(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
}
