//! The `Host` header: which name and port a client used, and what that name stands for.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::HOST;
use http::request::Parts;

/// A `Host` that was not there, came twice, or is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected one Host header with a name and perhaps a port")]
pub struct BadHost;

/// Gives a request of HTTP/2, or in absolute form, its `Host` header, and refuses what is no host.
pub fn normalize(parts: &mut Parts) -> Result<(), BadHost> {
    if let Some(authority) = parts.uri.authority() {
        let named = authority.as_str();
        match only_host(&parts.headers) {
            Some(host) if host.eq_ignore_ascii_case(named) => {}
            Some(_) => return Err(BadHost),
            None if parts.headers.contains_key(HOST) => return Err(BadHost),
            None => {
                let value = named.parse().map_err(|_| BadHost)?;
                parts.headers.insert(HOST, value);
            }
        }
    }
    only_host(&parts.headers).map(drop).ok_or(BadHost)
}

/// The one well-formed `Host` header.
pub fn only_host(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(HOST).iter();
    let first = values.next()?.to_str().ok()?;
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':' | b'[' | b']');
    (values.next().is_none() && !first.is_empty() && first.len() <= 300 && first.bytes().all(legal))
        .then_some(first)
}

/// A host's name without its port, brackets and final dot, in lower case.
pub fn name_of(host: &str) -> Cow<'_, str> {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        },
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        return Cow::Owned(name.to_ascii_lowercase());
    }
    Cow::Borrowed(name)
}

/// What a host's name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostName<'a> {
    /// The platform itself, or a name that says nothing: the path decides.
    Plain,
    /// `BUCKET.s3-website.…`
    Website {
        /// The bucket.
        bucket: &'a str,
        /// The region, if named.
        region: Option<&'a str>,
    },
    /// `s3.…` or `BUCKET.s3.…`
    S3 {
        /// The bucket of a virtual host.
        bucket: Option<&'a str>,
        /// The region, if named.
        region: Option<&'a str>,
    },
    /// `ID.lambda-url.REGION.…`
    FunctionUrl {
        /// The id.
        id: &'a str,
        /// The region, if named.
        region: Option<&'a str>,
    },
    /// `DOMAIN.auth.REGION.…`
    SignIn {
        /// The domain's prefix.
        domain: &'a str,
        /// The region, if named.
        region: Option<&'a str>,
    },
    /// Some other name below ours: perhaps a service's endpoint, else, below `localhost` only, a bucket.
    Other {
        /// What stands before the region, or all of it.
        prefix: &'a str,
        /// The region, if named.
        region: Option<&'a str>,
        /// The whole name, where it may be a bucket's.
        bucket: Option<&'a str>,
    },
}

/// The names below which virtual hosts are recognised, besides the configured ones.
const BASES: [&str; 4] = ["localhost", "amazonaws.com", "on.aws", "amazoncognito.com"];

/// Reads a host's name (as [`name_of`] gives it). `public_names` are further bases.
pub fn read<'a>(name: &'a str, public_names: &[String]) -> HostName<'a> {
    let bases = BASES.iter().copied().chain(public_names.iter().map(String::as_str));
    for base in bases {
        let Some(prefix) = name.strip_suffix(base).and_then(|rest| rest.strip_suffix('.')) else { continue };
        return read_prefix(prefix, base == "localhost");
    }
    HostName::Plain
}

/// A host without what stands before the platform's own name: `localhost:4566` of `b.s3.localhost:4566`. AWS's names
/// and those that say nothing stay as they are. `host` may have a port.
pub fn base_of<'a>(host: &'a str, public_names: &[String]) -> &'a str {
    let name = name_of(host);
    let ours = std::iter::once("localhost").chain(public_names.iter().map(String::as_str));
    for base in ours {
        let before = name.strip_suffix(base).and_then(|rest| rest.strip_suffix('.'));
        if let Some(base) = before.and_then(|before| host.get(before.len() + 1..)) {
            return base;
        }
    }
    host
}

/// The last label and what stands before it.
fn last_label(text: &str) -> (&str, &str) {
    text.rsplit_once('.').unwrap_or(("", text))
}

fn read_prefix(prefix: &str, may_be_bucket: bool) -> HostName<'_> {
    let (before, last) = last_label(prefix);
    if let Some(found) = read_kind(before, last, None) {
        return found;
    }
    for (word, website) in [("s3-website-", true), ("s3-", false)] {
        if let Some(region) = last.strip_prefix(word) {
            let region = is_region(region).then_some(region);
            let kind = if website { "s3-website" } else { "s3" };
            return read_kind(before, kind, region).unwrap_or(HostName::Plain);
        }
    }
    let bucket = (may_be_bucket && is_bucket(prefix)).then_some(prefix);
    if !is_region(last) || before.is_empty() {
        return HostName::Other { prefix, region: None, bucket };
    }
    let before = before.strip_suffix(".dualstack").unwrap_or(before);
    let (outer, kind) = last_label(before);
    let other = HostName::Other { prefix: before, region: Some(last), bucket: None };
    read_kind(outer, kind, Some(last)).unwrap_or(other)
}

