//! A pool's attributes: the standard ones of OpenID Connect, and the custom ones that the pool adds.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// What an attribute holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AttributeKind {
    /// Text.
    String,
    /// A whole number.
    Number,
    /// A moment.
    DateTime,
    /// `true` or `false`.
    Boolean,
}

impl AttributeKind {
    /// The API's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            AttributeKind::String => "String",
            AttributeKind::Number => "Number",
            AttributeKind::DateTime => "DateTime",
            AttributeKind::Boolean => "Boolean",
        }
    }

    /// Reads the API's name.
    pub(crate) fn parse(name: &str) -> Option<AttributeKind> {
        let all =
            [AttributeKind::String, AttributeKind::Number, AttributeKind::DateTime, AttributeKind::Boolean];
        all.into_iter().find(|kind| kind.name() == name)
    }
}

/// One attribute of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AttributeSchema {
    /// The full name: `email`, `custom:tenant`, `dev:custom:tier`.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) kind: AttributeKind,
    /// Whether only administrators see and set it.
    pub(crate) developer_only: bool,
    /// Whether it may change once it is set.
    pub(crate) mutable: bool,
    /// Whether every user must have it.
    pub(crate) required: bool,
    /// Least length of a text or least number, as it was given.
    pub(crate) min: Option<String>,
    /// Greatest length of a text or greatest number, as it was given.
    pub(crate) max: Option<String>,
}

/// Standard texts of up to 2,048 characters.
const TEXTS: [&str; 16] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "gender",
    "zoneinfo",
    "locale",
    "phone_number",
    "address",
    "birthdate",
];

/// The standard attributes as a new pool has them.
pub(crate) fn standard() -> Vec<AttributeSchema> {
    let attribute = |name: &str, kind, min: Option<&str>, max: Option<&str>| AttributeSchema {
        name: name.to_owned(),
        kind,
        developer_only: false,
        mutable: true,
        required: false,
        min: min.map(str::to_owned),
        max: max.map(str::to_owned),
    };
    let sub = AttributeSchema {
        mutable: false,
        required: true,
        ..attribute("sub", AttributeKind::String, Some("1"), Some("2048"))
    };
    let mut all = vec![sub];
    all.extend(TEXTS.map(|name| match name {
        "birthdate" => attribute(name, AttributeKind::String, Some("10"), Some("10")),
        _ => attribute(name, AttributeKind::String, Some("0"), Some("2048")),
    }));
    all.push(attribute("email_verified", AttributeKind::Boolean, None, None));
    all.push(attribute("phone_number_verified", AttributeKind::Boolean, None, None));
    all.push(attribute("updated_at", AttributeKind::Number, Some("0"), None));
    all.push(attribute("identities", AttributeKind::String, None, None));
    all
}

/// The most custom attributes of a pool.
const MAX_CUSTOM: usize = 50;

/// Adds an attribute as `CreateUserPool` and `AddCustomAttributes` are asked to: a standard name changes the standard
/// attribute, any other becomes a custom one.
pub(crate) fn add(schema: &mut Vec<AttributeSchema>, given: AttributeSchema) -> Result<(), Error> {
    if let Some(known) = schema.iter_mut().find(|known| known.name == given.name) {
        if given.name.starts_with("custom:") || given.name == "sub" {
            return Err(Error::invalid(format!("{}: Existing attribute already has name.", given.name)));
        }
        if known.kind != given.kind {
            return Err(Error::invalid(format!(
                "You can not change AttributeDataType of {} attribute.",
                given.name
            )));
        }
        let (min, max) = (given.min.or(known.min.take()), given.max.or(known.max.take()));
        *known = AttributeSchema { min, max, developer_only: false, ..given };
        return Ok(());
    }
    add_custom(schema, given)
}

/// Adds a custom attribute.
pub(crate) fn add_custom(schema: &mut Vec<AttributeSchema>, given: AttributeSchema) -> Result<(), Error> {
    let prefix = if given.developer_only { "dev:custom:" } else { "custom:" };
    let name = format!("{prefix}{}", given.name);
    if given.required {
        return Err(Error::invalid("Required custom attributes are not supported currently."));
    }
    if schema.iter().any(|known| known.name == name) {
        return Err(Error::invalid(format!("{name}: Existing attribute already has name {name}.")));
    }
    if schema.iter().filter(|known| known.name.contains("custom:")).count() >= MAX_CUSTOM {
        return Err(Error::LimitExceeded("Exceeded custom attributes limit.".to_owned()));
    }
    schema.push(AttributeSchema { name, ..given });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, kind: AttributeKind) -> AttributeSchema {
        AttributeSchema {
            name: name.to_owned(),
            kind,
            developer_only: false,
            mutable: true,
            required: false,
            min: None,
            max: None,
        }
    }

    #[test]
    fn a_standard_name_changes_the_standard_attribute() {
        let mut schema = standard();
        let count = schema.len();
        add(&mut schema, AttributeSchema { required: true, ..given("email", AttributeKind::String) })
            .unwrap();
        let email = schema.iter().find(|known| known.name == "email").unwrap();
        assert_eq!((schema.len(), email.required, email.max.as_deref()), (count, true, Some("2048")));
        assert!(add(&mut schema, given("email", AttributeKind::Number)).is_err());
        assert!(add(&mut schema, given("sub", AttributeKind::String)).is_err());
    }

    #[test]
    fn other_names_become_custom_attributes_once() {
        let mut schema = standard();
        add(&mut schema, given("tenant", AttributeKind::String)).unwrap();
        assert_eq!(schema.last().map(|a| a.name.as_str()), Some("custom:tenant"));
        assert!(add(&mut schema, given("tenant", AttributeKind::String)).is_err());
        let required = AttributeSchema { required: true, ..given("x", AttributeKind::Number) };
        assert!(add(&mut schema, required).is_err());
        let hidden = AttributeSchema { developer_only: true, ..given("tier", AttributeKind::Number) };
        add(&mut schema, hidden).unwrap();
        assert_eq!(schema.last().map(|a| a.name.as_str()), Some("dev:custom:tier"));
    }
}
