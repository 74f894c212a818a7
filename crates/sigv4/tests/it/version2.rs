//! Signature Version 2: the documentation's examples, botocore's URLs and forms, and what nobody honest sends.

use http::HeaderMap;
use nephos_core::{Clock, Timestamp};
use nephos_sigv4::v2::{FormClaim, QueryClaim, Refusal, SUBRESOURCES, parse, sign};
use nephos_sigv4::{Head, Payload, uri};
use proptest::prelude::*;

use super::botocore::{python, signed_headers};
use super::headers;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn get<'a>(path: &'a str, query: &'a str, headers: &'a HeaderMap) -> Head<'a> {
    Head { method: "GET", path, query, headers }
}

fn claimed<'a>(head: &Head<'a>) -> QueryClaim<'a> {
    parse(head).unwrap().unwrap()
}

#[test]
fn the_documented_url_verifies_until_it_expires() {
    let none = HeaderMap::new();
    let query =
        "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";
    let head = get("/photos/puppy.jpg", query, &none);
    let claim = claimed(&head);
    assert_eq!(claim.access_key_id, "AKIAIOSFODNN7EXAMPLE");
    // The example was signed for a bucket that the page has renamed since.
    claim.verify(&head, Some("johnsmith"), SECRET).unwrap();
    let Err(Refusal::Mismatch(mismatch)) = claim.verify(&head, None, SECRET) else {
        panic!("expected a mismatch")
    };
    assert_eq!(mismatch.string_to_sign, "GET\n\n\n1175139620\n/photos/puppy.jpg");
    assert_eq!(mismatch.provided, "NpgCjnDzrM+WFzoENXmpNDUsSn8=");
    claim.check(Timestamp::from_secs(1_175_139_620)).unwrap();
    let late = Timestamp::from_millis(1_175_139_620_001);
    let expired = Refusal::Expired { at: Timestamp::from_secs(1_175_139_620), now: late };
    assert_eq!(claim.check(late), Err(expired));
    let twenty_one_years = std::time::Duration::from_secs(21 * 365 * 86_400);
    let far = claim.check(Timestamp::from_secs(1_175_139_620) - twenty_one_years);
    assert_eq!(far, Err(Refusal::Expires { got: "1175139620".to_owned() }));
}

/// The strings to sign of the documentation's examples for the header, with the signatures that go with them. The upload's
/// is as its first edition has it; the names were changed later and the signature with them, but not to fit.
#[test]
fn the_documented_strings_have_their_signatures() {
    for (text, signature) in [
        (
            "GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/awsexamplebucket1/photos/puppy.jpg",
            "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=",
        ),
        (
            "PUT\n\nimage/jpeg\nTue, 27 Mar 2007 21:15:45 +0000\n/awsexamplebucket1/photos/puppy.jpg",
            "iqRzw+ileNPu1fhspnRs8nOjjIA=",
        ),
        ("GET\n\n\nTue, 27 Mar 2007 19:42:41 +0000\n/awsexamplebucket1/", "m0WP8eCtspQl5Ahe6L1SozdX9YA="),
        ("GET\n\n\nTue, 27 Mar 2007 19:44:46 +0000\n/awsexamplebucket1/?acl", "82ZHiFIjc+WbcwFKGUVEQspPn+0="),
        (
            "PUT\n4gJE4saaMU4BqNR0kLY+lw==\napplication/x-download\nTue, 27 Mar 2007 21:06:08 +0000\n\
             x-amz-acl:public-read\nx-amz-meta-checksumalgorithm:crc32\nx-amz-meta-filechecksum:0x02661779\n\
             x-amz-meta-reviewedby:joe@johnsmith.net,jane@johnsmith.net\n/static.johnsmith.net/db-backup.dat.gz",
            "ilyl83RwaSoYIEdixDQcA4OnAnc=",
        ),
        ("GET\n\n\nWed, 28 Mar 2007 01:29:59 +0000\n/", "qGdzdERIC03wnaRNKh6OqZehG9s="),
        (
            "GET\n\n\nWed, 28 Mar 2007 01:49:49 +0000\n/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re",
            "DNEZGsoieTZ92F3bUfSPQcbGmlM=",
        ),
    ] {
        assert_eq!(sign(SECRET, text.as_bytes()), signature, "{text}");
    }
}

