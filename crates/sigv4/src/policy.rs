//! The policy document of a browser upload: what the signer lets the form say.
//!
//! Every field must be spoken of by a condition and every condition must hold; a condition on a field that is not there
//! fails, also one that any value would pass, as S3 has it. Names are compared whatever their case, values as they are.

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
        detail: String,
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

/// A condition on one field, its name spelt as the document spells it.
enum Condition {
    Equal {
        field: String,
        value: String,
    },
    StartsWith {
        field: String,
        prefix: String,
    },
    /// What S3 reads and never finds fulfilled: a field without its `$`, a range of other than numbers.
    Never {
        json: String,
    },
}

/// A policy document, parsed.
pub struct PostPolicy {
    expiration: Timestamp,
    conditions: Vec<Condition>,
    /// Smallest and largest size of the file in bytes, where the policy says one.
    pub content_length_range: Option<(u64, u64)>,
}

/// Fields that no condition needs to speak of.
const UNCONDITIONED: [&str; 5] = ["file", "policy", "x-amz-signature", "awsaccesskeyid", "signature"];
/// A document of more conditions than a form could need is refused.
const MAX_CONDITIONS: usize = 256;

const ONE_PROPERTY: &str =
    "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.";

fn malformed(detail: impl Into<String>) -> PolicyError {
    PolicyError::Malformed { detail: detail.into() }
}

impl PostPolicy {
    /// Reads the document from the form's Base64.
    pub fn parse(base64: &str) -> Result<Self, PolicyError> {
        let bytes = STANDARD.decode(base64.trim()).map_err(|_| malformed("Invalid Base64 Encoding."))?;
        let json: Value = serde_json::from_slice(&bytes).map_err(|_| malformed("Invalid JSON."))?;
        let members = json.as_object().ok_or_else(|| malformed("Invalid JSON."))?;
        if let Some(other) = members.keys().find(|name| !matches!(name.as_str(), "expiration" | "conditions"))
        {
            return Err(malformed(format!("Unexpected: '{}'", other.to_ascii_lowercase())));
        }
        let expiration = members.get("expiration").and_then(Value::as_str);
        let expiration = moment(expiration.ok_or_else(|| malformed("Policy missing expiration."))?)?;
        let list = members.get("conditions").and_then(Value::as_array);
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
                let mut pairs = pairs.iter();
                let (Some((field, value)), None) = (pairs.next(), pairs.next()) else {
                    return Err(malformed(ONE_PROPERTY));
                };
                let value = value.as_str();
                let value =
                    value.ok_or_else(|| malformed("Invalid Simple-Condition: value must be a string."))?;
                self.conditions.push(Condition::Equal { field: field.clone(), value: value.to_owned() });
                Ok(())
            }
            Value::Array(parts) => self.add_operation(parts),
            _ => Err(malformed("Invalid condition: must be a List or Object.")),
        }
    }

    fn add_operation(&mut self, parts: &[Value]) -> Result<(), PolicyError> {
        let Some(operator) = parts.first().and_then(Value::as_str) else {
            return Err(malformed("Invalid Condition: missing operation identifier."));
        };
        let operator = operator.to_ascii_lowercase();
        if !matches!(operator.as_str(), "eq" | "starts-with" | "content-length-range") {
            return Err(malformed(format!("Invalid Condition: unknown operation '{operator}'.")));
        }
        let [_, second, third] = parts else {
            return Err(malformed(format!("Invalid {operator}: wrong number of arguments.")));
        };
        if operator == "content-length-range" {
            return self.add_range(parts, second, third);
        }
        let (Some(field), Some(text)) = (second.as_str(), third.as_str()) else {
            return Err(malformed("Invalid JSON."));
        };
        self.conditions.push(match (field.strip_prefix('$'), operator.as_str()) {
            (None, _) => Condition::Never { json: list(parts) },
            (Some(field), "eq") => Condition::Equal { field: field.to_owned(), value: text.to_owned() },
            (Some(field), _) => Condition::StartsWith { field: field.to_owned(), prefix: text.to_owned() },
        });
        Ok(())
    }

    /// Of several ranges the file must keep to each.
    fn add_range(&mut self, parts: &[Value], least: &Value, most: &Value) -> Result<(), PolicyError> {
        if [least, most].into_iter().any(|bound| bound.is_number() && !bound.is_u64()) {
            return Err(malformed("Invalid JSON."));
        }
        match size_of(least).zip(size_of(most)) {
            None => self.conditions.push(Condition::Never { json: list(parts) }),
            Some((least, most)) => {
                let (floor, ceiling) = self.content_length_range.unwrap_or((0, u64::MAX));
                self.content_length_range = Some((least.max(floor), most.min(ceiling)));
            }
        }
        Ok(())
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
            let lower = name.to_ascii_lowercase();
            let ignored = UNCONDITIONED.contains(&lower.as_str()) || lower.starts_with("x-ignore-");
            if !ignored && lower != "bucket" && !self.conditions.iter().any(|it| it.is_about(name)) {
                return Err(PolicyError::Extra { name: name.clone() });
            }
        }
        Ok(())
    }
}

/// A moment in UTC; S3 reads no other.
fn moment(text: &str) -> Result<Timestamp, PolicyError> {
    let read = Timestamp::parse_iso8601(text).filter(|_| text.ends_with('Z') && text.contains('T'));
    read.ok_or_else(|| malformed(format!("Invalid 'expiration' value: '{text}'")))
}

