//! One request to a website, from path to page.

use std::sync::Arc;

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH,
    CONTENT_RANGE, CONTENT_TYPE, ETAG, EXPIRES, HeaderMap, HeaderName, HeaderValue, IF_MATCH,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED, LOCATION, ORIGIN, RANGE,
};
use http::{Method, StatusCode};
use nephos_core::{BoxFuture, Cx, Fault, Principal, Timestamp};
use nephos_wire::fault::host_id;
use nephos_wire::form;
use nephos_wire::{Body, HostHandler, Response, Visit};

use crate::S3;
use crate::access::{admit, refusal, to_object, with_existing_tags};
use crate::conditions::Conditions;
use crate::content::Found;
use crate::cors;
use crate::edge::stamp;
use crate::error::{Error, Missing};
use crate::object_headers::encoded_metadata;
use crate::ranges::{self, Wanted};
use crate::read_object::preflight;
use crate::records::{Bucket, Object};
use crate::website::config::{Pages, Website};
use crate::website::pages::{Told, render};
use crate::website::rules::{Here, Target};

/// All buckets' websites.
pub struct Websites {
    s3: Arc<S3>,
}

impl Websites {
    /// The websites of `s3`.
    pub fn new(s3: Arc<S3>) -> Websites {
        Websites { s3 }
    }
}

impl HostHandler for Websites {
    fn visit<'a>(&'a self, cx: &'a Cx, visit: Visit) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            let cx = cx.as_principal(Principal::Anonymous);
            // Nobody sends a website a body.
            let Visit { name, base, method, path, query, headers, .. } = visit;
            let asked = Asked { name, base, method, path, query, headers };
            let mut response = match asked.method {
                Method::OPTIONS => answer_preflight(&self.s3, &cx, &asked),
                Method::GET | Method::HEAD => Visitor { s3: &self.s3, cx: &cx, asked: &asked }.serve().await,
                _ => page(&cx, &Told::method(asked.method.as_str()), None),
            };
            if asked.method == Method::HEAD {
                keep_length(&mut response);
                *response.body_mut() = Body::Empty;
            }
            stamp(&cx, response.headers_mut());
            response
        })
    }

    fn refuse(&self, cx: &Cx, fault: &Fault) -> Response {
        page(cx, &Told::of(Error::Fault(Box::new(fault.clone()))), None)
    }
}

/// A request without its body.
struct Asked {
    name: String,
    base: String,
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
}

fn answer_preflight(s3: &S3, cx: &Cx, asked: &Asked) -> Response {
    match preflight(s3, &asked.name, asked.path.len() > 1, &asked.headers) {
        Ok(headers) => {
            let mut response = Response::new(Body::Empty);
            *response.headers_mut() = headers;
            response
        }
        Err(error) => page(cx, &Told::of(error), None),
    }
}

/// A HEAD's answer says how long the body would be.
fn keep_length(response: &mut Response) {
    if let Some(length) = response.body().length() {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(name, value);
    }
}

/// An error as a page, with the headers that name it.
fn page(cx: &Cx, told: &Told, second: Option<&Told>) -> Response {
    let html = render(told, second, cx.request_id.as_str(), &host_id(&cx.request_id));
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = told.status;
    put(response.headers_mut(), CONTENT_TYPE, "text/html; charset=utf-8");
    name_error(response.headers_mut(), told);
    response
}

fn name_error(headers: &mut HeaderMap, told: &Told) {
    put(headers, HeaderName::from_static("x-amz-error-code"), &told.code);
    put(headers, HeaderName::from_static("x-amz-error-message"), &told.message);
    for (name, value) in &told.members {
        if let Ok(name) = HeaderName::from_bytes(format!("x-amz-error-detail-{name}").as_bytes()) {
            put(headers, name, value);
        }
    }
}

fn redirect(target: &Target) -> Response {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::from_u16(target.code).unwrap_or(StatusCode::MOVED_PERMANENTLY);
    put(response.headers_mut(), LOCATION, &target.location);
    response
}

/// One GET or HEAD.
struct Visitor<'a> {
    s3: &'a S3,
    cx: &'a Cx,
    asked: &'a Asked,
}

