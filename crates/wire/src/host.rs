//! What comes to the platform by its address and not by an operation: websites, function URLs, hosted sign-in pages,
//! a user pool's documents, browser uploads. Services implement [`HostHandler`]; the gateway finds the [`Place`] that
//! a request's host or path names and calls it.

use http::{HeaderMap, Method};
use nephos_core::{BoxFuture, Cx, Fault, Region};

use crate::body::Body;
use crate::service::Response;

/// The kinds of address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// A bucket's website: `BUCKET.s3-website.localhost`, or `/_website/BUCKET/...`. The name is the bucket.
    Website,
    /// A function URL: `ID.lambda-url.REGION.localhost`, or `/_function-url/ID/...`. The name is the id.
    FunctionUrl,
    /// A link to a function's code: `/_function-code/...`. The name is empty; the path starts behind the prefix.
    FunctionCode,
    /// A user pool's hosted pages: `DOMAIN.auth.REGION.localhost`, or `/_auth/DOMAIN/...`. The name is the domain.
    SignIn,
    /// A user pool's public documents: `/POOL/.well-known/...`. The name is the pool's id; the path starts at
    /// `/.well-known/`.
    UserPool,
    /// A browser's form upload: `POST` of `multipart/form-data` to a bucket. The name is the bucket. The handler
    /// verifies the form's own signature.
    Upload,
    /// The platform's own paths: `/_nephos/...`, except for its health. The name is empty; the path starts at
    /// `/_nephos/`.
    Platform,
}

/// A request that came by its address.
#[derive(Debug)]
pub struct Visit {
    /// What the address names.
    pub name: String,
    /// The region that the address names, if it does.
    pub region: Option<Region>,
    /// What was cut off the path, without a slash at the end: empty where the host was the address. Links and
    /// redirects that an answer carries begin with it.
    pub base: String,
    /// The method.
    pub method: Method,
    /// The path below the address, percent-encoded as it came, with its leading slash.
    pub path: String,
    /// The query string as it came, without `?`.
    pub query: String,
    /// The headers. Where a signature was verified, it and its token are taken out.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}

/// What a visit must show of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Nothing; a signature is not looked at, and the caller is anonymous.
    Open,
    /// A valid signature for the service with this signing name. Its absence is a refusal. The body is read whole
    /// and at most as long as given, in bytes.
    Signed {
        /// The signing name that the credential's scope must carry.
        service: &'static str,
        /// The longest body, in bytes.
        max_body_bytes: u64,
    },
}

/// Answers the requests to one kind of address.
pub trait HostHandler: Send + Sync {
    /// What the visit must show, asked before its body is read (which is empty here). `cx` is anonymous. An `Err` is
    /// the whole answer: there is no such website, function URL or pool.
    fn admission<'a>(&'a self, cx: &'a Cx, visit: &'a Visit) -> BoxFuture<'a, Result<Admission, Response>> {
        let _ = (cx, visit);
        Box::pin(std::future::ready(Ok(Admission::Open)))
    }

    /// Answers. Cross-origin headers and preflight requests (`OPTIONS`) are the handler's own.
    fn visit<'a>(&'a self, cx: &'a Cx, visit: Visit) -> BoxFuture<'a, Response>;

    /// The answer to a visit whose signature is missing or wrong, in the place's own form.
    fn refuse(&self, cx: &Cx, fault: &Fault) -> Response;
}

/// A bucket's own cross-origin rules, for S3's operations. Implemented by `s3`.
pub trait BucketCors: Send + Sync {
    /// Answers a preflight request to a bucket, or to one of its objects if `key` is given.
    fn preflight<'a>(
        &'a self,
        cx: &'a Cx,
        bucket: &'a str,
        key: Option<&'a str>,
        headers: &'a HeaderMap,
    ) -> BoxFuture<'a, Response>;

    /// The headers that the answer to an actual request with an `Origin` gets, refusals included; none where no rule
    /// fits. `cx` is anonymous: browsers' rules do not depend on who signs.
    fn answer_headers<'a>(
        &'a self,
        cx: &'a Cx,
        bucket: &'a str,
        method: &'a Method,
        headers: &'a HeaderMap,
    ) -> BoxFuture<'a, HeaderMap>;
}
