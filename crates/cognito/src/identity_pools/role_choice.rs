//! Which role an identity gets.

use serde_json::Value;

use super::logins::Login;
use super::pool_record::{Choice, IdentityPoolRecord, Mapping, Rule, Test};
use crate::error::Error;

/// The role of a guest, or of who has these logins. `custom` is the role that the caller wants of several.
pub(crate) fn choose(
    pool: &IdentityPoolRecord,
    logins: &[Login],
    custom: Option<&str>,
) -> Result<String, Error> {
    let default = |kind: &str| pool.roles.by_kind.get(kind).cloned().ok_or_else(misconfigured);
    if logins.is_empty() {
        return match custom {
            None => default("unauthenticated"),
            Some(_) => Err(Error::invalid("CustomRoleArn can't be given for unauthenticated identities.")),
        };
    }
    let mapped = logins.iter().find_map(|login| {
        let name = format!("{}:{}", login.provider, login.client);
        pool.roles.mappings.get(&name).map(|mapping| (login, mapping))
    });
    if let Some(custom) = custom {
        return offered(logins, mapped, custom);
    }
    let Some((login, mapping)) = mapped else { return default("authenticated") };
    match mapped_role(login, mapping) {
        Some(role) => Ok(role),
        None if mapping.deny_ambiguous == Some(true) => {
            Err(Error::not_authorized("Access to the role is denied by the identity pool's role mapping."))
        }
        None => default("authenticated"),
    }
}

/// `Invalid identity pool configuration. Check assigned IAM roles for this pool.`
pub(crate) fn misconfigured() -> Error {
    Error::InvalidIdentityPoolConfiguration(
        "Invalid identity pool configuration. Check assigned IAM roles for this pool.".to_owned(),
    )
}

/// The role that the caller wants, if the token offers it and the pool takes roles from tokens.
fn offered(logins: &[Login], mapped: Option<(&Login, &Mapping)>, custom: &str) -> Result<String, Error> {
    let by_token = mapped.is_some_and(|(_, mapping)| matches!(mapping.choice, Choice::Token));
    let offers = logins.iter().any(|login| token_roles(login).any(|role| role == custom));
    if by_token && offers {
        return Ok(custom.to_owned());
    }
    Err(Error::not_authorized("CustomRoleArn is not one of the roles that the token offers."))
}

fn mapped_role(login: &Login, mapping: &Mapping) -> Option<String> {
    match &mapping.choice {
        Choice::Rules(rules) => {
            rules.iter().find(|rule| passes(rule, login)).map(|rule| rule.role_arn.clone())
        }
        Choice::Token => match login.text("cognito:preferred_role") {
            Some(role) => Some(role.to_owned()),
            None => {
                let mut roles = token_roles(login);
                let only = roles.next().filter(|_| roles.next().is_none());
                only.map(str::to_owned)
            }
        },
    }
}

fn token_roles(login: &Login) -> impl Iterator<Item = &str> {
    login
        .claims
        .get("cognito:roles")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn passes(rule: &Rule, login: &Login) -> bool {
    let Some(claim) = login.claims.get(&rule.claim) else { return false };
    let texts: Vec<String> = match claim {
        Value::Array(values) => values.iter().map(as_text).collect(),
        other => vec![as_text(other)],
    };
    let holds = |text: &String| match rule.test {
        Test::Equals => *text == rule.value,
        Test::NotEqual => *text != rule.value,
        Test::Contains => text.contains(&rule.value),
        Test::StartsWith => text.starts_with(&rule.value),
    };
    // A list is another value only if none of it is the value.
    if rule.test == Test::NotEqual { texts.iter().all(holds) } else { texts.iter().any(holds) }
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