/// The upload example's headers, sorted, joined and trimmed, in a URL.
#[test]
fn headers_are_signed_wherever_they_stand() {
    let sent = headers(&[
        ("X-Amz-Meta-ReviewedBy", " joe@example.com"),
        ("X-Amz-Meta-ReviewedBy", "jane@example.com "),
        ("Content-Type", "application/x-download"),
        ("x-amz-date", "is not signed"),
        ("Content-Encoding", "gzip"),
    ]);
    let text = "PUT\n\napplication/x-download\n1900000000\nx-amz-acl:private\nx-amz-meta-reviewedby:joe@example.com,\
                jane@example.com\nx-amz-security-token:t/+\n/b/k?response-expires=a b&uploadId=1&versionId";
    let query = format!(
        "versionId&AWSAccessKeyId=AKID&Content-Type=other&x-amz-acl=private&uploadId=1&x-amz-security-token=t/%2B\
         &prefix=p&response-expires=a+b&x-amz-meta-reviewedby=nobody&Expires=1900000000&Signature={}",
        uri::encode(&sign("secret", text.as_bytes()))
    );
    let head = Head { method: "PUT", path: "/k", query: &query, headers: &sent };
    let claim = claimed(&head);
    claim.verify(&head, Some("b"), "secret").unwrap();
    assert_eq!(claim.session_token.as_deref(), Some("t/+"));
    assert_eq!(
        claim.headers().collect::<Vec<_>>(),
        [("x-amz-acl", &b"private"[..])],
        "what was sent goes before"
    );
    assert_eq!(claim.payload, None);
}

#[test]
fn what_a_url_says_of_its_body_is_read() {
    let none = HeaderMap::new();
    let query = |value: &str| format!("AWSAccessKeyId=A&Signature=s&Expires=1&x-amz-content-sha256={value}");
    let (unsigned, nonsense) = (query("UNSIGNED-PAYLOAD"), query("nonsense"));
    assert_eq!(claimed(&get("/", &unsigned, &none)).payload, Some(Payload::Unsigned));
    assert!(matches!(parse(&get("/", &nonsense, &none)), Err(Refusal::Parameter { .. })));
}

#[test]
fn malformed_query_strings_are_refused() {
    let none = HeaderMap::new();
    let refusal = |query: &str| parse(&get("/b/k", query, &none)).unwrap_err();
    for incomplete in
        ["AWSAccessKeyId=A", "Signature=s&Expires=1", "AWSAccessKeyId=A&Signature=s", "%53ignature=s"]
    {
        assert_eq!(refusal(incomplete), Refusal::Incomplete, "{incomplete}");
    }
    let whole = "AWSAccessKeyId=A&Signature=s&Expires=";
    for bad in ["", "soon", "-1", "1.5", "99999999999999999999", "1%00"] {
        assert!(matches!(refusal(&format!("{whole}{bad}")), Refusal::Expires { .. }), "{bad}");
    }
    for more in [
        "Expires=2",
        "AWSAccessKeyId=B",
        "Signature=t",
        "x-amz-acl=a&X-Amz-Acl=b",
        "content-type=a&Content-Type=b",
    ] {
        assert!(matches!(refusal(&format!("{whole}1&{more}")), Refusal::Parameter { .. }), "{more}");
    }
    assert!(matches!(refusal("AWSAccessKeyId=%ff&Signature=s&Expires=1"), Refusal::Parameter { .. }));
    assert_eq!(refusal(&format!("{whole}1&X-Amz-Signature=00")), Refusal::TwoMechanisms);
    let signed = headers(&[("authorization", "AWS AKID:c2ln")]);
    assert_eq!(parse(&get("/", &format!("{whole}1"), &signed)).unwrap_err(), Refusal::TwoMechanisms);
    assert!(parse(&get("/", "Expires=1&prefix=AWSAccessKeyId", &none)).unwrap().is_none());
}