fn read_kind<'a>(before: &'a str, kind: &str, region: Option<&'a str>) -> Option<HostName<'a>> {
    let named = !before.is_empty();
    match kind {
        "s3" => Some(HostName::S3 { bucket: named.then_some(before), region }),
        "s3-website" if named => Some(HostName::Website { bucket: before, region }),
        "lambda-url" if named => Some(HostName::FunctionUrl { id: before, region }),
        "auth" if named => Some(HostName::SignIn { domain: before, region }),
        _ => None,
    }
}

/// `us-east-1`, `us-gov-west-1`: at least two hyphens and a digit at the end.
fn is_region(text: &str) -> bool {
    text.bytes().filter(|b| *b == b'-').count() >= 2
        && text.bytes().last().is_some_and(|b| b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_bucket(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    (3..=63).contains(&text.len()) && text.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_port_brackets_and_case() {
        for (host, name) in [
            ("localhost", "localhost"),
            ("LOCALHOST:4566", "localhost"),
            ("localhost.:4566", "localhost"),
            ("127.0.0.1:1", "127.0.0.1"),
            ("[::1]:4566", "::1"),
            ("[::1]", "::1"),
        ] {
            assert_eq!(name_of(host), name, "{host}");
        }
    }

    #[test]
    fn urls_are_built_on_the_platforms_own_name() {
        let public = ["cloud.example.org".to_owned()];
        for (host, base) in [
            ("localhost:4566", "localhost:4566"),
            ("b.s3.localhost:4566", "localhost:4566"),
            ("B.S3.Localhost", "Localhost"),
            ("sts.cloud.example.org:80", "cloud.example.org:80"),
            ("127.0.0.1:4566", "127.0.0.1:4566"),
            ("[::1]:4566", "[::1]:4566"),
            ("s3.amazonaws.com", "s3.amazonaws.com"),
        ] {
            assert_eq!(base_of(host, &public), base, "{host}");
        }
    }

    #[test]
    fn every_virtual_host_is_recognised() {
        use HostName::*;
        let public = ["cloud.example.org".to_owned()];
        let region = Some("eu-west-1");
        let other = |prefix, region, bucket| Other { prefix, region, bucket };
        for (name, expected) in [
            ("localhost", Plain),
            ("127.0.0.1", Plain),
            ("nephos", Plain),
            ("cloud.example.org", Plain),
            ("notlocalhost", Plain),
            ("b.s3-website.localhost", Website { bucket: "b", region: None }),
            ("a.b.s3-website.localhost", Website { bucket: "a.b", region: None }),
            ("b.s3-website.eu-west-1.localhost", Website { bucket: "b", region }),
            ("b.s3-website-eu-west-1.amazonaws.com", Website { bucket: "b", region }),
            ("b.s3-website.cloud.example.org", Website { bucket: "b", region: None }),
            ("s3.localhost", S3 { bucket: None, region: None }),
            ("s3.eu-west-1.amazonaws.com", S3 { bucket: None, region }),
            ("b.s3.localhost", S3 { bucket: Some("b"), region: None }),
            ("a.b.s3.amazonaws.com", S3 { bucket: Some("a.b"), region: None }),
            ("b.s3.eu-west-1.localhost", S3 { bucket: Some("b"), region }),
            ("b.s3.dualstack.eu-west-1.amazonaws.com", S3 { bucket: Some("b"), region }),
            ("b.s3-eu-west-1.amazonaws.com", S3 { bucket: Some("b"), region }),
            ("b.s3-accelerate.amazonaws.com", S3 { bucket: Some("b"), region: None }),
            ("x1.lambda-url.eu-west-1.localhost", FunctionUrl { id: "x1", region }),
            ("x1.lambda-url.eu-west-1.on.aws", FunctionUrl { id: "x1", region }),
            ("app.auth.eu-west-1.amazoncognito.com", SignIn { domain: "app", region }),
            ("app.auth.localhost", SignIn { domain: "app", region: None }),
            ("dynamodb.eu-west-1.amazonaws.com", other("dynamodb", region, None)),
            ("streams.dynamodb.eu-west-1.amazonaws.com", other("streams.dynamodb", region, None)),
            ("sts.localhost", other("sts", None, Some("sts"))),
            ("my-bucket.localhost", other("my-bucket", None, Some("my-bucket"))),
            ("my_bucket.localhost", other("my_bucket", None, None)),
            ("auth.eu-west-1.localhost", other("auth", region, None)),
        ] {
            assert_eq!(read(name, &public), expected, "{name}");
        }
    }
}
