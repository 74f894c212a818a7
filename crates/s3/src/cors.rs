//! Cross-origin rules: what a preflight request is told, and which headers an answer gets.

use http::HeaderMap;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderName, HeaderValue, ORIGIN, VARY,
};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How many rules a bucket may have.
pub const MAX_RULES: usize = 100;

const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "POST", "DELETE"];

/// One rule. The first that fits a request decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorsRule {
    /// A name for people.
    pub id: Option<String>,
    /// Which origins, each with at most one `*`.
    pub origins: Vec<String>,
    /// Which methods.
    pub methods: Vec<String>,
    /// Which request headers, each with at most one `*`.
    pub headers: Vec<String>,
    /// Which answer headers scripts may read.
    pub exposed: Vec<String>,
    /// For how long browsers may remember, in seconds.
    pub max_age_secs: Option<i32>,
}

/// Checks rules as PutBucketCors does.
pub fn check(rules: &[CorsRule]) -> Result<(), Error> {
    if rules.is_empty() || rules.len() > MAX_RULES {
        return Err(Error::MalformedXml);
    }
    rules.iter().try_for_each(CorsRule::check)
}

impl CorsRule {
    fn check(&self) -> Result<(), Error> {
        if self.origins.is_empty() || self.methods.is_empty() {
            return Err(Error::MalformedXml);
        }
        if let Some(method) = self.methods.iter().find(|method| !METHODS.contains(&method.as_str())) {
            return Err(Error::request(format!(
                "Found unsupported HTTP method in CORS config. Unsupported method is {method}"
            )));
        }
        let wild = |texts: &[String]| texts.iter().find(|text| text.matches('*').count() > 1).cloned();
        if let Some(origin) = wild(&self.origins) {
            return Err(Error::request(format!(
                "AllowedOrigin \"{origin}\" can not have more than one wildcard."
            )));
        }
        if let Some(header) = wild(&self.headers) {
            return Err(Error::request(format!(
                "AllowedHeader \"{header}\" can not have more than one wildcard."
            )));
        }
        match self.exposed.iter().find(|header| header.contains('*')) {
            Some(header) => Err(Error::request(format!(
                "ExposeHeader \"{header}\" contains wildcard. We currently do not support wildcard for ExposeHeader."
            ))),
            None => Ok(()),
        }
    }

    fn fits(&self, origin: &str, method: &str, headers: &[String]) -> bool {
        self.methods.iter().any(|allowed| allowed == method)
            && self.origins.iter().any(|pattern| matches(pattern, origin))
            && headers.iter().all(|header| {
                self.headers.iter().any(|pattern| matches(&pattern.to_ascii_lowercase(), header))
            })
    }