#[test]
fn no_claim_prints_its_token_or_signature() {
    let none = HeaderMap::new();
    let query = "AWSAccessKeyId=AKID&Signature=c2lnbmF0dXJl&Expires=1&x-amz-security-token=geheim";
    let head = get("/b/k", query, &none);
    let claim = claimed(&head);
    let refusal = claim.verify(&head, None, "s").unwrap_err();
    let printed = format!("{claim:?} {refusal:?} {refusal}");
    assert!(!printed.contains("geheim") && !printed.contains("c2lnbmF0dXJl"), "{printed}");
}

#[test]
fn a_form_is_signed_over_its_policy() {
    let policy = "eyAiZXhwaXJhdGlvbiI6ICIyMDA3LTEyLTAxVDEyOjAwOjAwLjAwMFoiIH0=";
    let signature = sign(SECRET, policy.as_bytes());
    let claim = FormClaim { access_key_id: "AKID", policy, signature: &signature };
    claim.verify(SECRET).unwrap();
    assert!(matches!(claim.verify("other"), Err(Refusal::Mismatch(_))));
    assert!(FormClaim { policy: &policy[1..], ..claim }.verify(SECRET).is_err());
    assert!(FormClaim { signature: "", ..claim }.verify(SECRET).is_err());
}

const SCRIPT: &str = r#"
import json, random, sys
from botocore.auth import HmacV1Auth, HmacV1QueryAuth, HmacV1PostAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from urllib.parse import quote, urlsplit

seed = int(sys.argv[1]); rnd = random.Random(seed)
ALPHABET = 'abcXYZ019-._~ /+=&?%#:;,@!$\'()*"<>[]{}|^`é漢😀'

def text(low, high):
    return ''.join(rnd.choice(ALPHABET) for _ in range(rnd.randint(low, high)))

def one(n):
    token = rnd.choice([None, 'FwoGZXIvYXdzE+/=' + text(0, 5).encode().hex()])
    creds = Credentials('AKID%d' % rnd.randint(0, 5), text(8, 40), token)
    method = rnd.choice(['GET', 'PUT', 'POST', 'DELETE', 'HEAD'])
    key = '/' + quote(text(0, 12), safe='-._~/')
    bucket = rnd.choice([None, 'my-bucket'])
    path, auth_path = (key, '/' + bucket + key) if bucket else ('/my.bucket' + key, None)
    params = []
    for name in rnd.sample(HmacV1Auth.QSAOfInterest, rnd.randint(0, 3)):
        params.append(name + rnd.choice(['', '=' + quote(text(1, 6), safe='-._~')]))
    for name in rnd.sample(['prefix', 'max-keys', 'list-type', 'x-id'], rnd.randint(0, 2)):
        params.append(name + '=' + quote(text(0, 6), safe='-._~'))
    rnd.shuffle(params)
    host = bucket + '.s3.localhost:4566' if bucket else 'localhost:4566'
    url = 'http://' + host + path + ('?' + '&'.join(params) if params else '')
    headers = {}
    for name in rnd.sample('abcdef', rnd.randint(0, 3)):
        headers['X-Amz-Meta-' + name] = rnd.choice(['v', 'a  b   c', 'q"uo  te"', 'é', ''])
    if rnd.random() < 0.5:
        headers['Content-Type'] = rnd.choice(['text/plain; charset=utf-8', 'image/*'])
    if rnd.random() < 0.2:
        headers['Content-MD5'] = '4gJE4saaMU4BqNR0kLY+lw=='
    request = AWSRequest(method=method, url=url, headers=headers, auth_path=auth_path)
    HmacV1QueryAuth(creds, expires=rnd.randint(60, 604800 * 50)).add_auth(request)
    split = urlsplit(request.url)
    sent = [[k, v] for k, v in headers.items() if rnd.random() < 0.5 and v.isascii()]
    return dict(secret=creds.secret_key, key=creds.access_key, token=token, method=method, path=split.path,
                query=split.query, bucket=bucket, headers=sent)

def form(n):
    creds = Credentials('AKID', text(8, 40), rnd.choice([None, 'token']))
    request = AWSRequest(method='POST', url='http://localhost:4566/b')
    request.context['s3-presign-post-fields'] = {'key': text(1, 9)}
    request.context['s3-presign-post-policy'] = {'expiration': '2030-01-01T00:00:00Z', 'conditions': [{'key': text(1, 9)}]}
    HmacV1PostAuth(creds).add_auth(request)
    return dict(secret=creds.secret_key, **request.context['s3-presign-post-fields'])

