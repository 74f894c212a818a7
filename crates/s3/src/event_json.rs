//! The event that a function gets, member for member as S3 sends it.

use nephos_core::{Cx, Principal};
use nephos_wire::fault::host_id;
use serde::Serialize;

use crate::buckets::owner_id;
use crate::coding::encode_listed;
use crate::notifications::Happening;
use crate::objects::Change;
use crate::records::Object;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    event_version: &'static str,
    event_source: &'static str,
    aws_region: &'a str,
    event_time: String,
    event_name: &'static str,
    user_identity: Identity,
    request_parameters: RequestParameters<'a>,
    response_elements: ResponseElements<'a>,
    s3: About<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    principal_id: String,
}

#[derive(Serialize)]
struct RequestParameters<'a> {
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: &'a str,
}

#[derive(Serialize)]
struct ResponseElements<'a> {
    #[serde(rename = "x-amz-request-id")]
    request_id: &'a str,
    #[serde(rename = "x-amz-id-2")]
    host_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About<'a> {
    #[serde(rename = "s3SchemaVersion")]
    schema_version: &'static str,
    configuration_id: &'a str,
    bucket: AboutBucket<'a>,
    object: AboutObject,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AboutBucket<'a> {
    name: &'a str,
    owner_identity: Identity,
    arn: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AboutObject {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e_tag: Option<String>,
    sequencer: String,
}

fn principal_id(cx: &Cx) -> String {
    match &*cx.principal {
        Principal::Anonymous => "Anonymous".to_owned(),
        principal => format!("AWS:{}", principal.user_id()),
    }
}

/// The JSON of one event for the configuration `id`. An object that is gone has neither size nor ETag.
pub fn event(
    change: &Change<'_>,
    id: &str,
    sequence: u64,
    object: Option<&Object>,
) -> Result<String, serde_json::Error> {
    let (cx, bucket) = (change.cx, change.bucket);
    let name = change.happening.name();
    let tagging = matches!(change.happening, Happening::Tagged | Happening::Untagged);
    let source = cx.keys.get("aws:sourceip").and_then(|values| values.first());
    let record = Record {
        event_version: if tagging { "2.3" } else { "2.1" },
        event_source: "aws:s3",
        aws_region: bucket.region.as_str(),
        event_time: change.now.iso8601_millis(),
        event_name: name.strip_prefix("s3:").unwrap_or(name),
        user_identity: Identity { principal_id: principal_id(cx) },
        request_parameters: RequestParameters {
            source_ip_address: source.map_or("127.0.0.1", String::as_str),
        },
        response_elements: ResponseElements {
            request_id: cx.request_id.as_str(),
            host_id: host_id(&cx.request_id),
        },
        s3: About {
            schema_version: "1.0",
            configuration_id: id,
            bucket: AboutBucket {
                name: &bucket.name,
                owner_identity: Identity {
                    principal_id: format!("A{}", owner_id(bucket.owner)[..13].to_ascii_uppercase()),
                },
                arn: format!("arn:aws:s3:::{}", bucket.name),
            },
            object: AboutObject {
                key: encode_listed(change.key),
                size: object.map(|object| object.size),
                e_tag: object.map(|object| object.etag.clone()),
                sequencer: format!("{sequence:018X}"),
            },
        },
    };
    #[derive(Serialize)]
    struct Event<'a> {
        #[serde(rename = "Records")]
        records: [Record<'a>; 1],
    }
    serde_json::to_string(&Event { records: [record] })
}
