//! A client's side of the REST protocols: where each member of an input travels.

use http::{HeaderMap, Method};
use nephos_wire::text::TextWriter;
use nephos_wire::{
    Body, Kind, Location, Operation, Protocol, Request, Shape, TimestampFormat, Type, Value, Writer, form,
    json, rest, xml,
};

/// `input` as a request of `operation`, with its body in the protocol's form.
pub fn request(protocol: Protocol, operation: &'static Operation, input: &dyn Shape) -> Request {
    let (template, literal) = operation.uri.split_once('?').unwrap_or((operation.uri, ""));
    let (mut path, mut query) = (template.to_owned(), form::parse(literal));
    for (index, member) in input.schema().members.iter().enumerate() {
        let Some(value) = input.value(index) else { continue };
        let text = |value: &dyn Value, ty| TextWriter::render(value, ty, TimestampFormat::Iso8601);
        match member.location {
            Location::Uri => {
                let text = text(value, member.ty);
                path = path.replace(&format!("{{{}}}", member.wire), &form::encode(&text));
                path = path.replace(&format!("{{{}+}}", member.wire), &form::encode_path(&text));
            }
            Location::Query if matches!(member.ty.kind, Kind::List { .. }) => {
                query.extend(
                    take(protocol, "", value, member.ty)
                        .members
                        .into_iter()
                        .map(|text| (member.wire.to_owned(), text)),
                );
            }
            Location::Query => query.push((member.wire.to_owned(), text(value, member.ty))),
            _ => {}
        }
    }
    let mut headers = HeaderMap::new();
    rest::write(input, &mut headers);
    let body = if input.schema().members.iter().any(|member| member.location == Location::Body) {
        body(protocol, input)
    } else {
        Vec::new()
    };
    Request {
        method: Method::from_bytes(operation.method.as_bytes()).unwrap(),
        path,
        query,
        headers,
        labels: vec![],
        body: Body::from(body),
    }
}

/// The body members as a document, or the payload by itself.
fn body(protocol: Protocol, input: &dyn Shape) -> Vec<u8> {
    let Some(index) = input.schema().payload else {
        return match protocol {
            Protocol::RestXml => {
                let mut xml = xml::XmlWriter::default();
                xml.element("Request", Some("urn:x"), input);
                xml.finish().into_bytes()
            }
            _ => json::write(input),
        };
    };
    let member = &input.schema().members[index];
    let Some(value) = input.value(index) else { return Vec::new() };
    if let Some(bytes) = rest::payload_bytes(input, index) {
        return bytes;
    }
    take(protocol, member.wire, value, member.ty).document
}

/// Takes a payload that is a structure, or the texts of a list's members.
struct Taken {
    protocol: Protocol,
    name: &'static str,
    document: Vec<u8>,
    members: Vec<String>,
}

fn take(protocol: Protocol, name: &'static str, value: &dyn Value, ty: &'static Type) -> Taken {
    let mut taken = Taken { protocol, name, document: Vec::new(), members: Vec::new() };
    value.write(ty, &mut taken);
    taken
}

impl Writer for Taken {
    fn structure(&mut self, _: &'static Type, value: &dyn Shape) {
        self.document = if self.protocol == Protocol::RestXml {
            let mut xml = xml::XmlWriter::default();
            xml.element(self.name, None, value);
            xml.finish().into_bytes()
        } else {
            json::write(value)
        };
    }
    fn list(&mut self, _: &'static Type, length: usize, member: &mut dyn FnMut(usize, &mut dyn Writer)) {
        for index in 0..length {
            let mut writer = TextWriter { text: String::new(), format: TimestampFormat::Iso8601 };
            member(index, &mut writer);
            self.members.push(writer.text);
        }
    }
    fn string(&mut self, _: &'static Type, _: &str) {}
    fn boolean(&mut self, _: &'static Type, _: bool) {}
    fn integer(&mut self, _: &'static Type, _: i64) {}
    fn double(&mut self, _: &'static Type, _: f64) {}
    fn blob(&mut self, _: &'static Type, _: &[u8]) {}
    fn timestamp(&mut self, _: &'static Type, _: nephos_core::Timestamp, _: Option<TimestampFormat>) {}
    fn map(&mut self, _: &'static Type, _: &mut dyn FnMut(&mut dyn FnMut(&str, &dyn Value))) {}
}
