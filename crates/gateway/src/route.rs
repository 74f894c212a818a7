//! Where a request goes: one table, read from top to bottom; the first row that knows the request decides.
//!
//! Host before path, path before target header, target before credential scope, scope before form, form before REST
//! path, and S3's path style last. The credential scope only ever finds a *service*, and the service found must then
//! accept the scope; which operation it is, and so which IAM action, never depends on it.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method};
use nephos_sigv4::uri;
use nephos_wire::{Place, Protocol};

use crate::host::HostName;
use crate::registry::{Registry, ServiceId};

/// What a row may look at.
pub struct Ask<'a> {
    /// The method.
    pub method: &'a Method,
    /// What the host stands for.
    pub host: HostName<'a>,
    /// The path, percent-encoded.
    pub path: &'a str,
    /// The query string.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What there is to go to.
    pub registry: &'a Registry,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route<'a> {
    /// The platform's health, in our form or in the form that migration scripts poll.
    Health {
        /// Whether in the latter.
        localstack: bool,
    },
    /// A place.
    Visit {
        /// Its kind.
        place: Place,
        /// What the address names.
        name: &'a str,
        /// The region that the address names.
        region: Option<&'a str>,
        /// How many bytes of the path belong to the address.
        base_len: usize,
    },
    /// A service.
    Service {
        /// Which.
        service: ServiceId,
        /// The bucket of a virtual host.
        bucket: Option<&'a str>,
        /// The region that the host names.
        region: Option<&'a str>,
    },
    /// An unsigned form, whose `Action` and `Version` must say.
    Form,
    /// A service that Nephos does not have.
    UnknownService {
        /// Its name, as the request has it.
        name: Cow<'a, str>,
        /// The protocol that the request speaks.
        protocol: Protocol,
    },
}

/// A row: what it recognises, and how.
type Row = (&'static str, for<'a> fn(&Ask<'a>) -> Option<Route<'a>>);

/// The table.
pub const TABLE: &[Row] = &[
    ("a bucket's website by host", website_host),
    ("a function URL by host", function_url_host),
    ("hosted sign-in pages by host", sign_in_host),
    ("a browser upload", upload),
    ("S3 by host", s3_host),
    ("a user pool's documents", user_pool),
    ("a service by host", service_host),
    ("a bucket by host", bucket_host),
    ("health", health),
    ("the platform's own paths", platform),
    ("a bucket's website by path", website_path),
    ("a function URL by path", function_url_path),
    ("a link to a function's code", function_code),
    ("hosted sign-in pages by path", sign_in_path),
    ("the target header", target),
    ("the credential scope", scope),
    ("an unsigned form", form),
    ("a REST service's path", rest_path),
    ("S3 in path style", s3_path),
];

/// Finds the way, and the name of the row that knew it.
pub fn route<'a>(ask: &Ask<'a>) -> (&'static str, Route<'a>) {
    for (name, row) in TABLE {
        if let Some(route) = row(ask) {
            return (name, route);
        }
    }
    ("nothing", Route::UnknownService { name: Cow::Borrowed("s3"), protocol: Protocol::RestXml })
}

fn by_host<'a>(place: Place, name: &'a str, region: Option<&'a str>) -> Option<Route<'a>> {
    Some(Route::Visit { place, name, region, base_len: 0 })
}

fn website_host<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    let HostName::Website { bucket, region } = ask.host else { return None };
    by_host(Place::Website, bucket, region)
}

fn function_url_host<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    let HostName::FunctionUrl { id, region } = ask.host else { return None };
    by_host(Place::FunctionUrl, id, region)
}

fn sign_in_host<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    let HostName::SignIn { domain, region } = ask.host else { return None };
    by_host(Place::SignIn, domain, region)
}

fn s3_host<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    let HostName::S3 { bucket, region } = ask.host else { return None };
    Some(Route::Service { service: ask.registry.s3()?, bucket, region })
}

fn upload<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    if *ask.method != Method::POST || !has_content_type(ask, "multipart/form-data") {
        return None;
    }
    ask.registry.site(Place::Upload)?;
    let whole = ask.path.len();
    let (name, region, base_len) = match ask.host {
        HostName::S3 { bucket: Some(bucket), region } if ask.path == "/" => (bucket, region, 0),
        HostName::Other { bucket: Some(bucket), region: None, prefix }
            if ask.path == "/" && ask.registry.by_endpoint(prefix).is_none() =>
        {
            (bucket, None, 0)
        }
        HostName::S3 { bucket: None, region } => (only_segment(ask.path)?, region, whole),
        HostName::Plain => (only_segment(ask.path)?, None, whole),
        _ => return None,
    };
    Some(Route::Visit { place: Place::Upload, name, region, base_len })
}

fn only_segment(path: &str) -> Option<&str> {
    let segment = path.strip_prefix('/')?;
    let segment = segment.strip_suffix('/').unwrap_or(segment);
    (!segment.is_empty() && !segment.contains('/') && !segment.starts_with('_')).then_some(segment)
}

fn user_pool<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    let (pool, rest) = ask.path.strip_prefix('/')?.split_once('/')?;
    let (region, id) = pool.split_once('_')?;
    let names_a_pool = !id.is_empty()
        && id.bytes().all(|b| b.is_ascii_alphanumeric())
        && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && region.contains('-');
    (names_a_pool && rest.starts_with(".well-known/")).then_some(Route::Visit {
        place: Place::UserPool,
        name: pool,
        region: Some(region),
        base_len: pool.len() + 1,
    })
}

