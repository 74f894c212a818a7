//! Whose logs, and the names of groups and streams in the forms that callers use.

use nephos_core::{AccountId, Arn, Cx, Region};

use crate::Error;

/// The account and region that own a log group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
}

impl Owner {
    /// The owner of what a call is about.
    pub fn of(cx: &Cx) -> Owner {
        Owner { account: cx.account, region: cx.region.clone() }
    }

    /// `arn:aws:logs:REGION:ACCOUNT:log-group:GROUP`.
    pub fn group_arn(&self, group: &str) -> Arn {
        Arn::regional("logs", &self.region, self.account, format!("log-group:{group}"))
    }

    /// `arn:aws:logs:REGION:ACCOUNT:log-group:GROUP:log-stream:STREAM`; the form that policies match on, with an empty
    /// stream for what concerns the whole group.
    pub fn stream_arn(&self, group: &str, stream: &str) -> Arn {
        Arn::regional("logs", &self.region, self.account, format!("log-group:{group}:log-stream:{stream}"))
    }
}

/// The group that a call names, by name or by ARN (of which the last part may be `:*`). One of the two must be given.
pub fn group_of(name: Option<&str>, identifier: Option<&str>) -> Result<String, Error> {
    match (name, identifier) {
        (Some(_), Some(_)) => Err(Error::InvalidParameter(
            "LogGroup name and LogGroup ARN are mutually exclusive parameters.".to_owned(),
        )),
        (Some(name), None) => Ok(name.to_owned()),
        (None, Some(identifier)) => Ok(group_of_arn(identifier).unwrap_or(identifier).to_owned()),
        (None, None) => {
            Err(Error::InvalidParameter("Either LogGroup name or LogGroup ARN must be specified.".to_owned()))
        }
    }
}

/// The group's name in a group's ARN.
pub fn group_of_arn(arn: &str) -> Option<&str> {
    let resource = arn.strip_prefix("arn:aws:logs:")?.splitn(3, ':').nth(2)?;
    let group = resource.strip_prefix("log-group:")?;
    Some(group.strip_suffix(":*").unwrap_or(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_named_in_three_ways() {
        let arn = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f";
        assert_eq!(group_of_arn(arn), Some("/aws/lambda/f"));
        assert_eq!(group_of(None, Some(&format!("{arn}:*"))).unwrap(), "/aws/lambda/f");
        assert_eq!(group_of(Some("g"), None).unwrap(), "g");
        assert_eq!(group_of(None, Some("g")).unwrap(), "g");
        assert!(group_of(None, None).is_err());
        assert!(group_of(Some("g"), Some("g")).is_err());
    }
}