print(json.dumps(dict(urls=[one(n) for n in range(300)], forms=[form(n) for n in range(20)])))
"#;

/// A URL, or the same with one thing changed, must verify, or must not.
fn check_url(raw: &serde_json::Value, now: Timestamp) {
    let text = |name: &str| raw[name].as_str().unwrap();
    let sent = signed_headers(raw);
    let head = Head { method: text("method"), path: text("path"), query: text("query"), headers: &sent };
    let claim = claimed(&head);
    assert_eq!(claim.access_key_id, text("key"));
    assert_eq!(claim.session_token.as_deref(), raw["token"].as_str());
    claim.check(now).unwrap();
    let verify = |head: &Head<'_>, secret: &str| claim.verify(head, raw["bucket"].as_str(), secret);
    if let Err(Refusal::Mismatch(mismatch)) = verify(&head, text("secret")) {
        panic!("{:?}: {raw}", mismatch.string_to_sign);
    }
    assert!(verify(&head, "another secret").is_err());
    assert!(verify(&Head { method: "PATCH", ..head }, text("secret")).is_err());
    let path = format!("{}x", head.path);
    assert!(verify(&Head { path: &path, ..head }, text("secret")).is_err());
    let query = format!("{}&publicAccessBlock", head.query);
    assert!(verify(&Head { query: &query, ..head }, text("secret")).is_err(), "another operation");
    let query = format!("{}&x-amz-meta-new=1", head.query);
    assert!(
        parse(&Head { query: &query, ..head }).unwrap().unwrap().verify(&head, None, text("secret")).is_err()
    );
    let mut more = sent.clone();
    more.insert("x-amz-acl", "public-read".parse().unwrap());
    let head = Head { headers: &more, ..head };
    assert!(claimed(&head).verify(&head, raw["bucket"].as_str(), text("secret")).is_err(), "another header");
}

#[test]
#[allow(clippy::disallowed_methods, reason = "botocore signs with the system's time")]
fn what_botocore_presigns_verifies() {
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let signed = python(SCRIPT, seed);
    let (urls, forms) = (signed["urls"].as_array().unwrap(), signed["forms"].as_array().unwrap());
    assert_eq!((urls.len(), forms.len()), (300, 20), "seed {seed}");
    let now = Clock::system().now();
    for url in urls {
        check_url(url, now);
    }
    for form in forms {
        let text = |name: &str| form[name].as_str().unwrap();
        let claim = FormClaim {
            access_key_id: text("AWSAccessKeyId"),
            policy: text("policy"),
            signature: text("signature"),
        };
        claim.verify(text("secret")).unwrap();
    }
}

/// Whatever chooses an operation in S3's model is signed, so that a URL cannot be made another operation's.
#[test]
fn every_parameter_that_chooses_an_operation_is_signed() {
    let script = "
import json, botocore.session
from botocore.auth import HmacV1Auth
model = botocore.session.get_session().get_service_model('s3')
uris = [model.operation_model(name).http['requestUri'] for name in model.operation_names]
names = {pair.split('=')[0] for uri in uris for pair in uri.partition('?')[2].split('&') if pair}
print(json.dumps(sorted(names | set(HmacV1Auth.QSAOfInterest))))";
    let names = python(script, 0);
    let names = names.as_array().unwrap();
    assert!(names.len() > 40, "{names:?}");
    for name in names.iter().map(|name| name.as_str().unwrap()) {
        // The second version of a listing needs the same permission as the first, and clients do not sign it.
        assert!(SUBRESOURCES.contains(&name) || name == "list-type", "{name}");
    }
    assert!(SUBRESOURCES.is_sorted());
}

proptest! {
    #[test]
    fn no_query_string_panics_or_passes(query in "[A-Za-z0-9%&=+.~-]{0,80}", known in prop::bool::ANY) {
        let query = if known { format!("{query}&AWSAccessKeyId=A&Signature=c2ln&Expires=9999") } else { query };
        let none = HeaderMap::new();
        let head = get("/b/k", &query, &none);
        if let Ok(Some(claim)) = parse(&head) {
            prop_assert!(claim.verify(&head, None, "secret").is_err());
        }
    }
}
