//! The least request of every operation of S3's and Lambda's whole public models, those included that Nephos does not
//! have, is routed to that operation.

use nephos_wire::ServiceModel;
use nephos_wire::route::{Found, rest};
use serde_json::{Value as Json, json};

use crate::botocore::{ask, request};
use crate::real::RESTFUL;

/// Pairs that only the host or the client's age tells apart: of the model's operation, what is found.
const SAME: &[(&str, &str)] = &[
    // S3 Express has hosts of its own.
    ("ListDirectoryBuckets", "ListBuckets"),
    // Deprecated, and of the same route as what took their place.
    ("GetBucketLifecycle", "GetBucketLifecycleConfiguration"),
    ("GetBucketNotification", "GetBucketNotificationConfiguration"),
    ("PutBucketLifecycle", "PutBucketLifecycleConfiguration"),
    ("PutBucketNotification", "PutBucketNotificationConfiguration"),
];

fn found(model: &'static ServiceModel, made: &Json) -> String {
    let (request, _) = request(made);
    match rest(model, &request.method, &request.path, &request.query, &request.headers) {
        Found::Operation(operation, _) => operation.name.to_owned(),
        Found::Absent(name) => format!("absent {name}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn every_request_finds_its_operation() {
    let answered = ask(json!({ "routes": ["lambda", "s3"] }));
    for model in RESTFUL {
        let routes = answered["routes"][model.name].as_array().unwrap();
        assert!(routes.len() > 80, "{}: {}", model.name, routes.len());
        for made in routes {
            let name = made["operation"].as_str().unwrap();
            let has = |name: &str| model.operations.iter().any(|operation| operation.name == name);
            let known = has(name) || model.absent.iter().any(|absent| absent.name == name);
            if !known {
                // botocore is newer than the models.
                continue;
            }
            let found = found(model, made);
            let found = found.strip_prefix("absent ").filter(|_| !has(name)).unwrap_or(&found);
            let same = SAME.contains(&(name, found));
            assert!(found == name || same, "{name} is found to be {found}: {made}");
        }
    }
}
