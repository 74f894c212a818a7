//! The policy document of a browser upload: what the signer lets the form say.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nephos_core::Timestamp;
use serde_json::Value;

/// Why an upload is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The document is malformed (`InvalidPolicyDocument`).
    #[error("Invalid Policy: {detail}")]
    Malformed {
        /// What is wrong.
        detail: &'static str,
    },
    /// The document's time is over.
    #[error("Invalid according to Policy: Policy expired.")]
    Expired,
    /// A condition does not hold.
    #[error("Invalid according to Policy: Policy Condition failed: {condition}")]
    Failed {
        /// The condition, as JSON.
        condition: String,
    },
    /// The form has a field that no condition speaks of.
    #[error("Invalid according to Policy: Extra input fields: {name}")]
    Extra {
        /// The field's name.
        name: String,
    },
}

enum Condition {
    Equal { field: String, value: String },
    StartsWith { field: String, prefix: String },
}

/// A policy document, parsed.
pub struct PostPolicy {
    expiration: Timestamp,
    conditions: Vec<Condition>,
    /// Smallest and largest size of the file in bytes, where the policy says one.
    pub content_length_range: Option<(u64, u64)>,
}

/// Fields that no condition needs to speak of.
const UNCONDITIONED: [&str; 4] = ["file", "policy", "x-amz-signature", "awsaccesskeyid"];
/// A document of more conditions than a form could need is refused.
const MAX_CONDITIONS: usize = 256;

fn malformed(detail: &'static str) -> PolicyError {
    PolicyError::Malformed { detail }
}

impl PostPolicy {
    /// Reads the document from the form's Base64.
    pub fn parse(base64: &str) -> Result<Self, PolicyError> {
        let bytes = STANDARD.decode(base64.trim()).map_err(|_| malformed("Invalid Base64 Encoding."))?;
        let json: Value = serde_json::from_slice(&bytes).map_err(|_| malformed("Invalid JSON."))?;
        let expiration = json.get("expiration").and_then(Value::as_str);
        let expiration = expiration.ok_or_else(|| malformed("Policy missing expiration."))?;
        let expiration =
            Timestamp::parse_iso8601(expiration).ok_or_else(|| malformed("Invalid 'expiration' value."))?;
        let list = json.get("conditions").and_then(Value::as_array);
        let list = list.ok_or_else(|| malformed("Policy missing conditions."))?;
        if list.len() > MAX_CONDITIONS {
            return Err(malformed("Too many conditions."));
        }
        let mut policy = PostPolicy { expiration, conditions: Vec::new(), content_length_range: None };
        for condition in list {
            policy.add(condition)?;
        }
        Ok(policy)
    }

    fn add(&mut self, condition: &Value) -> Result<(), PolicyError> {
        match condition {
            Value::Object(pairs) => {
                for (field, value) in pairs {
                    let value =
                        value.as_str().ok_or_else(|| malformed("Invalid Simple-Condition: value."))?;
                    let field = field.to_ascii_lowercase();
                    self.conditions.push(Condition::Equal { field, value: value.to_owned() });
                }
                Ok(())
            }
            Value::Array(parts) => self.add_operation(parts),
            _ => Err(malformed("Invalid condition.")),
        }
    }

    fn add_operation(&mut self, parts: &[Value]) -> Result<(), PolicyError> {
        let [operator, second, third] = parts else {
            return Err(malformed("Invalid condition: expected three elements."));
        };
        let operator = operator.as_str().map(str::to_ascii_lowercase);
        match operator.as_deref() {
            Some("content-length-range") => {
                let bounds = size_of(second).zip(size_of(third));
                self.content_length_range =
                    Some(bounds.ok_or_else(|| malformed("Invalid content-length-range."))?);
                Ok(())
            }
            Some(operator @ ("eq" | "starts-with")) => {
                let field = second.as_str().and_then(|field| field.strip_prefix('$'));
                let (Some(field), Some(text)) = (field, third.as_str()) else {
                    return Err(malformed("Invalid condition: expected a $field and a text."));
                };
                let (field, text) = (field.to_ascii_lowercase(), text.to_owned());
                self.conditions.push(match operator {
                    "eq" => Condition::Equal { field, value: text },
                    _ => Condition::StartsWith { field, prefix: text },
                });
                Ok(())
            }
            _ => Err(malformed("Invalid condition: unknown operation.")),
        }
    }

