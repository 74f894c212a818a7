//! Faults in each protocol's own form.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use nephos_core::fault::FaultMember;
use nephos_core::{Fault, RequestId};

use crate::json::push_string;
use crate::rest::insert;
use crate::schema::{Protocol, ServiceModel};
use crate::service::Response;
use crate::xml::XmlWriter;
use crate::{Body, ReadError};

impl ServiceModel {
    /// An unreadable body, as this protocol's services name it.
    pub fn unreadable(&self, error: ReadError) -> Fault {
        let text = error.to_string();
        match (error, self.protocol) {
            (ReadError::Fault(fault), _) => *fault,
            (_, Protocol::RestXml) => Fault::new("MalformedXML", text),
            (_, Protocol::Query) => Fault::new("MalformedInput", text),
            (_, Protocol::RestJson) => Fault::new(
                "InvalidRequestContentException",
                format!("Could not parse request body into json: {text}"),
            ),
            (ReadError::Syntax(_), _) => Fault::new("SerializationException", ""),
            (_, _) => Fault::new("SerializationException", text),
        }
    }

    /// The code and status that this protocol's services give a refusal.
    pub fn refusal(&self, message: String) -> Fault {
        match self.protocol {
            Protocol::AwsJson10 | Protocol::AwsJson11 => Fault::new("AccessDeniedException", message),
            Protocol::RestJson => Fault::new("AccessDeniedException", message).status(403),
            Protocol::Query | Protocol::RestXml => Fault::new("AccessDenied", message).status(403),
        }
    }

    /// What an unsigned call is told where a signature is needed.
    pub fn unsigned(&self) -> Fault {
        match self.protocol {
            Protocol::AwsJson10 | Protocol::AwsJson11 => {
                Fault::new("MissingAuthenticationTokenException", "Missing Authentication Token")
            }
            Protocol::RestJson => {
                Fault::new("MissingAuthenticationTokenException", "Missing Authentication Token").status(403)
            }
            Protocol::Query => {
                Fault::new("MissingAuthenticationToken", "Request is missing Authentication Token")
                    .status(403)
            }
            Protocol::RestXml => Fault::new("AccessDenied", "Access Denied").status(403),
        }
    }

    /// `__type`: the code with the namespace that the service puts before it.
    fn error_type(&self, code: &str) -> String {
        if self.error_namespace.is_empty() {
            return code.to_owned();
        }
        let namespace = if code == "ValidationException" {
            "com.amazon.coral.validate"
        } else if self.errors.iter().any(|(name, _)| *name == code) {
            self.error_namespace
        } else {
            "com.amazon.coral.service"
        };
        format!("{namespace}#{code}")
    }
}

/// A fault as an answer.
pub fn response(model: &ServiceModel, fault: &Fault, request_id: &RequestId) -> Response {
    let mut headers = HeaderMap::new();
    let body = match model.protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RestJson => {
            // Browsers and the JavaScript SDK read the code from this header.
            insert(&mut headers, "x-amzn-errortype", &fault.code);
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(model.protocol)));
            json(model, fault)
        }
        Protocol::Query => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
            query(model, fault, request_id).into_bytes()
        }
        Protocol::RestXml => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
            rest_xml(fault, request_id).into_bytes()
        }
    };
    for (name, value) in &fault.headers {
        insert(&mut headers, name, value);
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}

/// The content type of a protocol's bodies.
pub const fn content_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::AwsJson10 => "application/x-amz-json-1.0",
        Protocol::AwsJson11 => "application/x-amz-json-1.1",
        Protocol::RestJson => "application/json",
        Protocol::RestXml => "application/xml",
        Protocol::Query => "text/xml",
    }
}

fn json(model: &ServiceModel, fault: &Fault) -> Vec<u8> {
    let mut out = b"{".to_vec();
    let mut first = true;
    let mut key = |out: &mut Vec<u8>, name: &str| {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        push_string(out, name);
        out.push(b':');
    };
    if model.protocol == Protocol::RestJson {
        key(&mut out, "Type");
        push_string(&mut out, if fault.status < 500 { "User" } else { "Service" });
    } else {
        key(&mut out, "__type");
        push_string(&mut out, &model.error_type(&fault.code));
    }
    // Coral spells this one with a capital.
    let capital = model.protocol == Protocol::RestJson || fault.code == "SerializationException";
    if !(fault.message.is_empty() && fault.code == "SerializationException") {
        key(&mut out, if capital { "Message" } else { "message" });
        push_string(&mut out, &fault.message);
    }
    if model.protocol == Protocol::RestJson {
        key(&mut out, "message");
        push_string(&mut out, &fault.message);
    }
    for (name, member) in fault.members.iter().filter(|(name, _)| *name != "Type") {
        key(&mut out, name);
        match member {
            FaultMember::Text(text) => push_string(&mut out, text),
            FaultMember::Json(json) => out.extend_from_slice(json.as_bytes()),
        }
    }
    out.push(b'}');
    out
}

fn text_members(fault: &Fault) -> impl Iterator<Item = (&'static str, &str)> {
    fault.members.iter().filter_map(|(name, member)| match member {
        FaultMember::Text(text) => Some((*name, text.as_str())),
        FaultMember::Json(_) => None,
    })
}

fn query(model: &ServiceModel, fault: &Fault, request_id: &RequestId) -> String {
    let mut xml = XmlWriter::default();
    xml.open("ErrorResponse", model.xml_namespace);
    xml.open("Error", None);
    xml.leaf("Type", if fault.status < 500 { "Sender" } else { "Receiver" });
    xml.leaf("Code", &fault.code);
    xml.leaf("Message", &fault.message);
    text_members(fault).for_each(|(name, text)| xml.leaf(name, text));
    xml.close("Error");
    xml.leaf("RequestId", request_id.as_str());
    xml.close("ErrorResponse");
    xml.finish()
}

fn rest_xml(fault: &Fault, request_id: &RequestId) -> String {
    let mut xml = XmlWriter::default();
    xml.open("Error", None);
    xml.leaf("Code", &fault.code);
    xml.leaf("Message", &fault.message);
    text_members(fault).for_each(|(name, text)| xml.leaf(name, text));
    xml.leaf("RequestId", request_id.as_str());
    xml.leaf("HostId", &host_id(request_id));
    xml.close("Error");
    xml.finish()
}

/// S3's second id, which names the server that answered; ours is derived from the request's id.
pub fn host_id(request_id: &RequestId) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(format!("nephos/{request_id}"))
}
