//! Cross-origin rules of a function URL.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue};
use nephos_wire::{Body, Response, Visit};

use super::{header, is_options};
use crate::records::CorsRecord;

/// The rules.
#[derive(Clone, Copy)]
pub struct Rules<'r>(pub &'r CorsRecord);

/// Whether a browser asks what it may do. Where there are rules, the function never sees such a visit.
pub fn is_preflight(visit: &Visit) -> bool {
    let headers = &visit.headers;
    is_options(&visit.method)
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

impl Rules<'_> {
    /// Answers a browser's question.
    pub fn preflight(&self, headers: &HeaderMap) -> Response {
        let mut response = Response::new(Body::Empty);
        let Some(origin) = headers.get(ORIGIN) else { return response };
        let method = header(headers, ACCESS_CONTROL_REQUEST_METHOD).unwrap_or_default();
        if !self.allows_origin(origin) || !listed(&self.0.allow_methods, method) {
            return response;
        }
        let wanted = header(headers, ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
        let wanted = wanted.split(',').map(str::trim).filter(|name| !name.is_empty());
        let allowed: Vec<&str> = wanted.filter(|name| listed(&self.0.allow_headers, name)).collect();
        let answer = response.headers_mut();
        self.mark(origin, answer);
        set(answer, ACCESS_CONTROL_ALLOW_METHODS, &self.methods(method));
        if !allowed.is_empty() {
            set(answer, ACCESS_CONTROL_ALLOW_HEADERS, &allowed.join(","));
        }
        if let Some(seconds) = self.0.max_age {
            set(answer, ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
        }
        response
    }

    /// Marks an answer as readable by the origin, if it is. The rules win over what the function said.
    pub fn mark(&self, origin: &HeaderValue, headers: &mut HeaderMap) {
        if !self.allows_origin(origin) {
            return;
        }
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(VARY, HeaderValue::from_static("Origin"));
        if self.0.allow_credentials == Some(true) {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if !self.0.expose_headers.is_empty() {
            set(headers, ACCESS_CONTROL_EXPOSE_HEADERS, &self.0.expose_headers.join(","));
        }
    }

    fn allows_origin(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        self.0.allow_origins.iter().any(|pattern| match pattern.split_once('*') {
            None => pattern == origin,
            Some((before, after)) => {
                origin.len() >= before.len() + after.len()
                    && origin.starts_with(before)
                    && origin.ends_with(after)
            }
        })
    }

    fn methods(&self, asked: &str) -> String {
        match self.0.allow_methods.iter().any(|method| method == "*") {
            true => asked.to_owned(),
            false => self.0.allow_methods.join(","),
        }
    }
}

fn listed(list: &[String], name: &str) -> bool {
    list.iter().any(|item| item == "*" || item.eq_ignore_ascii_case(name))
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> CorsRecord {
        CorsRecord {
            allow_origins: vec!["https://*.example".into(), "http://localhost:5173".into()],
            allow_methods: vec!["POST".into()],
            allow_headers: vec!["Content-Type".into()],
            allow_credentials: Some(true),
            expose_headers: vec!["x-mine".into()],
            max_age: Some(60),
        }
    }

    fn ask(origin: &'static str, method: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static(origin));
        headers.insert(ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static(method));
        let wanted = HeaderValue::from_static("content-type, x-other");
        headers.insert(ACCESS_CONTROL_REQUEST_HEADERS, wanted);
        Rules(&rules()).preflight(&headers).headers().clone()
    }

    #[test]
    fn browsers_are_told_what_they_may_do() {
        let answer = ask("https://a.example", "POST");
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "https://a.example");
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_METHODS], "POST");
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_HEADERS], "content-type");
        assert_eq!(answer[ACCESS_CONTROL_MAX_AGE], "60");
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        assert!(ask("https://a.other", "POST").is_empty());
        assert!(ask("http://localhost:5173", "DELETE").is_empty());
    }
}
