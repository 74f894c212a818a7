//! Signatures against AWS's published values, against botocore, and against hostile input.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod botocore;
mod hostile;
mod s3_documentation;
mod vectors;
mod version2;

use http::{HeaderMap, HeaderName, HeaderValue};

/// Headers of a list of names and values.
fn headers(list: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in list {
        map.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    map
}