fn size_of(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// A list as S3 repeats it.
fn list(parts: &[Value]) -> String {
    let parts: Vec<String> = parts.iter().map(Value::to_string).collect();
    format!("[{}]", parts.join(", "))
}

impl Condition {
    fn is_about(&self, name: &str) -> bool {
        match self {
            Condition::Equal { field, .. } | Condition::StartsWith { field, .. } => {
                field.eq_ignore_ascii_case(name)
            }
            Condition::Never { .. } => false,
        }
    }

    fn check(&self, fields: &[(String, String)]) -> Result<(), PolicyError> {
        let value = fields.iter().find(|(name, _)| self.is_about(name)).map(|(_, value)| value.as_str());
        let holds = match (self, value) {
            (Condition::Never { .. }, _) | (_, None) => false,
            (Condition::Equal { value: expected, .. }, Some(value)) => value == expected,
            (Condition::StartsWith { field, prefix }, Some(value))
                if field.eq_ignore_ascii_case("content-type") =>
            {
                value.split(',').all(|one| one.trim().starts_with(prefix.as_str()))
            }
            (Condition::StartsWith { prefix, .. }, Some(value)) => value.starts_with(prefix.as_str()),
        };
        if holds { Ok(()) } else { Err(PolicyError::Failed { condition: self.to_json() }) }
    }

    fn to_json(&self) -> String {
        let (operator, field, text) = match self {
            Condition::Equal { field, value } => ("eq", field, value),
            Condition::StartsWith { field, prefix } => ("starts-with", field, prefix),
            Condition::Never { json } => return json.clone(),
        };
        list(&[Value::from(operator), Value::from(format!("${field}")), Value::from(text.as_str())])
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
        extra.push(("Tagging", "x"));
        assert_eq!(told(&extra), "Invalid according to Policy: Extra input fields: Tagging");
        assert_eq!(
            told(&good[..3]),
            r#"Invalid according to Policy: Policy Condition failed: ["starts-with", "$Content-Type", "image/"]"#,
            "a field that is not there"
        );
    }

    fn refusal(condition: &str, form: &[(&str, &str)]) -> String {
        let json = format!(r#"{{"expiration": "2026-01-01T00:00:00Z", "conditions": [{condition}]}}"#);
        let now = Timestamp::from_secs(1_700_000_000);
        let outcome = parse(&json).and_then(|policy| policy.check(&fields(form), now));
        outcome.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn conditions_are_read_as_s3_reads_them() {
        let key = [("key", "a\"b")];
        assert_eq!(refusal(r#"{"KEY": "a\"b"}"#, &key), "");
        assert_eq!(refusal(r#"["StArTs-WiTh", "$kEy", ""]"#, &key), "");
        let failed = "Invalid according to Policy: Policy Condition failed: ";
        assert_eq!(refusal(r#"["eq", "key", "a"]"#, &key), format!(r#"{failed}["eq", "key", "a"]"#));
        assert_eq!(refusal(r#"{"key": "A\"b"}"#, &key), format!(r#"{failed}["eq", "$key", "A\"b"]"#));
        assert_eq!(
            refusal(r#"["content-length-range", "test", "10"]"#, &[]),
            format!(r#"{failed}["content-length-range", "test", "10"]"#)
        );
        let one = "Invalid Policy: Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.";
        assert_eq!(refusal("{}", &[]), one);
        assert_eq!(refusal(r#"{"key": "k", "acl": "private"}"#, &key), one);
        assert_eq!(
            refusal(r#"{"Content-Length": 1}"#, &[]),
            "Invalid Policy: Invalid Simple-Condition: value must be a string."
        );
        assert_eq!(refusal("[]", &[]), "Invalid Policy: Invalid Condition: missing operation identifier.");
        for bad in [r#"["content-length-range", 0]"#, r#"["content-length-range", -1, 0]"#, "7"] {
            assert!(refusal(bad, &[]).starts_with("Invalid Policy: "), "{bad}");
        }
    }

    #[test]
    fn a_file_keeps_to_every_range() {
        let json = r#"{"expiration": "2026-01-01T00:00:00Z", "conditions":
            [["content-length-range", 5, 10], ["content-length-range", "0", 7]]}"#;
        assert_eq!(parse(json).unwrap().content_length_range, Some((5, 7)));
    }

    #[test]
    fn malformed_documents_are_refused() {
        for bad in [
            "[]",
            "{}",
            r#"{"expiration": "soon", "conditions": []}"#,
            r#"{"expiration": "2026-01-01T00:00:00Z"}"#,
            r#"{"expiration": "2026-01-01T00:00:00+02:00", "conditions": []}"#,
            r#"{"expiration": "2026-01-01 00:00:00Z", "conditions": []}"#,
            r#"{"EXPIRATION": "2026-01-01T00:00:00Z", "conditions": []}"#,
            r#"{"expiration": "2026-01-01T00:00:00Z", "CONDITIONS": []}"#,
            r#"{"expiration": "2026-01-01T00:00:00Z", "conditions": [["near", "$key", "x"]]}"#,
        ] {
            assert!(matches!(parse(bad), Err(PolicyError::Malformed { .. })), "{bad}");
        }
        assert!(matches!(PostPolicy::parse("%%%"), Err(PolicyError::Malformed { .. })));
    }
}