impl Visitor<'_> {
    async fn serve(&self) -> Response {
        let bucket = match self.bucket() {
            Ok(bucket) => bucket,
            Err(error) => return page(self.cx, &Told::of(error), None),
        };
        let key = self.key();
        let mut response = match &bucket.website {
            None => {
                let error = Error::NoSuchConfiguration(Missing::Website, bucket.name.clone());
                page(self.cx, &Told::of(error), None)
            }
            Some(Website::Elsewhere { host, protocol }) => {
                redirect(&self.here().elsewhere(host, *protocol, &key))
            }
            Some(Website::Pages(pages)) => self.show(&bucket, pages, &key).await,
        };
        if self.asked.headers.contains_key(ORIGIN) {
            let rules = bucket.cors.as_deref().unwrap_or_default();
            let method = self.asked.method.as_str();
            response.headers_mut().extend(cors::answer_headers(rules, method, &self.asked.headers));
        }
        response
    }

    fn bucket(&self) -> Result<Arc<Bucket>, Error> {
        let found = self.s3.store.read(|view| self.s3.catalog.find(view, &self.asked.name))?;
        found.ok_or_else(|| Error::NoSuchBucket(self.asked.name.clone()))
    }

    fn key(&self) -> String {
        let path = &self.asked.path;
        form::decode_path(path.strip_prefix('/').unwrap_or(path))
    }

    fn here(&self) -> Here<'_> {
        Here {
            scheme: self.cx.origin.scheme,
            host: &self.cx.origin.authority,
            base: &self.asked.base,
            query: &self.asked.query,
        }
    }

    async fn show(&self, bucket: &Bucket, pages: &Pages, key: &str) -> Response {
        if let Some(target) = pages.before(key, self.here()) {
            return redirect(&target);
        }
        let folder = key.is_empty() || key.ends_with('/');
        let name = if folder { format!("{key}{}", pages.index) } else { key.to_owned() };
        let error = match self.answer(bucket, &name).await {
            Ok(response) => return response,
            Err(error @ Error::NotModified { .. }) => return not_modified(error),
            Err(error) => error,
        };
        let lost = matches!(error, Error::NoSuchKey(_) | Error::AccessDenied(_) | Error::KeyTooLong { .. });
        if lost && !folder && self.find(bucket, &format!("{key}/{}", pages.index), false).is_ok() {
            let location = format!("{}/{}/", self.asked.base, form::encode_path(key));
            return redirect(&Target { code: 302, location });
        }
        self.fail(bucket, pages, key, error).await
    }

    /// The answer to a request that met an error: a rule's redirect, the error document, or a page of ours.
    async fn fail(&self, bucket: &Bucket, pages: &Pages, key: &str, error: Error) -> Response {
        let told = Told::of(error);
        if let Some(target) = pages.after(key, told.status.as_u16(), self.here()) {
            return redirect(&target);
        }
        let document = pages.error.as_deref().filter(|_| told.status.is_client_error());
        let Some(document) = document else { return page(self.cx, &told, None) };
        match self.document(bucket, document).await {
            Ok(mut response) => {
                *response.status_mut() = told.status;
                name_error(response.headers_mut(), &told);
                response
            }
            Err(second) => page(self.cx, &told, Some(&Told::of(second))),
        }
    }

    /// The error document, whole and unconditionally.
    async fn document(&self, bucket: &Bucket, key: &str) -> Result<Response, Error> {
        let found = self.find(bucket, key, true)?;
        self.whole(found, &Wanted::Whole).await
    }

    /// An object that everybody may read.
    fn find(&self, bucket: &Bucket, key: &str, bytes: bool) -> Result<Found, Error> {
        admit(self.cx, bucket, None)?;
        let access = to_object("s3:GetObject", bucket, key);
        let access = with_existing_tags(self.s3, bucket, key, access)?;
        self.cx.authorize(&access).map_err(|denied| refusal(self.cx, denied))?;
        let found = self.s3.store.read(|view| self.s3.find(view, bucket.id, key, bytes))?;
        found.ok_or_else(|| self.s3.absent(self.cx, bucket, key))
    }

    async fn answer(&self, bucket: &Bucket, key: &str) -> Result<Response, Error> {
        let found = self.find(bucket, key, self.asked.method == Method::GET)?;
        if let Some(location) = &found.object.headers.redirect {
            let location = match location.strip_prefix('/') {
                Some(_) => format!("{}{location}", self.asked.base),
                None => location.clone(),
            };
            return Ok(redirect(&Target { code: 301, location }));
        }
        let text = |name| self.asked.headers.get(name).and_then(|value| value.to_str().ok());
        let conditions = Conditions {
            if_match: text(IF_MATCH),
            if_none_match: text(IF_NONE_MATCH),
            if_modified_since: text(IF_MODIFIED_SINCE).and_then(Timestamp::parse_http_date),
            if_unmodified_since: text(IF_UNMODIFIED_SINCE).and_then(Timestamp::parse_http_date),
        };
        conditions.check(&found.object)?;
        let wanted = ranges::parse(text(RANGE), found.object.size)?;
        self.whole(found, &wanted).await
    }

    async fn whole(&self, found: Found, wanted: &Wanted) -> Result<Response, Error> {
        let stretch = wanted.stretch(found.object.size);
        let mut headers = object_headers(&found.object);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(stretch.end - stretch.start));
        let mut response = Response::new(Body::Empty);
        if let Some(range) = wanted.content_range(found.object.size) {
            put(&mut headers, CONTENT_RANGE, &range);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        *response.headers_mut() = headers;
        if self.asked.method == Method::GET {
            *response.body_mut() = self.s3.open(found, stretch).await?;
        }
        Ok(response)
    }
}

fn object_headers(object: &Object) -> HeaderMap {
    let mut out = HeaderMap::with_capacity(16);
    let given = &object.headers;
    let named = [
        (CACHE_CONTROL, &given.cache_control),
        (CONTENT_DISPOSITION, &given.content_disposition),
        (CONTENT_ENCODING, &given.content_encoding),
        (CONTENT_LANGUAGE, &given.content_language),
        (EXPIRES, &given.expires),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            put(&mut out, name, value);
        }
    }
    put(&mut out, CONTENT_TYPE, given.content_type());
    put(&mut out, ETAG, &object.quoted_etag());
    put(&mut out, LAST_MODIFIED, &object.modified.http_date());
    out.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    for (name, value) in encoded_metadata(&given.metadata).into_iter().flatten() {
        if let Ok(name) = HeaderName::from_bytes(format!("x-amz-meta-{name}").as_bytes()) {
            put(&mut out, name, &value);
        }
    }
    out
}

fn not_modified(error: Error) -> Response {
    let fault = Fault::from(error);
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    for (name, value) in fault.headers {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            put(response.headers_mut(), name, &value);
        }
    }
    response
}