    /// The headers that this rule gives an answer to `origin`.
    fn answer(&self, origin: &str, requested: &[String]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let any = self.origins.iter().any(|pattern| pattern == "*");
        put(&mut headers, ACCESS_CONTROL_ALLOW_ORIGIN, if any { "*" } else { origin });
        if !any {
            put(&mut headers, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
        put(&mut headers, ACCESS_CONTROL_ALLOW_METHODS, &self.methods.join(", "));
        if !requested.is_empty() {
            put(&mut headers, ACCESS_CONTROL_ALLOW_HEADERS, &requested.join(", "));
        }
        if !self.exposed.is_empty() {
            put(&mut headers, ACCESS_CONTROL_EXPOSE_HEADERS, &self.exposed.join(", "));
        }
        if let Some(seconds) = self.max_age_secs {
            put(&mut headers, ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
        }
        put(&mut headers, VARY, "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
        headers
    }
}

/// Whether `text` is `pattern`, in which one `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => {
            text.len() >= head.len() + tail.len() && text.starts_with(head) && text.ends_with(tail)
        }
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn requested_headers(headers: &HeaderMap) -> Vec<String> {
    let listed = text(headers, ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default().split(',');
    listed.map(|name| name.trim().to_ascii_lowercase()).filter(|name| !name.is_empty()).collect()
}

/// The headers that an answer to a request of `method` gets; none where no rule fits or no `Origin` was sent.
pub fn answer_headers(rules: &[CorsRule], method: &str, request: &HeaderMap) -> HeaderMap {
    let Some(origin) = text(request, ORIGIN) else { return HeaderMap::new() };
    let rule = rules.iter().find(|rule| rule.fits(origin, method, &[]));
    rule.map(|rule| rule.answer(origin, &[])).unwrap_or_default()
}

/// What a preflight request is answered. `rules` is `None` for a bucket without CORS rules.
pub fn preflight(
    rules: Option<&[CorsRule]>,
    request: &HeaderMap,
    resource_type: &'static str,
) -> Result<HeaderMap, Error> {
    let malformed = |message: &str| Error::Cors {
        bad_request: true,
        message: message.to_owned(),
        method: String::new(),
        resource_type,
    };
    let origin = text(request, ORIGIN)
        .ok_or_else(|| malformed("Insufficient information. Origin request header needed."))?;
    let method = text(request, ACCESS_CONTROL_REQUEST_METHOD).unwrap_or_default();
    if !METHODS.contains(&method) {
        return Err(malformed(&format!("Invalid Access-Control-Request-Method: {}", null_if_empty(method))));
    }
    let refused = |message: &str| Error::Cors {
        bad_request: false,
        message: message.to_owned(),
        method: method.to_owned(),
        resource_type,
    };
    let rules = rules.ok_or_else(|| refused("CORSResponse: CORS is not enabled for this bucket."))?;
    let headers = requested_headers(request);
    let rule = rules.iter().find(|rule| rule.fits(origin, method, &headers)).ok_or_else(|| {
        refused(
            "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
        )
    })?;
    Ok(rule.answer(origin, &headers))
}

fn null_if_empty(text: &str) -> &str {
    if text.is_empty() { "null" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn rule(origins: &[&str], methods: &[&str], headers: &[&str]) -> CorsRule {
        CorsRule {
            origins: strings(origins),
            methods: strings(methods),
            headers: strings(headers),
            ..CorsRule::default()
        }
    }

    fn asks(origin: &str, method: &str, headers: &str) -> HeaderMap {
        let mut map = HeaderMap::new();
        put(&mut map, ORIGIN, origin);
        put(&mut map, ACCESS_CONTROL_REQUEST_METHOD, method);
        put(&mut map, ACCESS_CONTROL_REQUEST_HEADERS, headers);
        map
    }

    #[test]
    fn the_first_rule_that_fits_answers() {
        let mut second = rule(&["http://*.example.com"], &["PUT", "GET"], &["x-amz-*", "Authorization"]);
        second.max_age_secs = Some(300);
        second.exposed = strings(&["ETag"]);
        let rules = [rule(&["*"], &["GET"], &[]), second];
        let plain = preflight(Some(&rules), &asks("http://a.example.com", "GET", ""), "BUCKET").unwrap();
        assert_eq!(plain[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!plain.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));
        let asked = asks("http://a.example.com", "PUT", "X-Amz-Date, authorization");
        let answer = preflight(Some(&rules), &asked, "BUCKET").unwrap();
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "http://a.example.com");
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_METHODS], "PUT, GET");
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_HEADERS], "x-amz-date, authorization");
        assert_eq!(answer[ACCESS_CONTROL_EXPOSE_HEADERS], "ETag");
        assert_eq!(answer[ACCESS_CONTROL_MAX_AGE], "300");
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    }

    #[test]
    fn what_no_rule_allows_is_refused() {
        let rules = [rule(&["http://a.com"], &["GET"], &["x-a"])];
        for asked in [
            asks("http://b.com", "GET", ""),
            asks("http://a.com", "PUT", ""),
            asks("http://a.com", "GET", "x-b"),
        ] {
            let error = preflight(Some(&rules), &asked, "OBJECT").unwrap_err();
            assert_eq!(error.code_and_status(), ("AccessForbidden", 403));
        }
        let good = asks("http://a.com", "GET", "");
        assert_eq!(preflight(None, &good, "BUCKET").unwrap_err().code_and_status().1, 403);
        assert_eq!(
            preflight(Some(&rules), &HeaderMap::new(), "BUCKET").unwrap_err().code_and_status().1,
            400
        );
        let odd = asks("http://a.com", "PATCH", "");
        assert_eq!(preflight(Some(&rules), &odd, "BUCKET").unwrap_err().code_and_status().1, 400);
    }

    #[test]
    fn plain_answers_get_headers_only_for_origins_that_fit() {
        let rules = [rule(&["http://a.com"], &["GET"], &[])];
        assert!(answer_headers(&rules, "GET", &HeaderMap::new()).is_empty());
        assert!(answer_headers(&rules, "GET", &asks("http://b.com", "GET", "")).is_empty());
        let given = answer_headers(&rules, "GET", &asks("http://a.com", "GET", ""));
        assert_eq!(given[ACCESS_CONTROL_ALLOW_ORIGIN], "http://a.com");
    }

    #[test]
    fn unlawful_rules_are_refused() {
        assert!(check(&[rule(&["*"], &["GET"], &["*"])]).is_ok());
        let mut exposing = rule(&["*"], &["GET"], &[]);
        exposing.exposed = strings(&["x-*"]);
        for bad in [
            rule(&["*"], &["PATCH"], &[]),
            rule(&["*.*"], &["GET"], &[]),
            rule(&["*"], &["GET"], &["**"]),
            exposing,
        ] {
            assert!(matches!(check(&[bad]), Err(Error::InvalidRequest(_))));
        }
        assert!(matches!(check(&[]), Err(Error::MalformedXml)));
        assert!(matches!(check(&[rule(&[], &["GET"], &[])]), Err(Error::MalformedXml)));
    }
}
