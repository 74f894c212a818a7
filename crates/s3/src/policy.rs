//! What S3 itself asks of a bucket policy: that it is one and speaks of this bucket, and whether it lets the public in.
//! Deciding by it is the IAM engine's work.

use std::net::IpAddr;

use nephos_iam::policy::{Kind, Policy};
use serde_json::{Map, Value};

use crate::error::Error;

/// The longest policy.
pub const MAX_POLICY_BYTES: usize = 20 * 1024;

const TOP_FIELDS: [&str; 3] = ["Version", "Id", "Statement"];
const STATEMENT_FIELDS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Condition keys that tie a request to somebody, so that a policy which needs one of them is not public.
const RESTRICTING: [&str; 16] = [
    "aws:sourceip",
    "aws:vpcsourceip",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:sourceaccount",
    "aws:userid",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalarn",
    "aws:principalaccount",
    "aws:sourceorgid",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:dataaccesspointarn",
    "s3:dataaccesspointaccount",
];

fn malformed<T>(text: &str) -> Result<T, Error> {
    Err(Error::MalformedPolicy(text.to_owned()))
}

/// Checks a policy as PutBucketPolicy does.
pub fn check(policy: &str, bucket: &str) -> Result<(), Error> {
    if policy.len() > MAX_POLICY_BYTES {
        return malformed("Normalized Policy document exceeds the maximum allowed size of 20480 bytes.");
    }
    if !policy.starts_with('{') {
        return malformed("Policies must be valid JSON and the first byte must be '{'");
    }
    let Ok(Value::Object(document)) = serde_json::from_str(policy) else {
        return malformed("This policy contains invalid Json");
    };
    if let Some(field) = document.keys().find(|field| !TOP_FIELDS.contains(&field.as_str())) {
        return malformed(&format!("Unknown field {field}"));
    }
    if let Some(version) = document.get("Version")
        && !matches!(version.as_str(), Some("2012-10-17" | "2008-10-17"))
    {
        return malformed("The policy must contain a valid version string");
    }
    let statements = statements(&document);
    if statements.is_empty() {
        return malformed("Missing required field Statement");
    }
    statements.into_iter().try_for_each(|statement| check_statement(statement, bucket))?;
    // What the engine could not read would refuse everything later.
    Policy::parse(policy, Kind::Resource).map(drop).map_err(|error| Error::MalformedPolicy(error.message))
}

