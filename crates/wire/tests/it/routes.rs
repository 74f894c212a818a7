//! Which operation a path means: slashes, encodings, queries and required members.

use http::{HeaderMap, HeaderName, Method};
use nephos_wire::route::{Found, rest};
use nephos_wire::{
    Absent, Kind, Location, Member, Operation, Protocol, Rules, ServiceModel, Structure, Type, form,
};

use crate::shapes::MODEL;

static TEXT: Type = Type { name: "Text", kind: Kind::String, rules: Rules::NONE };
static NONE: Structure = Structure { name: "None", members: &[], payload: None, xml_name: None };

const fn needed(name: &'static str, location: Location) -> Member {
    Member { name, wire: name, location, required: true, attribute: false, ty: &TEXT }
}

const fn input(members: &'static [Member]) -> Structure {
    Structure { name: "Input", members, payload: None, xml_name: None }
}

static UPLOAD: Structure = input(&[needed("uploadId", Location::Query)]);
static PART: Structure = input(&[needed("partNumber", Location::Query), needed("uploadId", Location::Query)]);
static COPY: Structure = input(&[needed("x-amz-copy-source", Location::Header)]);
static COPY_PART: Structure = input(&[
    needed("x-amz-copy-source", Location::Header),
    needed("partNumber", Location::Query),
    needed("uploadId", Location::Query),
]);
static ATTRIBUTES: Structure = input(&[needed("x-amz-object-attributes", Location::Header)]);

const fn operation(
    name: &'static str,
    method: &'static str,
    uri: &'static str,
    input: &'static Structure,
) -> Operation {
    Operation {
        name,
        method,
        uri,
        status: 200,
        input,
        output: &NONE,
        wrapper: None,
        streaming_input: false,
        streaming_output: false,
        unsigned: false,
    }
}

static S3: ServiceModel = ServiceModel {
    protocol: Protocol::RestXml,
    operations: &[
        &operation("ListBuckets", "GET", "/", &NONE),
        &operation("ListObjects", "GET", "/{Bucket}", &NONE),
        &operation("ListObjectsV2", "GET", "/{Bucket}?list-type=2", &NONE),
        &operation("CreateBucket", "PUT", "/{Bucket}", &NONE),
        &operation("HeadBucket", "HEAD", "/{Bucket}", &NONE),
        &operation("GetObject", "GET", "/{Bucket}/{Key+}", &NONE),
        &operation("GetObjectAttributes", "GET", "/{Bucket}/{Key+}?attributes", &ATTRIBUTES),
        &operation("ListParts", "GET", "/{Bucket}/{Key+}", &UPLOAD),
        &operation("HeadObject", "HEAD", "/{Bucket}/{Key+}", &NONE),
        &operation("CopyObject", "PUT", "/{Bucket}/{Key+}", &COPY),
        &operation("PutObject", "PUT", "/{Bucket}/{Key+}", &NONE),
        &operation("UploadPart", "PUT", "/{Bucket}/{Key+}", &PART),
        &operation("UploadPartCopy", "PUT", "/{Bucket}/{Key+}", &COPY_PART),
        &operation("DeleteTags", "DELETE", "/{Bucket}?tags", &UPLOAD),
    ],
    absent: &[
        Absent { name: "PutObjectAcl", method: "PUT", uri: "/{Bucket}/{Key+}?acl" },
        Absent { name: "RestoreObject", method: "POST", uri: "/{Bucket}/{Key+}?restore" },
    ],
    ..MODEL
};

fn found(line: &str, headers: &[&'static str]) -> String {
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: HeaderMap =
        headers.iter().map(|name| (HeaderName::from_static(name), "x".parse().unwrap())).collect();
    match rest(&S3, &Method::from_bytes(method.as_bytes()).unwrap(), path, &form::parse(query), &headers) {
        Found::Operation(operation, labels) => {
            labels.iter().fold(operation.name.to_owned(), |text, (_, value)| format!("{text} {value}"))
        }
        Found::Absent(name) => format!("absent {name}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_key_keeps_its_slashes_and_a_bucket_may_end_in_one() {
    for (line, expected) in [
        ("GET /", "ListBuckets"),
        ("GET /b", "ListObjects b"),
        ("GET /b/", "ListObjects b"),
        ("GET /b//", "GetObject b /"),
        ("GET /b/k", "GetObject b k"),
        ("GET /b/k/", "GetObject b k/"),
        ("GET /b/k//", "GetObject b k//"),
        ("GET /b//k", "GetObject b /k"),
        ("GET /b/a/../c/./", "GetObject b a/../c/./"),
        ("HEAD /b/", "HeadBucket b"),
        ("HEAD /b/k/", "HeadObject b k/"),
        ("PUT /b/dir/", "PutObject b dir/"),
        ("GET //k", "Nothing"),
        ("PATCH /b/k", "Nothing"),
        ("POST /b", "Nothing"),
    ] {
        assert_eq!(found(line, &[]), expected, "{line}");
    }
}

#[test]
fn encodings_are_taken_off_once() {
    for (line, expected) in [
        ("GET /b/a%2Fb", "GetObject b a/b"),
        ("GET /b/%2F", "GetObject b /"),
        ("GET /b/a%252Fb", "GetObject b a%2Fb"),
        ("GET /b/a+b%20c%2Bd", "GetObject b a+b c+d"),
        ("GET /b/%E6%BC%A2", "GetObject b 漢"),
        ("GET /b/100%", "GetObject b 100%"),
        ("GET /b%2Fc", "ListObjects b/c"),
        ("GET /b/%ff", "Malformed"),
        ("GET /%c3", "Malformed"),
    ] {
        assert_eq!(found(line, &[]), expected, "{line}");
    }
}

#[test]
fn the_operation_follows_from_what_is_there() {
    let (copy, attributes) = (["x-amz-copy-source"], ["x-amz-object-attributes"]);
    for (line, headers, expected) in [
        ("GET /b?list-type=2", [].as_slice(), "ListObjectsV2 b"),
        ("GET /b?list-type=1", &[], "ListObjects b"),
        ("GET /b/k?uploadId=u", &[], "ListParts b k"),
        ("GET /b/k?attributes", &attributes, "GetObjectAttributes b k"),
        // Not the object itself: what is missing is the handler's to say.
        ("GET /b/k?attributes", &[], "GetObjectAttributes b k"),
        ("GET /b/k?attributes&uploadId=u", &[], "GetObjectAttributes b k"),
        ("GET /b/k", &attributes, "GetObject b k"),
        ("PUT /b/k", &[], "PutObject b k"),
        ("PUT /b/k", &copy, "CopyObject b k"),
        ("PUT /b/k?partNumber=1&uploadId=u", &[], "UploadPart b k"),
        ("PUT /b/k?uploadId=u&partNumber=1&x-id=UploadPart", &[], "UploadPart b k"),
        ("PUT /b/k?partNumber=1&uploadId=u", &copy, "UploadPartCopy b k"),
        ("PUT /b/k?partNumber=1", &[], "PutObject b k"),
        ("PUT /b/k?partNumber=1", &copy, "CopyObject b k"),
        ("PUT /b/k?acl", &[], "absent PutObjectAcl"),
        ("PUT /b/k?acl&partNumber=1&uploadId=u", &copy, "absent PutObjectAcl"),
        ("POST /b/k?restore", &[], "absent RestoreObject"),
        ("POST /b/k?other", &[], "Nothing"),
        // The only one that fits is meant, though it misses something.
        ("DELETE /b?tags", &[], "DeleteTags b"),
    ] {
        assert_eq!(found(line, headers), expected, "{line} {headers:?}");
    }
}