fn service_host<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    let HostName::Other { prefix, region, .. } = ask.host else { return None };
    Some(Route::Service { service: ask.registry.by_endpoint(prefix)?, bucket: None, region })
}

/// `BUCKET.localhost`; but a name that looks so and is signed for, or aimed at, another service is no bucket's.
fn bucket_host<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    let HostName::Other { bucket: Some(bucket), .. } = ask.host else { return None };
    let s3 = ask.registry.s3()?;
    let foreign =
        scope_service(ask.headers, ask.query).is_some_and(|s| ask.registry.by_scope(&s) != Some(s3));
    if foreign || ask.headers.contains_key("x-amz-target") {
        return None;
    }
    Some(Route::Service { service: s3, bucket: Some(bucket), region: None })
}

fn health<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    match ask.path {
        "/_nephos/health" => Some(Route::Health { localstack: false }),
        "/_localstack/health" => Some(Route::Health { localstack: true }),
        _ => None,
    }
}

fn platform<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    ask.path.starts_with("/_nephos/").then_some(Route::Visit {
        place: Place::Platform,
        name: "",
        region: None,
        base_len: 0,
    })
}

/// `PREFIX NAME / REST`, in which the address ends before the slash.
fn by_path<'a>(ask: &Ask<'a>, prefix: &'static str, place: Place) -> Option<Route<'a>> {
    let rest = ask.path.strip_prefix(prefix)?;
    let name = rest.split('/').next().filter(|name| !name.is_empty())?;
    Some(Route::Visit { place, name, region: None, base_len: prefix.len() + name.len() })
}

fn website_path<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    by_path(ask, "/_website/", Place::Website)
}

fn function_url_path<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    by_path(ask, "/_function-url/", Place::FunctionUrl)
}

fn function_code<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    let prefix = "/_function-code";
    let is_below = ask.path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
    let place = Place::FunctionCode;
    is_below.then_some(Route::Visit { place, name: "", region: None, base_len: prefix.len() })
}

fn sign_in_path<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    by_path(ask, "/_auth/", Place::SignIn)
}

fn plain_service<'a>(service: ServiceId) -> Option<Route<'a>> {
    Some(Route::Service { service, bucket: None, region: None })
}

fn target<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    let target = ask.headers.get("x-amz-target")?.to_str().ok()?;
    let prefix = target.rsplit_once('.').map_or(target, |(prefix, _)| prefix);
    match ask.registry.by_target(prefix) {
        Some(service) => plain_service(service),
        None => Some(Route::UnknownService { name: Cow::Borrowed(prefix), protocol: Protocol::AwsJson11 }),
    }
}

fn scope<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    let name = scope_service(ask.headers, ask.query)?;
    match ask.registry.by_scope(&name) {
        Some(service) => plain_service(service),
        None => Some(Route::UnknownService { name, protocol: spoken(ask) }),
    }
}

/// The service that the credential names, read leniently: whether the signature is well-formed is for later.
fn scope_service<'a>(headers: &'a HeaderMap, query: &'a str) -> Option<Cow<'a, str>> {
    let service_of = |credential: &str| {
        let mut parts = credential.rsplit('/');
        parts.next();
        parts.next().filter(|name| !name.is_empty()).map(str::len)
    };
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some((_, rest)) =
        header.filter(|h| h.starts_with("AWS4")).and_then(|h| h.split_once("Credential="))
    {
        let credential = rest.split([',', ' ']).next()?;
        let end = credential.rfind('/')?;
        let length = service_of(credential)?;
        return Some(Cow::Borrowed(&credential[end - length..end]));
    }
    let (_, raw) = uri::raw_pairs(query.as_bytes()).find(|(name, _)| *name == b"X-Amz-Credential")?;
    let credential = String::from_utf8(uri::decode_query(raw).into_owned()).ok()?;
    let (end, length) = (credential.rfind('/')?, service_of(&credential)?);
    Some(Cow::Owned(credential[end - length..end].to_owned()))
}

/// The protocol that a request to an unknown service seems to speak.
fn spoken(ask: &Ask<'_>) -> Protocol {
    if has_content_type(ask, "application/x-www-form-urlencoded") || ask.query.contains("Action=") {
        Protocol::Query
    } else if has_content_type(ask, "application/xml") {
        Protocol::RestXml
    } else {
        Protocol::RestJson
    }
}

fn has_content_type(ask: &Ask<'_>, expected: &str) -> bool {
    let content_type = ask.headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    content_type
        .and_then(|value| value.get(..expected.len()))
        .is_some_and(|start| start.eq_ignore_ascii_case(expected.as_bytes()))
}

fn form<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    if ask.path != "/" {
        return None;
    }
    let by_query = uri::raw_pairs(ask.query.as_bytes()).any(|(name, _)| name == b"Action");
    let by_body = *ask.method == Method::POST && has_content_type(ask, "application/x-www-form-urlencoded");
    (by_query || by_body).then_some(Route::Form)
}

fn rest_path<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    let segment = ask.path.strip_prefix('/')?.split('/').next()?;
    plain_service(ask.registry.by_first_segment(segment)?)
}

fn s3_path<'a>(ask: &Ask<'a>) -> Option<Route<'a>> {
    plain_service(ask.registry.s3()?)
}