/// A policy's statements; one alone may stand without a list.
fn statements(document: &Map<String, Value>) -> Vec<&Value> {
    match document.get("Statement") {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

fn check_statement(statement: &Value, bucket: &str) -> Result<(), Error> {
    let Value::Object(fields) = statement else { return malformed("This policy contains invalid Json") };
    if let Some(field) = fields.keys().find(|field| !STATEMENT_FIELDS.contains(&field.as_str())) {
        return malformed(&format!("Unknown field {field}"));
    }
    match fields.get("Effect").map(Value::as_str) {
        None => return malformed("Missing required field Effect"),
        Some(Some("Allow" | "Deny")) => {}
        Some(other) => return malformed(&format!("Invalid effect: {}", other.unwrap_or_default())),
    }
    match fields.get("Principal").or_else(|| fields.get("NotPrincipal")) {
        None => return malformed("Missing required field Principal"),
        Some(principal) if !is_principal(principal) => return malformed("Invalid principal in policy"),
        Some(_) => {}
    }
    let Some(actions) = either(fields, "Action", "NotAction") else {
        return malformed("Missing required field Action");
    };
    if actions.is_empty() || !actions.iter().all(|action| is_action(action)) {
        return malformed("Policy has invalid action");
    }
    let Some(resources) = either(fields, "Resource", "NotResource") else {
        return malformed("Missing required field Resource");
    };
    if resources.is_empty() || !resources.iter().all(|resource| is_resource(resource, bucket)) {
        return malformed("Policy has invalid resource");
    }
    if fields.contains_key("Action") && !actions.iter().all(|action| applies(action, &resources)) {
        return malformed("Action does not apply to any resource(s) in statement");
    }
    check_condition(fields.get("Condition"))
}

fn check_condition(condition: Option<&Value>) -> Result<(), Error> {
    let operators = match condition {
        None => return Ok(()),
        Some(Value::Object(operators)) => operators,
        Some(_) => return malformed("This policy contains invalid Json"),
    };
    for (operator, keys) in operators {
        if !is_operator(operator) {
            return malformed(&format!("Invalid Condition type : {operator}"));
        }
        let Value::Object(keys) = keys else { return malformed("This policy contains invalid Json") };
        if let Some(key) = keys.keys().find(|key| !key.contains(':')) {
            return malformed(&format!("Policy has an invalid condition key - {key}"));
        }
        if keys.values().any(|values| strings(values).is_empty()) {
            return malformed("This policy contains invalid Json");
        }
    }
    Ok(())
}

fn is_operator(name: &str) -> bool {
    let name =
        name.strip_prefix("ForAllValues:").or_else(|| name.strip_prefix("ForAnyValue:")).unwrap_or(name);
    if name == "Null" {
        return true;
    }
    let name = name.strip_suffix("IfExists").unwrap_or(name);
    let families: [(&str, &[&str]); 7] = [
        ("String", &["Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"]),
        (
            "Numeric",
            &["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"],
        ),
        ("Date", &["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]),
        ("Arn", &["Equals", "NotEquals", "Like", "NotLike"]),
        ("IpAddress", &[""]),
        ("NotIpAddress", &[""]),
        ("B", &["ool", "inaryEquals"]),
    ];
    families.iter().any(|(family, tails)| name.strip_prefix(family).is_some_and(|tail| tails.contains(&tail)))
}

/// A text or a list of texts; booleans and numbers count as texts.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Bool(flag) => vec![flag.to_string()],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(list) => list.iter().flat_map(strings).collect(),
        Value::Null | Value::Object(_) => Vec::new(),
    }
}

fn either(fields: &Map<String, Value>, one: &str, other: &str) -> Option<Vec<String>> {
    fields.get(one).or_else(|| fields.get(other)).map(strings)
}

fn is_principal(principal: &Value) -> bool {
    match principal {
        Value::String(text) => text == "*",
        Value::Object(kinds) => {
            !kinds.is_empty()
                && kinds.iter().all(|(kind, names)| {
                    let names = strings(names);
                    !names.is_empty()
                        && match kind.as_str() {
                            "AWS" => names.iter().all(|name| is_aws_principal(name)),
                            "Service" | "Federated" | "CanonicalUser" => true,
                            _ => false,
                        }
                })
        }
        _ => false,
    }
}

fn is_aws_principal(name: &str) -> bool {
    let account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    name == "*"
        || account(name)
        || name.strip_prefix("arn:aws:iam::").or_else(|| name.strip_prefix("arn:aws:sts::")).is_some_and(|rest| {
            rest.split_once(':').is_some_and(|(owner, resource)| account(owner) && !resource.is_empty())
        })
        // The unique id that AWS puts in place of a user or role that is gone.
        || ["AIDA", "AROA"].iter().any(|prefix| name.starts_with(prefix))
}

fn is_action(action: &str) -> bool {
    action == "*" || action.to_ascii_lowercase().strip_prefix("s3:").is_some_and(|name| !name.is_empty())
}

fn is_resource(resource: &str, bucket: &str) -> bool {
    let Some(path) = resource.strip_prefix("arn:aws:s3:::") else { return false };
    let name = path.split('/').next().unwrap_or(path);
    name == bucket
}

/// Whether an action on buckets has a bucket among the resources, and one on objects an object.
fn applies(action: &str, resources: &[String]) -> bool {
    let lower = action.to_ascii_lowercase();
    let name = lower.strip_prefix("s3:").unwrap_or(&lower);
    if name.contains('*') || name.contains('?') {
        return true;
    }
    let on_objects = name.contains("object")
        && !name.starts_with("putbucket")
        && !name.starts_with("getbucket")
        || ["abortmultipartupload", "listmultipartuploadparts", "bypassgovernanceretention"].contains(&name);
    let object = resources.iter().any(|resource| resource.contains('/') || resource.ends_with('*'));
    let bucket = resources.iter().any(|resource| !resource.contains('/') || resource.ends_with('*'));
    if on_objects { object } else { bucket }
}

/// Whether the policy lets people in who are named by nothing.
pub fn is_public(policy: &str) -> bool {
    let Ok(Value::Object(document)) = serde_json::from_str(policy) else { return false };
    statements(&document).into_iter().any(statement_is_public)
}

fn statement_is_public(statement: &Value) -> bool {
    let allows = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
    let anybody = match statement.get("Principal") {
        Some(Value::String(text)) => text == "*",
        Some(Value::Object(kinds)) => {
            kinds.get("AWS").is_some_and(|names| strings(names).iter().any(|name| name == "*"))
        }
        // Everybody but some is the public.
        _ => statement.get("NotPrincipal").is_some(),
    };
    allows && anybody && !statement.get("Condition").is_some_and(ties_down)
}

/// Whether a condition holds only for requests of somebody in particular.
fn ties_down(condition: &Value) -> bool {
    let Value::Object(operators) = condition else { return false };
    operators.iter().any(|(operator, keys)| {
        let fixed =
            ["StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "IpAddress"];
        let plain = operator.strip_prefix("ForAnyValue:").unwrap_or(operator);
        let Value::Object(keys) = keys else { return false };
        fixed.contains(&plain)
            && keys.iter().any(|(key, values)| {
                let values = strings(values);
                RESTRICTING.contains(&key.to_ascii_lowercase().as_str())
                    && !values.is_empty()
                    && values.iter().all(|value| is_fixed(plain, value))
            })
    })
}

/// Whether a condition's value names one party. Address ranges count unless they are very wide.
fn is_fixed(operator: &str, value: &str) -> bool {
    if operator == "IpAddress" {
        let (address, length) = value.split_once('/').unwrap_or((value, "128"));
        let narrowest = match address.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => 8,
            Ok(IpAddr::V6(_)) => 32,
            Err(_) => return false,
        };
        return length.parse::<u8>().is_ok_and(|length| length >= narrowest);
    }
    // An ARN may hold wildcards after its account.
    let named = value.splitn(6, ':').take(5).collect::<Vec<_>>().join(":");
    let until_account =
        if value.starts_with("arn:") && operator != "StringEquals" { named.as_str() } else { value };
    !until_account.contains('*') && !until_account.contains('?') && !value.contains("${")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(statement: &str) -> String {
        format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
    }

    const READ: &str =
        r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#;

    #[test]
    fn good_policies_pass() {
        let deny = r#"{"Sid":"tls","Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*",
            "Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#;
        let service = r#"{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},
            "Action":["s3:PutObject"],"Resource":"arn:aws:s3:::b/logs/*",
            "Condition":{"StringEqualsIfExists":{"aws:SourceAccount":"000000000000"}}}"#;
        for good in [READ, deny, service] {
            check(&policy(good), "b").unwrap();
        }
        check(&format!(r#"{{"Statement":{READ}}}"#), "b").unwrap();
    }

    #[test]
    fn bad_policies_are_told_apart() {
        let cases = [
            ("[]".to_owned(), "first byte must be"),
            ("{".to_owned(), "invalid Json"),
            (r#"{"Version":"2012-10-17"}"#.to_owned(), "Missing required field Statement"),
            (r#"{"Version":"2013","Statement":[]}"#.to_owned(), "valid version string"),
            (policy(&READ.replace("Principal", "Principle")), "Unknown field Principle"),
            (policy(&READ.replace("Allow", "Perhaps")), "Invalid effect"),
            (policy(&READ.replace(r#""Principal":"*","#, "")), "Missing required field Principal"),
            (
                policy(&READ.replace(r#""Principal":"*""#, r#""Principal":{"AWS":"bob"}"#)),
                "Invalid principal",
            ),
            (policy(&READ.replace("s3:GetObject", "ec2:Run")), "invalid action"),
            (policy(&READ.replace("s3:::b/", "s3:::other/")), "invalid resource"),
            (policy(&READ.replace("b/*", "b")), "does not apply"),
            (policy(&READ.replace('}', r#","Condition":{"Sounds":{"a:b":"c"}}}"#)), "Invalid Condition type"),
            (policy(&READ.replace('}', r#","Condition":{"StringLike":{"b":"c"}}}"#)), "condition key"),
            (policy(&READ.replace("/*", &"x".repeat(MAX_POLICY_BYTES))), "20480"),
        ];
        for (text, expected) in cases {
            let error = check(&text, "b").unwrap_err().to_string();
            assert!(error.contains(expected), "{error} should speak of {expected}");
        }
    }

    #[test]
    fn the_public_is_recognised() {
        assert!(is_public(&policy(READ)));
        assert!(is_public(&policy(&READ.replace(r#""*","Action"#, r#"{"AWS":["*"]},"Action"#))));
        assert!(is_public(&policy(
            &READ.replace("Principal\":\"*\"", "NotPrincipal\":{\"AWS\":\"000000000000\"}")
        )));
        let with = |condition: &str| policy(&READ.replace('}', &format!(",\"Condition\":{condition}}}")));
        for open in [
            r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#,
            r#"{"StringLike":{"aws:SourceAccount":"*"}}"#,
            r#"{"StringLike":{"aws:Referer":"http://a.com/*"}}"#,
            r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}"#,
        ] {
            assert!(is_public(&with(open)), "{open}");
        }
        for closed in [
            r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","2001:db8::/32"]}}"#,
            r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"}}"#,
            r#"{"ArnLike":{"aws:SourceArn":"arn:aws:cloudfront::000000000000:distribution/*"}}"#,
        ] {
            assert!(!is_public(&with(closed)), "{closed}");
        }
        assert!(!is_public(&policy(&READ.replace("Allow", "Deny"))));
        assert!(!is_public(&policy(&READ.replace("\"*\"", r#"{"AWS":"arn:aws:iam::000000000000:root"}"#))));
    }
}
