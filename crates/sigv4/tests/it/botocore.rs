//! Random requests signed by botocore, in one Python process, must all verify here; and each must fail once changed.

use std::process::Command;

use http::{HeaderMap, HeaderName, HeaderValue};
use nephos_core::Timestamp;
use nephos_sigv4::{Head, KeyCache, PathRules, Payload, Placement, parse, sha256_hex};

const SCRIPT: &str = r#"
import json, random, sys
from botocore.auth import SigV4Auth, SigV4QueryAuth, S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from urllib.parse import quote, urlsplit

seed = int(sys.argv[1]); rnd = random.Random(seed)
ALPHABET = 'abcXYZ019-._~ /+=&?%#:;,@!$\'()*"<>[]{}|^`é漢😀'

def text(low, high):
    return ''.join(rnd.choice(ALPHABET) for _ in range(rnd.randint(low, high)))

def path(s3):
    parts = [text(0, 8) for _ in range(rnd.randint(0, 4))]
    if rnd.random() < 0.2:
        parts.insert(rnd.randint(0, len(parts)), rnd.choice(['.', '..', '']))
    return '/' + '/'.join(quote(p, safe='-._~' + ('/' if s3 else '')) for p in parts)

def one(n):
    s3, presign = rnd.random() < 0.5, rnd.random() < 0.5
    token = rnd.choice([None, 'FwoGZXIvYXdzE+/=' + text(0, 5).encode().hex()])
    creds = Credentials('AKID%d' % rnd.randint(0, 5), text(8, 40), token)
    method = rnd.choice(['GET', 'PUT', 'POST', 'DELETE', 'HEAD'])
    body = text(0, 50).encode() if method in ('PUT', 'POST') and not presign else b''
    host = rnd.choice(['localhost:4566', 'bucket.s3.localhost:4566', 'example.amazonaws.com'])
    params = {text(1, 6): text(0, 6) for _ in range(rnd.randint(0, 4))}
    url = 'http://' + host + path(s3)
    if rnd.random() < 0.5:
        url += '?' + '&'.join(quote(k, safe='-._~') + '=' + quote(v, safe='-._~') for k, v in params.items())
        params = {}
    headers = {'Host': host}
    for _ in range(rnd.randint(0, 3)):
        headers['X-Amz-Meta-' + rnd.choice('abcdef')] = rnd.choice(['v', 'a  b   c', ' lead', 'q"uo  te"', ''])
    if rnd.random() < 0.5:
        headers['Content-Type'] = 'application/x-amz-json-1.0'
    request = AWSRequest(method=method, url=url, data=body, headers=headers, params=params)
    service, region = ('s3' if s3 else rnd.choice(['dynamodb', 'lambda', 'iam'])), rnd.choice(['us-east-1', 'eu-central-2'])
    if s3:
        signer = S3SigV4QueryAuth(creds, service, region, expires=rnd.randint(60, 604800)) if presign else S3SigV4Auth(creds, service, region)
    else:
        signer = SigV4QueryAuth(creds, service, region, expires=rnd.randint(60, 604800)) if presign else SigV4Auth(creds, service, region)
    signer.add_auth(request)
    prepared = request.prepare()
    split = urlsplit(prepared.url)
    return dict(s3=s3, presign=presign, secret=creds.secret_key, method=method, path=split.path, query=split.query,
                headers=[[k, v.decode('latin-1') if isinstance(v, bytes) else v] for k, v in prepared.headers.items()
                         if k.lower() not in ('content-length', 'transfer-encoding')],
                body=body.decode(), service=service, region=region, token=token)

print(json.dumps([one(n) for n in range(300)]))
"#;

struct Signed {
    raw: serde_json::Value,
    headers: HeaderMap,
}

impl Signed {
    fn new(raw: serde_json::Value) -> Self {
        let headers = signed_headers(&raw);
        Signed { raw, headers }
    }

    fn text(&self, name: &str) -> &str {
        self.raw[name].as_str().unwrap()
    }

    fn is(&self, name: &str) -> bool {
        self.raw[name].as_bool().unwrap()
    }

    fn head(&self) -> Head<'_> {
        Head {
            method: self.text("method"),
            path: self.text("path"),
            query: self.text("query"),
            headers: &self.headers,
        }
    }

    fn rules(&self) -> PathRules {
        if self.is("s3") { PathRules::S3 } else { PathRules::Standard }
    }

    fn payload(&self) -> Payload {
        if self.is("s3") && self.is("presign") {
            return Payload::Unsigned;
        }
        Payload::Sha256(sha256_hex(self.text("body").as_bytes()))
    }
}

/// The `headers` of what a script signed.
pub fn signed_headers(raw: &serde_json::Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for pair in raw["headers"].as_array().unwrap() {
        let (name, value) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    headers
}

/// What a script prints as JSON.
pub fn python(script: &str, seed: u64) -> serde_json::Value {
    let output = Command::new("python3").args(["-c", script, &seed.to_string()]).output().unwrap();
    assert!(
        output.status.success(),
        "expected python3 with botocore, got: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn signed_by_botocore(seed: u64) -> Vec<Signed> {
    let list: Vec<serde_json::Value> = serde_json::from_value(python(SCRIPT, seed)).unwrap();
    list.into_iter().map(Signed::new).collect()
}

fn check(signed: &Signed, keys: &KeyCache, now: Timestamp) {
    let head = signed.head();
    let claim = parse(&head).unwrap().unwrap();
    let expected = if signed.is("presign") { Placement::Query } else { Placement::Header };
    assert_eq!(claim.placement, expected);
    assert_eq!(claim.session_token.as_deref(), signed.raw["token"].as_str());
    assert_eq!(claim.credential.region(), signed.text("region"));
    claim.check_service(&[signed.text("service")]).unwrap();
    claim.check(&head, signed.rules(), now).unwrap_or_else(|e| panic!("{e}: {}", signed.raw));
    let verify = |head: &Head<'_>, secret: &str| {
        claim.verify(head, signed.rules(), &signed.payload(), secret, keys).map(drop)
    };
    if verify(&head, signed.text("secret")).is_err() {
        panic!("{}", signed.raw);
    }
    assert!(verify(&head, "another secret").is_err());
    let other_path = format!("{}x", head.path);
    assert!(verify(&Head { path: &other_path, ..head }, signed.text("secret")).is_err());
    assert!(verify(&Head { method: "PATCH", ..head }, signed.text("secret")).is_err());
    let other_query = format!("{}&x=y", head.query);
    assert!(verify(&Head { query: &other_query, ..head }, signed.text("secret")).is_err());
}

#[test]
#[allow(clippy::disallowed_methods, reason = "botocore signs with the system's time")]
fn what_botocore_signs_verifies() {
    let keys = KeyCache::default();
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let all = signed_by_botocore(seed);
    assert_eq!(all.len(), 300, "seed {seed}");
    let now = nephos_core::Clock::system().now();
    for signed in &all {
        check(signed, &keys, now);
    }
}
