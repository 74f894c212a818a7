//! From an operation's name and its input as JSON to a request, by the service's model.
//!
//! It is written apart from the codecs under test and shares only the models' tables with them. Blobs that are the
//! body by themselves are given as plain text; everywhere else as the protocol wants them.

use nephos_wire::form;
use nephos_wire::schema::{Kind, Location, Member, Operation, Structure, Type};
use nephos_wire::{Protocol, ServiceModel};
use serde_json::{Map, Value};

use crate::call::Call;

/// The member that holds a streamed body; the models' tables do not have it.
const STREAM: &str = "Body";

/// The request.
#[track_caller]
pub fn encode(service: &'static ServiceModel, operation: &str, input: &Value) -> Call {
    let known = service.operations.iter().find(|known| known.name == operation);
    let operation = known.unwrap_or_else(|| panic!("{} has no operation {operation}", service.name));
    match service.protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            let prefix = service.target_prefix.unwrap_or_default();
            let version = if service.protocol == Protocol::AwsJson10 { "1.0" } else { "1.1" };
            Call::target(&format!("{prefix}.{}", operation.name), input.to_string())
                .header("content-type", &format!("application/x-amz-json-{version}"))
        }
        Protocol::Query => form_of(service, operation, input),
        Protocol::RestJson | Protocol::RestXml if operation.streaming_input => {
            let mut input = input.clone();
            let body = input.as_object_mut().and_then(|input| input.remove(STREAM)).unwrap_or_default();
            rest(service, operation, &input).body(body.as_str().unwrap_or_default().to_owned())
        }
        Protocol::RestJson | Protocol::RestXml => rest(service, operation, input),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn form_of(service: &ServiceModel, operation: &Operation, input: &Value) -> Call {
    let mut pairs = vec![
        ("Action".to_owned(), operation.name.to_owned()),
        ("Version".to_owned(), service.api_version.to_owned()),
    ];
    form_members("", operation.input, input, &mut pairs);
    Call::form(query_string(&pairs))
}

fn query_string(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", form::encode(name), form::encode(value))).collect();
    pairs.join("&")
}

fn form_members(prefix: &str, schema: &Structure, value: &Value, out: &mut Vec<(String, String)>) {
    for (member, value) in given(schema, value) {
        form_value(&format!("{prefix}{}", member.wire), member.ty, value, out);
    }
}

fn form_value(name: &str, ty: &Type, value: &Value, out: &mut Vec<(String, String)>) {
    match (&ty.kind, value) {
        (Kind::Structure(schema), value) => form_members(&format!("{name}."), schema, value, out),
        (Kind::List { member, name: element, flattened }, Value::Array(list)) => {
            let base = if *flattened { name.to_owned() } else { format!("{name}.{element}") };
            if list.is_empty() {
                out.push((name.to_owned(), String::new()));
            }
            for (index, value) in list.iter().enumerate() {
                form_value(&format!("{base}.{}", index + 1), member, value, out);
            }
        }
        (Kind::Map { key, value: of, key_name, value_name, flattened }, Value::Object(map)) => {
            let base = if *flattened { name.to_owned() } else { format!("{name}.entry") };
            for (index, (entry, value)) in map.iter().enumerate() {
                let base = format!("{base}.{}", index + 1);
                form_value(&format!("{base}.{key_name}"), key, &Value::from(entry.as_str()), out);
                form_value(&format!("{base}.{value_name}"), of, value, out);
            }
        }
        (_, value) => out.push((name.to_owned(), plain(value))),
    }
}

/// The members that the input gives, in the model's order. A member that the model does not have is a test's mistake.
fn given<'a>(schema: &'a Structure, value: &'a Value) -> Vec<(&'a Member, &'a Value)> {
    let empty = Map::new();
    let map = value.as_object().unwrap_or(&empty);
    for name in map.keys() {
        let known = schema.members.iter().any(|member| member.name == name);
        assert!(known, "{} has no member {name}", schema.name);
    }
    let found = schema.members.iter();
    found.filter_map(|member| Some((member, value.get(member.name)?))).collect()
}

fn rest(service: &ServiceModel, operation: &Operation, input: &Value) -> Call {
    let (template, literal) = operation.uri.split_once('?').unwrap_or((operation.uri, ""));
    let mut path = template.to_owned();
    let mut query: Vec<(String, String)> = literal
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut call = Call::new(operation.method, "/");
    for (member, value) in given(operation.input, input) {
        match member.location {
            Location::Uri => {
                path = path
                    .replace(&format!("{{{}}}", member.wire), &form::encode(&plain(value)))
                    .replace(&format!("{{{}+}}", member.wire), &form::encode_path(&plain(value)));
            }
            Location::Query => in_query(member, value, &mut query),
            Location::Header => call = call.header(member.wire, &plain(value)),
            Location::Headers => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    call = call.header(&format!("{}{name}", member.wire), &plain(value));
                }
            }
            Location::Body | Location::Status => {}
        }
    }
    call.path = path;
    call.query = query_string(&query);
    with_body(service, operation.input, input, call)
}

fn in_query(member: &Member, value: &Value, query: &mut Vec<(String, String)>) {
    match value {
        Value::Array(list) => query.extend(list.iter().map(|value| (member.wire.to_owned(), plain(value)))),
        Value::Object(map) => query.extend(map.iter().map(|(name, value)| (name.clone(), plain(value)))),
        value => query.push((member.wire.to_owned(), plain(value))),
    }
}

fn with_body(service: &ServiceModel, schema: &'static Structure, input: &Value, call: Call) -> Call {
    let is_xml = service.protocol == Protocol::RestXml;
    if let Some(member) = schema.payload.map(|index| &schema.members[index]) {
        let Some(value) = input.get(member.name) else { return call };
        return match member.ty.kind {
            Kind::Structure(_) if is_xml => {
                let mut xml = String::new();
                xml_value(member.wire, member.ty, value, &mut xml);
                call.header("content-type", "application/xml").body(xml)
            }
            Kind::Structure(_) => call.header("content-type", "application/json").body(value.to_string()),
            _ => call.body(plain(value)),
        };
    }
    let body: Map<String, Value> = given(schema, input)
        .into_iter()
        .filter(|(member, _)| member.location == Location::Body)
        .map(|(member, value)| (member.wire.to_owned(), value.clone()))
        .collect();
    let expects_body = schema.members.iter().any(|member| member.location == Location::Body);
    if !expects_body || is_xml {
        return call;
    }
    call.header("content-type", "application/json").body(Value::Object(body).to_string())
}

fn xml_value(name: &str, ty: &Type, value: &Value, out: &mut String) {
    match (&ty.kind, value) {
        (Kind::Structure(schema), value) => {
            out.push_str(&format!("<{name}>"));
            for (member, value) in given(schema, value) {
                xml_value(member.wire, member.ty, value, out);
            }
            out.push_str(&format!("</{name}>"));
        }
        (Kind::List { member, name: element, flattened }, Value::Array(list)) => {
            if *flattened {
                return list.iter().for_each(|value| xml_value(name, member, value, out));
            }
            out.push_str(&format!("<{name}>"));
            list.iter().for_each(|value| xml_value(element, member, value, out));
            out.push_str(&format!("</{name}>"));
        }
        (_, value) => {
            let text = plain(value).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            out.push_str(&format!("<{name}>{text}</{name}>"));
        }
    }
}
