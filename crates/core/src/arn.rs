//! Amazon Resource Names: `arn:partition:service:region:account:resource`.

use std::fmt;
use std::str::FromStr;

use crate::names::{AccountId, InvalidName, Region};

/// A parsed ARN. Region and account may be empty, as in `arn:aws:s3:::bucket`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arn {
    /// The service's namespace, such as `dynamodb`.
    pub service: String,
    /// The region, or empty.
    pub region: String,
    /// The account id, or empty.
    pub account: String,
    /// Everything after the fifth colon; may hold colons and slashes itself.
    pub resource: String,
}

impl Arn {
    /// The one partition that Nephos has.
    pub const PARTITION: &'static str = "aws";

    /// A regional resource's ARN.
    pub fn regional(service: &str, region: &Region, account: AccountId, resource: impl Into<String>) -> Self {
        Arn {
            service: service.to_owned(),
            region: region.as_str().to_owned(),
            account: account.as_str().to_owned(),
            resource: resource.into(),
        }
    }

    /// The ARN of a resource that has an account but no region, such as a role's.
    pub fn global(service: &str, account: AccountId, resource: impl Into<String>) -> Self {
        Arn {
            service: service.to_owned(),
            region: String::new(),
            account: account.as_str().to_owned(),
            resource: resource.into(),
        }
    }

    /// An S3 bucket's or object's ARN, which has neither region nor account.
    pub fn s3(resource: impl Into<String>) -> Self {
        Arn {
            service: "s3".to_owned(),
            region: String::new(),
            account: String::new(),
            resource: resource.into(),
        }
    }

    /// The account, where the ARN has a well-formed one.
    pub fn account_id(&self) -> Option<AccountId> {
        self.account.parse().ok()
    }
}

impl FromStr for Arn {
    type Err = InvalidName;

    fn from_str(s: &str) -> Result<Self, InvalidName> {
        let invalid = || InvalidName {
            expected: "an ARN of the form arn:aws:service:region:account:resource",
            got: s.to_owned(),
        };
        let mut parts = s.splitn(6, ':');
        let mut next = || parts.next().ok_or_else(invalid);
        let (scheme, partition) = (next()?, next()?);
        let (service, region, account, resource) = (next()?, next()?, next()?, next()?);
        if scheme != "arn" || partition != Arn::PARTITION || service.is_empty() || resource.is_empty() {
            return Err(invalid());
        }
        Ok(Arn {
            service: service.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            resource: resource.to_owned(),
        })
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Arn { service, region, account, resource } = self;
        write!(f, "arn:{}:{service}:{region}:{account}:{resource}", Arn::PARTITION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_round_trip() {
        for text in [
            "arn:aws:dynamodb:us-east-1:000000000000:table/notes/index/by:date",
            "arn:aws:s3:::bucket/key with spaces",
            "arn:aws:iam::123456789012:role/path/name",
        ] {
            assert_eq!(text.parse::<Arn>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_arn_is_refused() {
        for bad in ["", "arn", "arn:aws:s3::", "arn:aws:s3:::", "urn:aws:s3:::b", "arn:elsewhere:s3:::b"] {
            assert!(bad.parse::<Arn>().is_err(), "{bad}");
        }
    }
}
