//! Whose functions, and the many ways in which callers name one: `f`, `f:1`, `123456789012:function:f`, an ARN.

use nephos_core::{AccountId, Arn, Cx, Region};

use crate::Error;

/// The longest name of a function by itself.
const MAX_NAME: usize = 64;

/// The version that changes.
pub const LATEST: &str = "$LATEST";

/// The account and region that own a function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

impl Owner {
    /// The owner of what a call is about, unless it names another.
    pub fn of(cx: &Cx) -> Owner {
        Owner { account: cx.account, region: cx.region.clone() }
    }
}

/// A function, by owner and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FunctionId {
    /// Who owns it.
    pub owner: Owner,
    /// Its name.
    pub name: String,
}

impl FunctionId {
    /// `arn:aws:lambda:REGION:ACCOUNT:function:NAME`.
    pub fn arn(&self) -> Arn {
        self.qualified_arn(None)
    }

    /// The ARN with a version's or alias's name behind it.
    pub fn qualified_arn(&self, qualifier: Option<&str>) -> Arn {
        let resource = match qualifier {
            Some(qualifier) => format!("function:{}:{qualifier}", self.name),
            None => format!("function:{}", self.name),
        };
        Arn::regional("lambda", &self.owner.region, self.owner.account, resource)
    }
}

/// A function as a caller named it, perhaps with a version or alias.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The function.
    pub function: FunctionId,
    /// The version or alias, where one is named.
    pub qualifier: Option<String>,
}

impl Reference {
    /// Reads a `FunctionName` member. What the model's pattern allows, it has; so this only takes it apart.
    pub fn parse(cx: &Cx, text: Option<&str>, qualifier: Option<&str>) -> Result<Reference, Error> {
        let text = text.unwrap_or_default();
        let mut owner = Owner::of(cx);
        let mut rest = text;
        if let Some(tail) = text.strip_prefix("arn:aws:lambda:") {
            let (region, tail) = tail.split_once(':').ok_or_else(|| malformed(text))?;
            owner.region = region.parse().map_err(|_| malformed(text))?;
            rest = tail;
        }
        if let Some((account, tail)) = rest.split_once(':')
            && let Ok(account) = account.parse::<AccountId>()
        {
            (owner.account, rest) = (account, tail);
        }
        rest = rest.strip_prefix("function:").unwrap_or(rest);
        let (name, derived) = match rest.split_once(':') {
            Some((name, derived)) => (name, Some(derived)),
            None => (rest, None),
        };
        if owner.region != cx.region {
            return Err(Error::NotFound(format!(
                "Functions from '{}' are not reachable in this region ('{}')",
                owner.region, cx.region
            )));
        }
        check_name(name)?;
        let qualifier = match (derived, qualifier) {
            (Some(derived), Some(given)) if derived != given => {
                return Err(Error::InvalidParameter(
                    "The derived qualifier from the function name does not match the specified qualifier."
                        .to_owned(),
                ));
            }
            (derived, given) => given.or(derived).map(str::to_owned),
        };
        Ok(Reference { function: FunctionId { owner, name: name.to_owned() }, qualifier })
    }

    /// The ARN as the caller named it, which is also what policies match on.
    pub fn arn(&self) -> Arn {
        self.function.qualified_arn(self.qualifier.as_deref())
    }

    /// The function alone; a version or alias is refused where it has no meaning.
    pub fn unqualified(self) -> Result<FunctionId, Error> {
        match self.qualifier.as_deref() {
            None | Some(LATEST) => Ok(self.function),
            Some(qualifier) => Err(Error::InvalidParameter(format!(
                "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. \
                 Please specify either a function name or an unqualified function ARN; got the qualifier {qualifier}."
            ))),
        }
    }
}

fn malformed(text: &str) -> Error {
    Error::InvalidParameter(format!("Invalid function name: {text}"))
}

fn check_name(name: &str) -> Result<(), Error> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if name.len() > MAX_NAME {
        return Err(Error::Validation(format!(
            "1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: Member must have \
             length less than or equal to {MAX_NAME}"
        )));
    }
    if name.is_empty() || !name.bytes().all(legal) {
        return Err(malformed(name));
    }
    Ok(())
}

/// What a qualifier names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Qualifier {
    /// The version that changes.
    Latest,
    /// A published version.
    Version(u64),
    /// An alias.
    Alias(String),
}

impl Qualifier {
    /// Reads a qualifier; none means the version that changes.
    pub fn parse(text: Option<&str>) -> Qualifier {
        match text {
            None | Some(LATEST) => Qualifier::Latest,
            Some(text) => match text.parse::<u64>() {
                Ok(number) => Qualifier::Version(number),
                Err(_) => Qualifier::Alias(text.to_owned()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::cx;

    fn parse(text: &str, qualifier: Option<&str>) -> Result<(String, Option<String>), Error> {
        let reference = Reference::parse(&cx(), Some(text), qualifier)?;
        Ok((reference.function.arn().to_string(), reference.qualifier))
    }

    #[test]
    fn a_function_is_named_in_many_ways() {
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
        for (text, qualifier) in [
            ("f", None),
            ("f:1", Some("1")),
            ("f:$LATEST", Some("$LATEST")),
            ("function:f", None),
            ("000000000000:f:live", Some("live")),
            ("000000000000:function:f", None),
            (arn, None),
            (&format!("{arn}:live"), Some("live")),
        ] {
            let expected = (arn.to_owned(), qualifier.map(str::to_owned));
            assert_eq!(parse(text, None).unwrap(), expected, "{text}");
        }
        assert_eq!(parse("f", Some("2")).unwrap().1.as_deref(), Some("2"));
        let other = parse("arn:aws:lambda:us-east-1:123456789012:function:f", None).unwrap();
        assert_eq!(other.0, "arn:aws:lambda:us-east-1:123456789012:function:f");
    }

    #[test]
    fn contradictions_and_other_regions_are_refused() {
        assert!(parse("f:1", Some("2")).is_err());
        let other = parse("arn:aws:lambda:eu-west-1:000000000000:function:f", None).unwrap_err();
        assert_eq!(
            other.to_string(),
            "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
        );
        assert!(parse(&"a".repeat(65), None).is_err());
    }
}
