//! AWS's signing test suite: requests and the signatures that AWS published for them, made with `AKIDEXAMPLE` for the
//! service `service` at 2015-08-30T12:36:00Z. "Unnormalized" vectors are held against S3's path rules.

use nephos_core::Timestamp;
use nephos_sigv4::PathRules::{self, S3, Standard};
use nephos_sigv4::{Credential, Head, KeyCache, Payload, parse, sha256_hex, uri};

use super::headers;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const CREDENTIAL: &str = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
const DATE: &str = "20150830T123600Z";
const STS_TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

struct Vector {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    query: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    rules: PathRules,
    token: &'static str,
    header_signature: &'static str,
    query_signature: &'static str,
}

fn now() -> Timestamp {
    Timestamp::parse_amz_date(DATE).unwrap()
}

fn signed_list(names: &[(&str, &str)]) -> String {
    let mut names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    names.join(";")
}

fn verify(vector: &Vector, query: &str, list: &[(&str, &str)], how: &str) {
    let map = headers(list);
    let head = Head { method: vector.method, path: vector.path, query, headers: &map };
    let claim = parse(&head).unwrap().unwrap_or_else(|| panic!("{} {how}: no claim", vector.name));
    claim.check(&head, vector.rules, now()).unwrap_or_else(|e| panic!("{} {how}: {e}", vector.name));
    let payload = Payload::Sha256(sha256_hex(vector.body.as_bytes()));
    let keys = KeyCache::default();
    if let Err(error) = claim.verify(&head, vector.rules, &payload, SECRET, &keys) {
        let nephos_sigv4::SignatureError::Mismatch(detail) = error else { panic!("{error}") };
        panic!("{} {how}:\n{}\n{}", vector.name, detail.canonical_request, detail.string_to_sign);
    }
    assert!(claim.verify(&head, vector.rules, &payload, "other", &keys).is_err());
}

fn base_headers(vector: &Vector) -> Vec<(&'static str, &'static str)> {
    let mut list = vec![("host", "example.amazonaws.com")];
    list.extend(vector.headers);
    list
}

#[test]
fn published_header_signatures_verify() {
    for vector in VECTORS {
        let hash = sha256_hex(vector.body.as_bytes());
        let mut list: Vec<(&str, &str)> = base_headers(vector);
        list.push(("x-amz-date", DATE));
        if !vector.body.is_empty() {
            list.push(("x-amz-content-sha256", hash.as_str()));
        }
        if !vector.token.is_empty() {
            list.push(("x-amz-security-token", vector.token));
        }
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={CREDENTIAL}, SignedHeaders={}, Signature={}",
            signed_list(&list),
            vector.header_signature
        );
        list.push(("authorization", &authorization));
        verify(vector, vector.query, &list, "header");
    }
}

