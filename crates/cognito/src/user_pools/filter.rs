//! The filter of `ListUsers`: `attribute = "value"` or `attribute ^= "prefix"`.

use super::user_record::UserRecord;
use crate::error::Error;

/// What can be searched by.
const SEARCHABLE: [&str; 10] = [
    "username",
    "email",
    "phone_number",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "cognito:user_status",
    "status",
    "sub",
];

/// A parsed filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    attribute: String,
    value: String,
    prefix: bool,
}

impl Filter {
    /// Reads a filter; an empty text filters nothing.
    pub(crate) fn parse(text: &str) -> Result<Option<Filter>, Error> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let invalid = || Error::invalid("Error while parsing filter.");
        let (left, right) = text.split_once('=').ok_or_else(invalid)?;
        let (left, prefix) = match left.strip_suffix('^') {
            Some(left) => (left, true),
            None => (left, false),
        };
        let attribute = left.trim().trim_matches('"').to_owned();
        let value = unquote(right.trim()).ok_or_else(invalid)?;
        if !SEARCHABLE.contains(&attribute.as_str()) {
            return Err(Error::invalid("One or more requested attributes do not exist."));
        }
        Ok(Some(Filter { attribute, value, prefix }))
    }

    /// Whether a user passes.
    pub(crate) fn passes(&self, user: &UserRecord) -> bool {
        let enabled = if user.enabled { "Enabled" } else { "Disabled" };
        let found = match self.attribute.as_str() {
            "username" => Some(user.username.as_str()),
            "cognito:user_status" => Some(user.status.name()),
            "status" => Some(enabled),
            name => user.attribute(name),
        };
        found.is_some_and(
            |found| if self.prefix { found.starts_with(&self.value) } else { found == self.value },
        )
    }

    /// The `sub` or username that is the only one that can pass.
    pub(crate) fn single(&self) -> Option<&str> {
        let unique = matches!(self.attribute.as_str(), "username" | "sub") && !self.prefix;
        unique.then_some(self.value.as_str())
    }
}

/// The text between quotes, in which a backslash makes the next character ordinary.
fn unquote(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"').filter(|_| text.len() >= 2)?;
    let mut out = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return None,
            '\\' => out.push(characters.next()?),
            other => out.push(other),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user_pools::user_record::UserStatus;

    fn user() -> UserRecord {
        UserRecord {
            username: "ann".to_owned(),
            sub: "s-1".to_owned(),
            enabled: true,
            status: UserStatus::Confirmed,
            attributes: [("email".to_owned(), "a\"n@b.c".to_owned())].into(),
            created: nephos_core::Timestamp::default(),
            modified: nephos_core::Timestamp::default(),
            signed_out: nephos_core::Timestamp::default(),
        }
    }

    #[test]
    fn filters_pass_what_they_say() {
        for (text, passes) in [
            (r#"username = "ann""#, true),
            (r#"username="ann""#, true),
            (r#"username = "an""#, false),
            (r#"username ^= "an""#, true),
            (r#"email ^= "a\"n""#, true),
            (r#"name = "x""#, false),
            (r#"cognito:user_status = "CONFIRMED""#, true),
            (r#"status = "Enabled""#, true),
            (r#"status = "Disabled""#, false),
            (r#"sub = "s-1""#, true),
            (r#"name ^= """#, false),
        ] {
            assert_eq!(Filter::parse(text).unwrap().unwrap().passes(&user()), passes, "{text}");
        }
        assert_eq!(Filter::parse("").unwrap(), None);
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "username",
            "username = ann",
            r#"username = "ann"#,
            r#"username = ""#,
            r#"username = "a"b""#,
            r#"username > "a""#,
            r#"custom:x = "a""#,
            r#"username = "a\"#,
        ] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
    }
}
