//! What came back, read the same way whatever the protocol was.

use bytes::Bytes;
use http::HeaderMap;
use nephos_wire::xml::{Element, parse};
use serde_json::Value;

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("expected JSON: {error}: {}", self.shown()),
        }
    }

    /// The body's root element.
    #[track_caller]
    pub fn xml(&self) -> Element {
        match parse(&self.body) {
            Ok(root) => root.unwrap_or_default(),
            Err(error) => panic!("expected XML: {error}: {}", self.shown()),
        }
    }

    /// The text of the first member or element of that name, however deep; none if there is none.
    pub fn find(&self, name: &str) -> Option<String> {
        if self.body.first() == Some(&b'<') {
            return in_xml(&parse(&self.body).ok()??, name);
        }
        in_json(&serde_json::from_slice(&self.body).ok()?, name)
    }

    /// The same, where it must be there.
    #[track_caller]
    pub fn get(&self, name: &str) -> String {
        self.find(name).unwrap_or_else(|| panic!("expected {name}: {}", self.shown()))
    }

    /// The texts of all elements of that name, or of the members of the JSON list of that name.
    pub fn all(&self, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        if self.body.first() == Some(&b'<') {
            all_in_xml(&self.xml(), name, &mut found);
        } else {
            all_in_json(&self.json(), name, &mut found);
        }
        found
    }

    /// The error's code; empty for a success.
    pub fn code(&self) -> String {
        let named = self.header("x-amzn-errortype");
        let code = if named.is_empty() { self.find("Code") } else { Some(named.to_owned()) };
        code.filter(|_| self.status >= 300).unwrap_or_default()
    }

    /// The error's text.
    pub fn message(&self) -> String {
        self.find("message").or_else(|| self.find("Message")).unwrap_or_default()
    }

    /// The same answer, which must be a success.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!((200..300).contains(&self.status), "expected a success: {}", self.shown());
        self
    }

    /// The same answer, which must be this error.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        let came = (self.status, self.code());
        assert_eq!(came, (status, code.to_owned()), "{}", self.shown());
        self
    }

    /// The same error, whose text must hold `part`.
    #[track_caller]
    pub fn saying(self, part: &str) -> Self {
        assert!(self.message().contains(part), "expected a text with {part:?}: {}", self.shown());
        self
    }

    /// For the text of a failure.
    pub fn shown(&self) -> String {
        format!("{} {}", self.status, self.text())
    }
}

fn in_xml(element: &Element, name: &str) -> Option<String> {
    if element.name == name {
        return Some(element.text.clone());
    }
    element.children.iter().find_map(|child| in_xml(child, name))
}

fn all_in_xml(element: &Element, name: &str, found: &mut Vec<String>) {
    if element.name == name {
        found.push(element.text.clone());
    }
    element.children.iter().for_each(|child| all_in_xml(child, name, found));
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn in_json(value: &Value, name: &str) -> Option<String> {
    match value {
        Value::Object(members) => match members.get(name) {
            Some(found) => Some(plain(found)),
            None => members.values().find_map(|member| in_json(member, name)),
        },
        Value::Array(members) => members.iter().find_map(|member| in_json(member, name)),
        _ => None,
    }
}

fn all_in_json(value: &Value, name: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::Array(list) if key == name => found.extend(list.iter().map(plain)),
                    member if key == name => found.push(plain(member)),
                    member => all_in_json(member, name, found),
                }
            }
        }
        Value::Array(members) => members.iter().for_each(|member| all_in_json(member, name, found)),
        _ => {}
    }
}