    /// Checks a form's fields (name and value; names in any case) at `now`. `bucket` belongs among them, as the
    /// request's address named it. The file's size is the caller's to check.
    pub fn check(&self, fields: &[(String, String)], now: Timestamp) -> Result<(), PolicyError> {
        if now > self.expiration {
            return Err(PolicyError::Expired);
        }
        for condition in &self.conditions {
            condition.check(fields)?;
        }
        for (name, _) in fields {
            let name = name.to_ascii_lowercase();
            let ignored = UNCONDITIONED.contains(&name.as_str()) || name.starts_with("x-ignore-");
            if !ignored && !self.conditions.iter().any(|c| c.field() == name) && name != "bucket" {
                return Err(PolicyError::Extra { name });
            }
        }
        Ok(())
    }
}

fn size_of(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

impl Condition {
    fn field(&self) -> &str {
        match self {
            Condition::Equal { field, .. } | Condition::StartsWith { field, .. } => field,
        }
    }

    fn check(&self, fields: &[(String, String)]) -> Result<(), PolicyError> {
        let value = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(self.field()));
        let value = value.map_or("", |(_, value)| value.as_str());
        let holds = match self {
            Condition::Equal { value: expected, .. } => value == expected,
            Condition::StartsWith { field, prefix } if field == "content-type" => {
                value.split(',').all(|one| one.trim().starts_with(prefix.as_str()))
            }
            Condition::StartsWith { prefix, .. } => value.starts_with(prefix.as_str()),
        };
        if holds { Ok(()) } else { Err(PolicyError::Failed { condition: self.to_json() }) }
    }

    fn to_json(&self) -> String {
        let (operator, field, text) = match self {
            Condition::Equal { field, value } => ("eq", field, value),
            Condition::StartsWith { field, prefix } => ("starts-with", field, prefix),
        };
        let quoted = |text: &str| Value::from(text).to_string();
        format!("[{}, {}, {}]", quoted(operator), quoted(&format!("${field}")), quoted(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<PostPolicy, PolicyError> {
        PostPolicy::parse(&STANDARD.encode(json))
    }

    fn fields(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    const POLICY: &str = r#"{"expiration": "2026-01-01T00:00:00.000Z", "conditions": [
        {"bucket": "b"}, ["starts-with", "$key", "user/"], ["content-length-range", 1, "10"],
        ["eq", "$acl", "private"], ["starts-with", "$Content-Type", "image/"]]}"#;

    #[test]
    fn a_form_that_keeps_to_its_policy_passes() {
        let policy = parse(POLICY).unwrap();
        assert_eq!(policy.content_length_range, Some((1, 10)));
        let form = fields(&[
            ("bucket", "b"),
            ("Key", "user/a"),
            ("acl", "private"),
            ("Content-Type", "image/png"),
            ("policy", "..."),
            ("x-amz-signature", "..."),
        ]);
        policy.check(&form, Timestamp::from_secs(1_700_000_000)).unwrap();
        assert_eq!(policy.check(&form, Timestamp::from_secs(1_800_000_000)), Err(PolicyError::Expired));
    }

    #[test]
    fn each_breach_is_told() {
        let policy = parse(POLICY).unwrap();
        let now = Timestamp::from_secs(1_700_000_000);
        let told = |list: &[(&str, &str)]| policy.check(&fields(list), now).unwrap_err().to_string();
        assert_eq!(
            told(&[("bucket", "b"), ("key", "other/a")]),
            r#"Invalid according to Policy: Policy Condition failed: ["starts-with", "$key", "user/"]"#
        );
        let good = [("bucket", "b"), ("key", "user/a"), ("acl", "private"), ("content-type", "image/a")];
        let mut extra = good.to_vec();
        extra.push(("tagging", "x"));
        assert_eq!(told(&extra), "Invalid according to Policy: Extra input fields: tagging");
    }

    #[test]
    fn malformed_documents_are_refused() {
        for bad in [
            "[]",
            "{}",
            r#"{"expiration": "soon", "conditions": []}"#,
            r#"{"expiration": "2026-01-01T00:00:00Z"}"#,
            r#"{"expiration": "2026-01-01T00:00:00Z", "conditions": [["eq", "key", "x"]]}"#,
            r#"{"expiration": "2026-01-01T00:00:00Z", "conditions": [["near", "$key", "x"]]}"#,
        ] {
            assert!(matches!(parse(bad), Err(PolicyError::Malformed { .. })), "{bad}");
        }
        assert!(matches!(PostPolicy::parse("%%%"), Err(PolicyError::Malformed { .. })));
    }
}
