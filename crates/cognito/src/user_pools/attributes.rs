//! Attributes as callers give them, checked against the pool's schema and the client's permissions.

use std::collections::BTreeMap;

use nephos_core::Timestamp;

use super::client_record::ClientRecord;
use super::contact::Contact;
use super::pool_record::PoolRecord;
use super::schema::{AttributeKind, AttributeSchema};
use super::user_record::UserRecord;
use crate::error::Error;

/// Who sets attributes.
#[derive(Clone, Copy)]
pub(crate) enum By<'a> {
    /// A user through a client, which must have the right to write them.
    Client(&'a ClientRecord),
    /// An administrator.
    Admin,
}

/// Attributes to set; an empty value removes.
pub(crate) type Given = BTreeMap<String, String>;

/// Checks names, permissions and values.
pub(crate) fn check(pool: &PoolRecord, given: &Given, by: By<'_>) -> Result<(), Error> {
    for (name, value) in given {
        let Some(schema) = pool.attribute(name) else {
            return Err(Error::invalid(format!(
                "Attributes did not conform to the schema: Type for attribute {{{name}}} could not be determined\n"
            )));
        };
        if let By::Client(client) = by
            && !client.writes(name)
        {
            return Err(Error::not_authorized("A client attempted to write unauthorized attribute"));
        }
        if name == "sub" || name == "identities" {
            return Err(Error::invalid(format!("user.{name}: Attribute cannot be updated.\n")));
        }
        check_value(schema, value)?;
    }
    Ok(())
}

/// Checks that every required attribute is there.
pub(crate) fn check_required(pool: &PoolRecord, attributes: &BTreeMap<String, String>) -> Result<(), Error> {
    let missing = missing_required(pool, attributes);
    let Some(name) = missing.first() else { return Ok(()) };
    Err(nonconforming(name, "The attribute is required"))
}

/// The required attributes that are not there.
pub(crate) fn missing_required<'a>(
    pool: &'a PoolRecord,
    attributes: &BTreeMap<String, String>,
) -> Vec<&'a str> {
    let required = pool.schema.iter().filter(|schema| schema.required && schema.name != "sub");
    required.map(|schema| schema.name.as_str()).filter(|name| !attributes.contains_key(*name)).collect()
}

/// Sets attributes on a user that exists: immutable ones stay, contacts lose their verification when they change.
pub(crate) fn apply(pool: &PoolRecord, user: &mut UserRecord, given: &Given) -> Result<(), Error> {
    for (name, value) in given {
        let schema = pool.attribute(name);
        let known = user.attributes.get(name);
        if schema.is_some_and(|schema| !schema.mutable) && known.is_some_and(|known| known != value) {
            return Err(Error::invalid(format!("user.{name}: Attribute cannot be updated.\n")));
        }
        if value.is_empty() && schema.is_some_and(|schema| schema.required) {
            return Err(nonconforming(name, "The attribute is required"));
        }
        let changed = known != Some(value);
        if let Some(contact) = Contact::parse(name)
            && changed
        {
            set_verified(user, contact, given.get(contact.verified_attribute()).map(String::as_str));
        }
        set(&mut user.attributes, name, value);
    }
    Ok(())
}

fn set_verified(user: &mut UserRecord, contact: Contact, verified: Option<&str>) {
    let name = contact.verified_attribute().to_owned();
    user.attributes.insert(name, verified.unwrap_or("false").to_owned());
}

/// Sets one attribute; an empty value removes it, and a contact's verification with it.
fn set(attributes: &mut BTreeMap<String, String>, name: &str, value: &str) {
    if !value.is_empty() {
        attributes.insert(name.to_owned(), value.to_owned());
        return;
    }
    attributes.remove(name);
    if let Some(contact) = Contact::parse(name) {
        attributes.remove(contact.verified_attribute());
    }
}

fn check_value(schema: &AttributeSchema, value: &str) -> Result<(), Error> {
    if value.is_empty() {
        return Ok(());
    }
    match Contact::parse(&schema.name) {
        Some(Contact::Email) if !Contact::Email.accepts(value) => {
            return Err(Error::invalid("Invalid email address format."));
        }
        Some(Contact::PhoneNumber) if !Contact::PhoneNumber.accepts(value) => {
            return Err(Error::invalid("Invalid phone number format."));
        }
        _ => {}
    }
    let bound = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<i128>().ok());
    let (min, max) = (bound(&schema.min), bound(&schema.max));
    let complaint = match schema.kind {
        AttributeKind::String => length_complaint(value, min, max),
        AttributeKind::Number => number_complaint(value, min, max),
        AttributeKind::Boolean if !matches!(value, "true" | "false") => {
            Some("Value must be true or false".to_owned())
        }
        AttributeKind::DateTime if !is_moment(value) => Some("Value must be a moment in time".to_owned()),
        AttributeKind::Boolean | AttributeKind::DateTime => None,
    };
    complaint.map_or(Ok(()), |complaint| Err(nonconforming(&schema.name, &complaint)))
}

fn length_complaint(value: &str, min: Option<i128>, max: Option<i128>) -> Option<String> {
    let length = value.chars().count() as i128;
    if let Some(min) = min.filter(|min| length < *min) {
        return Some(format!("String must be no shorter than {min} characters"));
    }
    max.filter(|max| length > *max).map(|max| format!("String must be no longer than {max} characters"))
}

fn number_complaint(value: &str, min: Option<i128>, max: Option<i128>) -> Option<String> {
    let Ok(number) = value.parse::<i128>() else { return Some("Value must be a number".to_owned()) };
    if let Some(min) = min.filter(|min| number < *min) {
        return Some(format!("Number must be no less than {min}"));
    }
    max.filter(|max| number > *max).map(|max| format!("Number must be no greater than {max}"))
}

/// ISO 8601, or milliseconds since 1970.
fn is_moment(value: &str) -> bool {
    Timestamp::parse_iso8601(value).is_some() || value.parse::<i64>().is_ok()
}

fn nonconforming(name: &str, complaint: &str) -> Error {
    Error::invalid(format!("Attributes did not conform to the schema: {name}: {complaint}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user_pools::schema;

    fn attribute(kind: AttributeKind, min: &str, max: &str) -> AttributeSchema {
        let mut all = schema::standard();
        let mut nickname = all.remove(5);
        (nickname.kind, nickname.min, nickname.max) = (kind, Some(min.to_owned()), Some(max.to_owned()));
        nickname
    }

    #[test]
    fn values_meet_their_constraints() {
        for (kind, value, good) in [
            (AttributeKind::String, "ab", true),
            (AttributeKind::String, "a", false),
            (AttributeKind::String, "abcdef", false),
            (AttributeKind::String, "äöüß€", true),
            (AttributeKind::Number, "2", true),
            (AttributeKind::Number, "5", true),
            (AttributeKind::Number, "1", false),
            (AttributeKind::Number, "6", false),
            (AttributeKind::Number, "two", false),
            (AttributeKind::Boolean, "true", true),
            (AttributeKind::Boolean, "yes", false),
            (AttributeKind::DateTime, "2026-11-22T00:00:00Z", true),
            (AttributeKind::DateTime, "1795350896789", true),
            (AttributeKind::DateTime, "soon", false),
            (AttributeKind::String, "", true),
        ] {
            assert_eq!(check_value(&attribute(kind, "2", "5"), value).is_ok(), good, "{kind:?} {value}");
        }
    }
}
