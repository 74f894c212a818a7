//! Values as JSON, written straight from their stored bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nephos_wire::json::push_string;

use super::view::ValueRef;
use super::{AttributeValue, ItemRef, Kind, number_code};

/// Appends an item as a JSON object of tagged values.
pub fn write_item(item: ItemRef<'_>, out: &mut Vec<u8>) {
    write_object(item.entries(), out);
}

fn write_object<'a>(entries: impl Iterator<Item = (&'a str, ValueRef<'a>)>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (at, (name, value)) in entries.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push_string(out, name);
        out.push(b':');
        write_value(value, out);
    }
    out.push(b'}');
}

/// Appends a stored value with its tag, such as `{"N":"12"}`.
pub fn write_value(value: ValueRef<'_>, out: &mut Vec<u8>) {
    let kind = value.kind();
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(kind.name().as_bytes());
    out.extend_from_slice(b"\":");
    match kind {
        Kind::S | Kind::N | Kind::B => write_scalar(kind, value.payload(), out),
        Kind::Bool => out.extend_from_slice(if value.is_true() { b"true" } else { b"false" }),
        Kind::Null => out.extend_from_slice(b"true"),
        Kind::Ss => write_list(value.members(), out, |member, out| write_scalar(Kind::S, member, out)),
        Kind::Ns => write_list(value.members(), out, |member, out| write_scalar(Kind::N, member, out)),
        Kind::Bs => write_list(value.members(), out, |member, out| write_scalar(Kind::B, member, out)),
        Kind::L => write_list(value.elements(), out, write_value),
        Kind::M => write_object(value.entries(), out),
    }
    out.push(b'}');
}

fn write_list<T>(members: impl Iterator<Item = T>, out: &mut Vec<u8>, write: impl Fn(T, &mut Vec<u8>)) {
    out.push(b'[');
    for (at, member) in members.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(member, out);
    }
    out.push(b']');
}

fn write_scalar(kind: Kind, payload: &[u8], out: &mut Vec<u8>) {
    if kind == Kind::S {
        return push_string(out, &String::from_utf8_lossy(payload));
    }
    out.push(b'"');
    if kind == Kind::N {
        if let Some(number) = number_code::decode(payload) {
            number.write(out);
        }
    } else {
        push_base64(payload, out);
    }
    out.push(b'"');
}

fn push_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, b'=');
    // The room is exact, so that encoding cannot fail.
    let written = STANDARD.encode_slice(bytes, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
}

/// Appends a value that is not stored.
pub fn write_tree(value: &AttributeValue, out: &mut Vec<u8>) {
    let bytes = super::stored::encode_value(value);
    if let Some(value) = ValueRef::new(&bytes) {
        write_value(value, out);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{Attributes, Number};
    use super::*;

    #[test]
    fn values_are_tagged_and_escaped() {
        let value = AttributeValue::M(Attributes::from([
            ("b".to_owned(), AttributeValue::B(Bytes::from_static(&[0xFF, 0]))),
            ("bs".to_owned(), AttributeValue::Bs(vec![Bytes::new(), Bytes::from_static(b"abc")])),
            ("l".to_owned(), AttributeValue::L(vec![AttributeValue::Null, AttributeValue::Bool(false)])),
            ("n".to_owned(), AttributeValue::N(Number::parse("-1.50").unwrap())),
            ("ns".to_owned(), AttributeValue::Ns(vec![Number::from_u64(1), Number::from_u64(20)])),
            ("q\"".to_owned(), AttributeValue::S("a\n\"é".into())),
        ]));
        let mut out = Vec::new();
        write_tree(&value, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"M":{"b":{"B":"/wA="},"bs":{"BS":["","YWJj"]},"l":{"L":[{"NULL":true},{"BOOL":false}]},"n":{"N":"-1.5"},"ns":{"NS":["1","20"]},"q\"":{"S":"a\n\"é"}}}"#
        );
    }
}
