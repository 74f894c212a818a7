//! What a document must and must not hold in its place, with AWS's texts, in AWS's order.

use std::collections::BTreeSet;

use super::document::{Document, Kind, MalformedPolicy, RawStatement};
use super::value::date;

/// Checks a grammatical document against the rules of its place.
pub(super) fn check(document: &Document<'_>, kind: Kind) -> Result<(), MalformedPolicy> {
    if kind == Kind::Identity && document.version != Some("2012-10-17") {
        return Err(MalformedPolicy::new("Policy document must be version 2012-10-17 or greater."));
    }
    for statement in &document.statements {
        dates(statement)?;
        principal(statement, kind)?;
    }
    sids(document, kind)?;
    for statement in &document.statements {
        if statement.action.as_ref().is_none_or(|(_, actions)| actions.is_empty()) {
            return Err(MalformedPolicy::new("Policy statement must contain actions."));
        }
        resources(statement, kind)?;
    }
    for statement in &document.statements {
        actions(statement, kind)?;
        condition_keys(statement)?;
    }
    Ok(())
}

fn dates(statement: &RawStatement<'_>) -> Result<(), MalformedPolicy> {
    let dated = statement.conditions.iter().filter(|c| c.operator.takes_dates());
    match dated.flat_map(|c| &c.values).find(|value| !value.contains("${") && date(value).is_none()) {
        None => Ok(()),
        Some(bad) => Err(MalformedPolicy {
            message: "The policy failed legacy parsing".to_owned(),
            detail: format!("expected a date, got {bad:?}"),
        }),
    }
}

fn principal(statement: &RawStatement<'_>, kind: Kind) -> Result<(), MalformedPolicy> {
    match (kind, statement.principal.is_some()) {
        (Kind::Identity, true) => {
            Err(MalformedPolicy::new("Policy document should not specify a principal."))
        }
        (Kind::Resource | Kind::Trust, false) => {
            Err(MalformedPolicy::new("Missing required field Principal"))
        }
        _ => Ok(()),
    }
}

fn sids(document: &Document<'_>, kind: Kind) -> Result<(), MalformedPolicy> {
    let mut seen = BTreeSet::new();
    for sid in document.statements.iter().filter_map(|s| s.sid).filter(|sid| !sid.is_empty()) {
        if !seen.insert(sid) {
            return Err(MalformedPolicy::new("Statement IDs (SID) in a single policy must be unique."));
        }
        // Resource policies are older and let a Sid hold anything.
        if kind == Kind::Identity && !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(MalformedPolicy::new(
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [A-Za-z0-9]*",
            ));
        }
    }
    Ok(())
}

fn resources(statement: &RawStatement<'_>, kind: Kind) -> Result<(), MalformedPolicy> {
    let listed = statement.resource.as_ref().map(|(_, list)| list.as_slice());
    match (kind, listed) {
        (Kind::Trust, Some(_)) => Err(MalformedPolicy::new("Has prohibited field Resource")),
        (Kind::Trust, None) => Ok(()),
        (_, None | Some([])) => Err(MalformedPolicy::new("Policy statement must contain resources.")),
        (Kind::Resource, Some(_)) => Ok(()),
        (Kind::Identity, Some(list)) => list.iter().try_for_each(|text| resource(text)),
    }
}

/// The form of one `Resource` of an identity policy: `*` or an ARN whose vendor is spelled out.
fn resource(text: &str) -> Result<(), MalformedPolicy> {
    if text == "*" {
        return Ok(());
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    if parts.len() < 2 || parts[0] != "arn" {
        return Err(MalformedPolicy::new(format!("Resource {text} must be in ARN format or \"*\".")));
    }
    if !matches!(parts[1], "aws" | "*") {
        let part = |at: usize| parts.get(at).copied().unwrap_or("*");
        return Err(MalformedPolicy::new(format!(
            "Partition \"{}\" is not valid for resource \"arn:{}:{}:{}:{}:{}\".",
            parts[1],
            parts[1],
            part(2),
            part(3),
            part(4),
            part(5)
        )));
    }
    if parts.len() < 3 || parts[2].is_empty() {
        return Err(MalformedPolicy::new(
            "Resource vendor must be fully qualified and cannot contain regexes.",
        ));
    }
    let region = parts.get(3).copied().unwrap_or("");
    match parts[2] {
        "iam" if !matches!(region, "" | "*") => {
            Err(MalformedPolicy::new(format!("IAM resource {text} cannot contain region information.")))
        }
        "s3" if !matches!(region, "" | "*") => {
            Err(MalformedPolicy::new(format!("Resource {text} can not contain region information.")))
        }
        _ => Ok(()),
    }
}

fn actions(statement: &RawStatement<'_>, kind: Kind) -> Result<(), MalformedPolicy> {
    let Some((negated, listed)) = &statement.action else { return Ok(()) };
    for action in listed {
        vendor(action)?;
        let of_sts = action
            .split_once(':')
            .is_some_and(|(vendor, name)| vendor.eq_ignore_ascii_case("sts") && !name.is_empty());
        if kind == Kind::Trust && (*negated || !of_sts) {
            return Err(MalformedPolicy::new("AssumeRole policy may only specify STS AssumeRole actions."));
        }
    }
    Ok(())
}

fn vendor(action: &str) -> Result<(), MalformedPolicy> {
    if action == "*" {
        return Ok(());
    }
    let Some((vendor, name)) = action.split_once(':') else {
        return Err(MalformedPolicy::new(
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ));
    };
    if name.contains(':') {
        return Err(MalformedPolicy::new("Actions/Condition can contain only one colon."));
    }
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    if vendor.is_empty() || !(vendor == "*" || vendor.bytes().all(legal)) {
        return Err(MalformedPolicy::new(format!("Vendor {vendor} is not valid")));
    }
    Ok(())
}

fn condition_keys(statement: &RawStatement<'_>) -> Result<(), MalformedPolicy> {
    match statement.conditions.iter().all(|condition| condition.key.contains(':')) {
        true => Ok(()),
        false => Err(MalformedPolicy::new(
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        )),
    }
}
