//! Users as answers show them.

use std::collections::BTreeMap;

use super::shapes::{AttributeType, UserType};
use super::user_record::UserRecord;
use crate::error::Error;

/// Attributes as a list, `sub` first, without those that `shown` leaves out.
pub(crate) fn attributes(user: &UserRecord, shown: impl Fn(&str) -> bool) -> Vec<AttributeType> {
    let attribute = |name: &str, value: &str| AttributeType {
        name: Some(name.to_owned()),
        value: Some(value.to_owned()),
    };
    let mut list = Vec::with_capacity(user.attributes.len() + 1);
    if shown("sub") {
        list.push(attribute("sub", &user.sub));
    }
    let others = user.attributes.iter().filter(|(name, _)| shown(name));
    list.extend(others.map(|(name, value)| attribute(name, value)));
    list
}

/// A user in a list.
pub(crate) fn user(user: &UserRecord, shown: impl Fn(&str) -> bool) -> UserType {
    UserType {
        username: Some(user.username.clone()),
        attributes: Some(attributes(user, shown)),
        user_create_date: Some(user.created),
        user_last_modified_date: Some(user.modified),
        enabled: Some(user.enabled),
        user_status: Some(user.status.name().to_owned()),
        mfa_options: None,
    }
}

/// A list of attributes as a map; a name that comes twice is refused.
pub(crate) fn given(list: Option<Vec<AttributeType>>) -> Result<BTreeMap<String, String>, Error> {
    let mut map = BTreeMap::new();
    for AttributeType { name, value } in list.unwrap_or_default() {
        let name = name.ok_or_else(|| Error::missing("Name"))?;
        if map.insert(name.clone(), value.unwrap_or_default()).is_some() {
            return Err(Error::invalid(format!("Duplicate attribute name: {name}")));
        }
    }
    Ok(map)
}