#[test]
fn published_query_signatures_verify() {
    for vector in VECTORS {
        let list = base_headers(vector);
        let mut query = vector.query.to_owned();
        let mut add = |name: &str, value: &str| query.push_str(&format!("&{name}={}", uri::encode(value)));
        add("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
        add("X-Amz-Credential", CREDENTIAL);
        add("X-Amz-Date", DATE);
        add("X-Amz-Expires", "3600");
        add("X-Amz-SignedHeaders", &signed_list(&list));
        if !vector.token.is_empty() {
            add("X-Amz-Security-Token", vector.token);
        }
        add("X-Amz-Signature", vector.query_signature);
        verify(vector, &query, &list, "query");
    }
}

#[test]
fn the_documented_derived_key_signs_as_documented() {
    // The example of the derivation in the general reference: the key for iam, 20150830, us-east-1.
    let credential = Credential::new("AKIDEXAMPLE", "20150830", "us-east-1", "iam");
    let key = nephos_sigv4::SigningKey::derive(SECRET, &credential);
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{DATE}\n20150830/us-east-1/iam/aws4_request\n{}",
        "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
    );
    assert_eq!(
        key.sign(to_sign.as_bytes()).as_str(),
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
}

const VECTORS: &[Vector] = &[
    Vector {
        name: "get-header-key-duplicate",
        method: "GET",
        path: "/",
        query: "",
        headers: &[("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
        query_signature: "3349ee0b81b4b589da0ff28a395c3591e04de515651dd74f298fa992d1507a97",
    },
    Vector {
        name: "get-header-value-multiline",
        method: "GET",
        path: "/",
        query: "",
        headers: &[("my-header1", "value1  value2     value3")],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd",
        query_signature: "e6f5def831211aca02987a44b96826706278c7bc078112ae0263659c5b2f2d56",
    },
    Vector {
        name: "get-header-value-order",
        method: "GET",
        path: "/",
        query: "",
        headers: &[
            ("my-header1", "value4"),
            ("my-header1", "value1"),
            ("my-header1", "value3"),
            ("my-header1", "value2"),
        ],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
        query_signature: "313720e71ca6202fdcfa9b20f88de01a4eb0638a83c833b1c184359a4eda864e",
    },
    Vector {
        name: "get-header-value-trim",
        method: "GET",
        path: "/",
        query: "",
        headers: &[("my-header1", " value1"), ("my-header2", " \"a   b   c\"")],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        query_signature: "e7bb0fd515e125e1aec2ecc4c0c17484fb06f6846b927c35e46005dd3df3acd4",
    },
    Vector {
        name: "get-relative-normalized",
        method: "GET",
        path: "/example/..",
        query: "",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        query_signature: "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d",
    },
    Vector {
        name: "get-relative-relative-normalized",
        method: "GET",
        path: "/example1/example2/../..",
        query: "",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        query_signature: "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d",
    },
    Vector {
        name: "get-relative-relative-unnormalized",
        method: "GET",
        path: "/example1/example2/../..",
        query: "",
        headers: &[],
        body: "",
        rules: S3,
        token: "",
        header_signature: "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b",
        query_signature: "b45db0bfd1cf15003493b733e33aa208dd981bd0e63037a6ed953f71d2118a16",
    },
    Vector {
        name: "get-relative-unnormalized",
        method: "GET",
        path: "/example/..",
        query: "",
        headers: &[],
        body: "",
        rules: S3,
        token: "",
        header_signature: "eca7ead57bb5aa5c8e28007acd4ff04e1ff9a0ff3b237ec1554a184887ff9282",
        query_signature: "cbcb213b928a077e43275df47b500f1dfaa864ab3f5a18f6b95f4ff0938167ee",
    },
    Vector {
        name: "get-slash-dot-slash-normalized",
        method: "GET",
        path: "/./",
        query: "",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        query_signature: "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d",
    },
    Vector {
        name: "get-slash-dot-slash-unnormalized",
        method: "GET",
        path: "/./",
        query: "",
        headers: &[],
        body: "",
        rules: S3,
        token: "",
        header_signature: "68714168e6557f8f2de0ef956fc24dc2593a4bd2961f8df51898d8a134695145",
        query_signature: "a9b13e8f3484d9505bf1a6f347219f8f35b0fe8f128ceea597efc146a3dfe90c",
    },
    Vector {
        name: "get-slash-normalized",
        method: "GET",
        path: "//",
        query: "",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        query_signature: "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d",
    },
    Vector {
        name: "get-slash-pointless-dot-normalized",
        method: "GET",
        path: "/./example",
        query: "",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
        query_signature: "35034b1a0bdd969f346975386daf8aedfd4976573b8348cf4f67eaa41c5857de",
    },
    Vector {
        name: "get-slash-pointless-dot-unnormalized",
        method: "GET",
        path: "/./example",
        query: "",
        headers: &[],
        body: "",
        rules: S3,
        token: "",
        header_signature: "beb03f223f7deae4146464f06e29eebbee9c8afbe15c290cf07aa8b119e14cff",
        query_signature: "72b11f16d9530b18204bfb71f2d6ab085894c0ed8d352730a6e76234c58b5e10",
    },
    Vector {
        name: "get-slash-unnormalized",
        method: "GET",
        path: "//",
        query: "",
        headers: &[],
        body: "",
        rules: S3,
        token: "",
        header_signature: "c88bcd3d312d75078c0cd961d6deae3f4c754924b01669efcfcb439fd5e5b76e",
        query_signature: "b2a9542809db687769200f56a844a03f2bd0291d6eb90232d5101c6a579446cd",
    },
    Vector {
        name: "get-slashes-normalized",
        method: "GET",
        path: "//example//",
        query: "",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
        query_signature: "c1834e8fb0307243711f0f907f6ab7311ed300d87f13792d7ee4da89ab93e082",
    },
    Vector {
        name: "get-slashes-unnormalized",
        method: "GET",
        path: "//example//",
        query: "",
        headers: &[],
        body: "",
        rules: S3,
        token: "",
        header_signature: "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5",
        query_signature: "822a5a9ba28072c5ab2bb4a6307d0c88276d40e49fec6b724c03fb4d4ba60fc2",
    },
    Vector {
        name: "get-space-unnormalized",
        method: "GET",
        path: "/example space/",
        query: "",
        headers: &[],
        body: "",
        rules: S3,
        token: "",
        header_signature: "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
        query_signature: "7a1f416954786484c9824d93c1f26ef64acb9b1b6c9154d08c9f07d0e394abf6",
    },
    Vector {
        name: "get-unreserved",
        method: "GET",
        path: "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        query: "",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
        query_signature: "95968482db1b9e0fadef6efc1bd24689f77c77d9ef56919c96a28cc92e0d6005",
    },
    Vector {
        name: "get-utf8",
        method: "GET",
        path: "/ሴ",
        query: "",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
        query_signature: "10eae3f14a260bd3911cc6d008d3c576d143b05b62f09782a7a4b37f52178e44",
    },
    Vector {
        name: "get-vanilla",
        method: "GET",
        path: "/",
        query: "",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        query_signature: "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d",
    },
    Vector {
        name: "get-vanilla-empty-query-key",
        method: "GET",
        path: "/",
        query: "Param1=value1",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
        query_signature: "49096700cbbaa5753443850f40df10f904fc2fdb544dc9512203cc77c471a9de",
    },
    Vector {
        name: "get-vanilla-query-order-encoded",
        method: "GET",
        path: "/",
        query: "Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        query_signature: "c5f1848ceec943ac2ca68ee720460c23aaae30a2300586597ada94c4a65e4787",
    },
    Vector {
        name: "get-vanilla-query-order-key-case",
        method: "GET",
        path: "/",
        query: "Param2=value2&Param1=value1",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        query_signature: "86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5",
    },
    Vector {
        name: "get-vanilla-query-unreserved",
        method: "GET",
        path: "/",
        query: "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        query_signature: "8e76a88a7433637b12778d5592799b29ad21ecd6cf6325051c21d86f0acda2bf",
    },
    Vector {
        name: "get-vanilla-utf8-query",
        method: "GET",
        path: "/",
        query: "ሴ=bar",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        query_signature: "0bdd809b1519ac4f0c1dc3540e2cc46bd0c7f778eda408b2ebf3b913d21ff600",
    },
    Vector {
        name: "get-vanilla-with-session-token",
        method: "GET",
        path: "/",
        query: "",
        headers: &[],
        body: "",
        rules: Standard,
        token: "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
        header_signature: "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
        query_signature: "7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c",
    },
    Vector {
        name: "post-header-key-case",
        method: "POST",
        path: "/",
        query: "",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        query_signature: "2ce6e6d2e0cf2f9d1b55fafec88cd20574c31dc2e7631979f71ba2310083e95b",
    },
    Vector {
        name: "post-header-key-sort",
        method: "POST",
        path: "/",
        query: "",
        headers: &[("my-header1", "value1")],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        query_signature: "c09d07e0d55871f10f2a6d350d994acf6825a3cae70673d7def55616e6119dd7",
    },
    Vector {
        name: "post-header-value-case",
        method: "POST",
        path: "/",
        query: "",
        headers: &[("my-header1", "VALUE1")],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
        query_signature: "0698bc9e4f7f9139065ba2909c0e99da257e8e2a42492a097bcd46d792391fed",
    },
    Vector {
        name: "post-sts-header-before",
        method: "POST",
        path: "/",
        query: "",
        headers: &[],
        body: "",
        rules: Standard,
        token: STS_TOKEN,
        header_signature: "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
        query_signature: "46c2e3c63c1dbe7d39f8ada16fe7f001c1f56c5791441565323677f96308871c",
    },
    Vector {
        name: "post-vanilla",
        method: "POST",
        path: "/",
        query: "",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        query_signature: "2ce6e6d2e0cf2f9d1b55fafec88cd20574c31dc2e7631979f71ba2310083e95b",
    },
    Vector {
        name: "post-vanilla-empty-query-value",
        method: "POST",
        path: "/",
        query: "Param1=value1",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
        query_signature: "a9ef26247f293bffe40eeff86a0480ba8c14d31503b2e0c3399e3a16bf1a3682",
    },
    Vector {
        name: "post-vanilla-query",
        method: "POST",
        path: "/",
        query: "Param1=value1",
        headers: &[],
        body: "",
        rules: Standard,
        token: "",
        header_signature: "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
        query_signature: "a9ef26247f293bffe40eeff86a0480ba8c14d31503b2e0c3399e3a16bf1a3682",
    },
    Vector {
        name: "post-x-www-form-urlencoded",
        method: "POST",
        path: "/",
        query: "",
        headers: &[("content-type", "application/x-www-form-urlencoded"), ("content-length", "13")],
        body: "Param1=value1",
        rules: Standard,
        token: "",
        header_signature: "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
        query_signature: "89a40deed0f26f9461242825a082d2222717248abc7ab41f552ad84a94ad46e9",
    },
    Vector {
        name: "post-x-www-form-urlencoded-parameters",
        method: "POST",
        path: "/",
        query: "",
        headers: &[
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("content-length", "13"),
        ],
        body: "Param1=value1",
        rules: Standard,
        token: "",
        header_signature: "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
        query_signature: "0dbeb9b026c7b6675f266b8427efec9b4fa8b1f6ef1477d717aea231106eab4d",
    },
];
