//! Requests as bytes, each different and signed.

use http::{HeaderMap, HeaderName, HeaderValue};
use nephos_core::Clock;
use nephos_sigv4::sign::Request;
use nephos_sigv4::{Payload, Signer};

use crate::plan::{Plan, Template};

/// Makes the bytes of requests.
pub struct Maker<'a> {
    template: &'a Template,
    headers: HeaderMap,
    signer: Option<Signer>,
    clock: Clock,
    /// The first number: microseconds since 1970, so that a later run starts above it.
    base: u64,
}

impl<'a> Maker<'a> {
    /// For one plan. A `host` header that the plan does not give is the address.
    pub fn new(plan: &'a Plan) -> Result<Maker<'a>, String> {
        let mut headers = HeaderMap::new();
        headers.insert("host", value(&plan.address)?);
        for (name, text) in &plan.request.headers {
            let name: HeaderName =
                name.parse().map_err(|_| format!("expected a header's name, got {name}"))?;
            headers.insert(name, value(text)?);
        }
        let signer = plan.sign.as_ref().map(|sign| Signer {
            access_key_id: sign.access_key_id.clone(),
            secret_access_key: sign.secret_access_key.clone(),
            session_token: sign.session_token.clone(),
            region: sign.region.clone(),
            service: sign.service.clone(),
        });
        let clock = Clock::system();
        let base = clock.now().millis().unsigned_abs() * 1000;
        Ok(Maker { template: &plan.request, headers, signer, clock, base })
    }

    /// The `number`th request, signed now.
    pub fn make(&self, number: u64) -> Result<Vec<u8>, String> {
        let Template { method, path, query, body, span, .. } = self.template;
        let unique = self.base + number;
        let (number, unique) = ((unique % span).to_string(), unique.to_string());
        let filled = |text: &str| text.replace("{n}", &number).replace("{u}", &unique);
        let (path, body) = (filled(path), filled(body));
        let mut headers = self.headers.clone();
        if let Some(signer) = &self.signer {
            let request = Request { method, path: &path, query };
            signer
                .sign_headers(&request, &mut headers, &Payload::of(body.as_bytes()), self.clock.now())
                .map_err(|error| error.to_string())?;
        }
        let target = if query.is_empty() { path } else { format!("{path}?{query}") };
        Ok(bytes(method, &target, &headers, &body))
    }
}

fn value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|_| format!("expected a header's value, got {text}"))
}

fn bytes(method: &str, target: &str, headers: &HeaderMap, body: &str) -> Vec<u8> {
    let mut out = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
    for (name, value) in headers {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    if method != "GET" {
        out.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body.as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_another() {
        let plan = r#"{"address": "127.0.0.1:1", "pid": 1, "connections": 1, "warm_seconds": 0, "seconds": 0,
            "sign": {"access_key_id": "A", "secret_access_key": "s", "region": "us-east-1", "service": "s3"},
            "request": {"method": "PUT", "path": "/b/{n}", "headers": {}, "body": "is {u}", "span": 10}}"#;
        let plan = Plan::read(plan.as_bytes()).unwrap();
        let maker = Maker::new(&plan).unwrap();
        let text = String::from_utf8(maker.make(13).unwrap()).unwrap();
        let number = maker.base + 13;
        assert!(text.starts_with(&format!("PUT /b/{} HTTP/1.1\r\nhost: 127.0.0.1:1\r\n", number % 10)));
        assert!(text.ends_with(&format!("\r\n\r\nis {number}")));
        assert!(text.contains("authorization: AWS4-HMAC-SHA256 Credential=A/"));
        assert!(text.contains("content-length: 19\r\n"));
        assert_ne!(maker.make(13).unwrap(), maker.make(14).unwrap());
    }
}
