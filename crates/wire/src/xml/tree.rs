//! A document as a small tree, read with bounds on depth and number of elements.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::shape::ReadError;

/// How deep elements may nest.
const MAX_DEPTH: usize = 48;
/// How many elements a document may have: a DeleteObjects of 1,000 keys and CompleteMultipartUpload of 10,000 parts fit.
const MAX_ELEMENTS: usize = 120_000;

/// An element: local name, attributes by local name, text, children in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// The name without its prefix.
    pub name: String,
    /// Attributes without their prefixes; namespace declarations are left out.
    pub attributes: Vec<(String, String)>,
    /// All text directly inside, entities resolved.
    pub text: String,
    /// The elements inside.
    pub children: Vec<Element>,
}

/// What S3 says of XML that it does not take.
pub(crate) fn malformed() -> ReadError {
    ReadError::Syntax(
        "The XML you provided was not well-formed or did not validate against our published schema"
            .to_owned(),
    )
}

fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or(name).to_owned()
}

fn start(tag: &BytesStart<'_>) -> Result<Element, ReadError> {
    let mut element = Element { name: local(tag.name().as_ref()), ..Element::default() };
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|_| malformed())?;
        let name = attribute.key.as_ref();
        if name == "xmlns" || name.starts_with("xmlns:") {
            continue;
        }
        let value = quick_xml::escape::unescape(&attribute.value).map_err(|_| malformed())?;
        element.attributes.push((local(name), value.into_owned()));
    }
    Ok(element)
}

/// Reads a document's root element; `None` for an empty body.
pub fn parse(body: &[u8]) -> Result<Option<Element>, ReadError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let text = std::str::from_utf8(body).map_err(|_| malformed())?;
    // XML has control characters only as references.
    if body.iter().any(|byte| *byte < 32 && !matches!(byte, b'\t' | b'\n' | b'\r')) {
        return Err(malformed());
    }
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut stack: Vec<Element> = Vec::new();
    let mut root = None;
    let mut count = 0;
    loop {
        let event = reader.read_event().map_err(|_| malformed())?;
        let closed = match event {
            Event::Start(tag) if root.is_none() => {
                stack.push(start(&tag)?);
                None
            }
            Event::Empty(tag) if root.is_none() => Some(start(&tag)?),
            Event::End(_) => stack.pop(),
            Event::Text(text) => {
                push_text(&mut stack, text.as_ref())?;
                None
            }
            Event::CData(text) => {
                push_text(&mut stack, text.as_ref())?;
                None
            }
            Event::GeneralRef(name) => {
                push_reference(&mut stack, name.as_ref())?;
                None
            }
            Event::Eof if stack.is_empty() && root.is_some() => return Ok(root),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => None,
            _ => return Err(malformed()),
        };
        count += 1;
        if stack.len() > MAX_DEPTH || count > 4 * MAX_ELEMENTS {
            return Err(malformed());
        }
        if let Some(element) = closed {
            match stack.last_mut() {
                Some(parent) => parent.children.push(element),
                None => root = Some(element),
            }
        }
    }
}

/// Line ends are one newline each, however they were written; a carriage return that is meant comes as a reference.
fn push_text(stack: &mut [Element], text: &str) -> Result<(), ReadError> {
    match stack.last_mut() {
        Some(element) if text.contains('\r') => {
            element.text.push_str(&text.replace("\r\n", "\n").replace('\r', "\n"));
        }
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(malformed()),
    }
    Ok(())
}

fn push_reference(stack: &mut [Element], name: &str) -> Result<(), ReadError> {
    let resolved = quick_xml::escape::unescape(&format!("&{name};")).map_err(|_| malformed())?.into_owned();
    let element = stack.last_mut().ok_or_else(malformed)?;
    element.text.push_str(&resolved);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_become_trees() {
        let root =
            parse(b"<?xml version='1.0'?><a xmlns='x' p:t='1'>x &amp; y<b/><c>&#65;<![CDATA[<]]></c></a>");
        let root = root.unwrap().unwrap();
        assert_eq!((root.name.as_str(), root.text.as_str()), ("a", "x & y"));
        assert_eq!(root.attributes, [("t".to_owned(), "1".to_owned())]);
        assert_eq!(root.children[1].text, "A<");
    }

    #[test]
    fn what_is_not_well_formed_or_hostile_is_refused() {
        let deep = "<a>".repeat(60) + &"</a>".repeat(60);
        for bad in [
            "<a>",
            "<a></b>",
            "text",
            "<a/><b/>",
            "<a>&unknown;</a>",
            deep.as_str(),
            "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
        ] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(parse(b"  ").unwrap(), None);
    }
}
