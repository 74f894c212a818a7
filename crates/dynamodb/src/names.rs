//! Names of tables and indexes: parsed once, then trusted.

use nephos_core::{AccountId, Arn, Cx, Region};
use nephos_wire::{Field, Kind, Pattern, ReadError, Reader, Rules, Type, Value, Writer};

/// A table's name or ARN as a caller gave it. Answers say it the same way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct GivenName(pub String);

impl Field for GivenName {
    fn read(_: &'static Type, reader: &mut dyn Reader) -> Result<Self, ReadError> {
        reader.string().map(GivenName)
    }
}

impl Value for GivenName {
    fn write(&self, _: &'static Type, writer: &mut dyn Writer) {
        static NAME: Type = Type {
            name: "TableName",
            kind: Kind::String,
            rules: Rules {
                min: Some(1),
                max: Some(255),
                pattern: Some(Pattern::new("[a-zA-Z0-9_.-]+", r"\A[a-zA-Z0-9_.-]*\z")),
                values: &[],
                sensitive: false,
            },
        };
        static ARN: Type = Type {
            name: "TableArn",
            kind: Kind::String,
            rules: Rules { min: Some(1), max: Some(1024), pattern: None, values: &[], sensitive: false },
        };
        writer.string(if self.0.starts_with("arn:") { &ARN } else { &NAME }, &self.0);
    }
}

/// Where a table is, and what the caller called it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// The table's name.
    pub name: String,
}

impl TableName {
    /// Reads a table's name or ARN, as every operation takes either. An ARN may name another account's table.
    pub fn resolve(cx: &Cx, given: &str) -> TableName {
        TableName::from_arn(given).unwrap_or_else(|| TableName {
            account: cx.account,
            region: cx.region.clone(),
            name: given.to_owned(),
        })
    }

    /// Reads a table's ARN; what follows the table, such as an index, is left out.
    pub fn from_arn(text: &str) -> Option<TableName> {
        let arn: Arn = text.parse().ok().filter(|arn: &Arn| arn.service == "dynamodb")?;
        let name = arn.resource.strip_prefix("table/")?.split('/').next().filter(|name| !name.is_empty())?;
        Some(TableName {
            account: arn.account_id()?,
            region: arn.region.parse().ok()?,
            name: name.to_owned(),
        })
    }

    /// The table's ARN.
    pub fn arn(&self) -> Arn {
        Arn::regional("dynamodb", &self.region, self.account, format!("table/{}", self.name))
    }

    /// The ARN of one of the table's indexes.
    pub fn index_arn(&self, index: &str) -> Arn {
        Arn::regional("dynamodb", &self.region, self.account, format!("table/{}/index/{index}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_name_tables_of_any_account() {
        let name =
            TableName::from_arn("arn:aws:dynamodb:eu-west-1:123456789012:table/notes/index/by-date").unwrap();
        assert_eq!(
            (name.name.as_str(), name.account.as_str(), name.region.as_str()),
            ("notes", "123456789012", "eu-west-1")
        );
        assert_eq!(
            name.index_arn("x").to_string(),
            "arn:aws:dynamodb:eu-west-1:123456789012:table/notes/index/x"
        );
        for other in ["notes", "arn:aws:s3:::notes", "arn:aws:dynamodb:eu-west-1:123456789012:table/", ""] {
            assert_eq!(TableName::from_arn(other), None, "{other}");
        }
    }
}
