//! Policy documents: JSON text in, compiled statements out. Whatever the language does not know is an error here, so
//! that nothing unknown is ever left to be ignored by an evaluation.

use super::condition::{Condition, Operator};
use super::json::{self, Json};
use super::pattern::{Pattern, Syntax};
use super::principal::Principals;
use super::rules;

/// Which place a document is written for; each has its own required and forbidden elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Attached to a user, group or role, or used as a boundary or session policy: no `Principal`.
    Identity,
    /// A resource's own: `Principal` and `Resource`.
    Resource,
    /// A role's trust policy: `Principal`, no `Resource`, only actions of STS.
    Trust,
}

/// Why a document was refused, in AWS's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct MalformedPolicy {
    /// The text of `MalformedPolicyDocument`.
    pub message: String,
    /// What exactly was wrong and where, for the log and for people; AWS does not tell.
    pub detail: String,
}

impl MalformedPolicy {
    pub(super) fn new(message: impl Into<String>) -> Self {
        MalformedPolicy { message: message.into(), detail: String::new() }
    }

    /// AWS's answer to anything that is not in the language's grammar.
    pub(super) fn syntax(detail: impl Into<String>) -> Self {
        MalformedPolicy { message: "Syntax errors in policy.".to_owned(), detail: detail.into() }
    }
}

/// Whether a statement allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// `Allow`
    Allow,
    /// `Deny`
    Deny,
}

/// A compiled policy document.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub(super) statements: Vec<Statement>,
}

/// A compiled statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub sid: Option<Box<str>>,
    pub effect: Effect,
    pub principals: Option<Principals>,
    pub actions: Matchers,
    pub resources: Option<Matchers>,
    pub conditions: Vec<Condition>,
}

/// `Action`/`NotAction` or `Resource`/`NotResource`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matchers {
    pub negated: bool,
    pub patterns: Vec<Pattern>,
}

impl Policy {
    /// Reads and compiles a document.
    pub fn parse(text: &str, kind: Kind) -> Result<Policy, MalformedPolicy> {
        let json = json::parse(text).map_err(|e| MalformedPolicy::syntax(e.to_string()))?;
        let document = Document::read(&json)?;
        rules::check(&document, kind)?;
        let variables = document.version == Some("2012-10-17");
        let statements =
            document.statements.iter().map(|s| s.compile(variables)).collect::<Result<_, _>>()?;
        Ok(Policy { statements })
    }

    /// Whether a statement names every principal there is without a condition, which public-access checks look for.
    pub fn is_public(&self) -> bool {
        self.statements.iter().any(|statement| {
            statement.effect == Effect::Allow
                && statement.conditions.is_empty()
                && statement.principals.as_ref().is_some_and(Principals::includes_everyone)
        })
    }
}

/// The length that quotas count: without white space.
pub fn counted_length(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

/// A document whose grammar is known to be good, not yet checked against the rules of its place.
pub(super) struct Document<'a> {
    pub version: Option<&'a str>,
    pub statements: Vec<RawStatement<'a>>,
}

/// A statement as it was written.
#[derive(Default)]
pub(super) struct RawStatement<'a> {
    pub sid: Option<&'a str>,
    pub effect: Option<Effect>,
    pub principal: Option<(bool, &'a Json)>,
    pub action: Option<(bool, Vec<&'a str>)>,
    pub resource: Option<(bool, Vec<&'a str>)>,
    pub conditions: Vec<RawCondition<'a>>,
}

pub(super) struct RawCondition<'a> {
    pub operator: Operator,
    pub key: &'a str,
    pub values: Vec<String>,
}

impl<'a> Document<'a> {
    fn read(json: &'a Json) -> Result<Document<'a>, MalformedPolicy> {
        let mut document = Document { version: None, statements: Vec::new() };
        let mut has_statement = false;
        for (name, value) in members(json, "a policy object")? {
            match name.as_str() {
                "Version" => document.version = Some(version(value)?),
                "Id" => drop(text(value, "Id")?),
                "Statement" => {
                    has_statement = true;
                    let list = one_or_many(value).iter().map(RawStatement::read);
                    document.statements = list.collect::<Result<_, _>>()?;
                }
                other => return Err(unknown("a policy", other)),
            }
        }
        if !has_statement || document.statements.is_empty() {
            return Err(MalformedPolicy::syntax("expected at least one Statement, got none"));
        }
        Ok(document)
    }
}

fn version(value: &Json) -> Result<&str, MalformedPolicy> {
    match text(value, "Version")? {
        known @ ("2008-10-17" | "2012-10-17") => Ok(known),
        other => {
            Err(MalformedPolicy::syntax(format!("expected Version 2008-10-17 or 2012-10-17, got {other:?}")))
        }
    }
}

impl<'a> RawStatement<'a> {
    fn read(json: &'a Json) -> Result<RawStatement<'a>, MalformedPolicy> {
        let mut raw = RawStatement::default();
        for (name, value) in members(json, "a statement object")? {
            match name.as_str() {
                "Sid" => raw.sid = Some(text(value, "Sid")?),
                "Effect" => raw.effect = Some(effect(value)?),
                "Principal" => set(&mut raw.principal, (false, value), name)?,
                "NotPrincipal" => set(&mut raw.principal, (true, value), name)?,
                "Action" => set(&mut raw.action, (false, texts(value, name)?), name)?,
                "NotAction" => set(&mut raw.action, (true, texts(value, name)?), name)?,
                "Resource" => set(&mut raw.resource, (false, texts(value, name)?), name)?,
                "NotResource" => set(&mut raw.resource, (true, texts(value, name)?), name)?,
                "Condition" => raw.conditions = conditions(value)?,
                other => return Err(unknown("a statement", other)),
            }
        }
        match raw.effect {
            Some(_) => Ok(raw),
            None => Err(MalformedPolicy::syntax("expected an Effect in each statement, got none")),
        }
    }

    fn compile(&self, variables: bool) -> Result<Statement, MalformedPolicy> {
        let matchers = |list: &Option<(bool, Vec<&str>)>, variables, lower: bool| {
            list.as_ref().map(|(negated, texts)| Matchers {
                negated: *negated,
                patterns: texts
                    .iter()
                    .map(|t| if lower { t.to_ascii_lowercase() } else { (*t).to_owned() })
                    .map(|t| Pattern::compile(&t, Syntax { wildcards: true, variables }))
                    .collect(),
            })
        };
        let nothing = Matchers { negated: false, patterns: Vec::new() };
        Ok(Statement {
            sid: self.sid.map(Into::into),
            effect: self.effect.unwrap_or(Effect::Deny),
            principals: self.principal.map(|(negated, json)| Principals::read(json, negated)).transpose()?,
            actions: matchers(&self.action, false, true).unwrap_or(nothing),
            resources: matchers(&self.resource, variables, false),
            conditions: self.conditions.iter().map(|c| c.compile(variables)).collect(),
        })
    }
}

impl RawCondition<'_> {
    fn compile(&self, variables: bool) -> Condition {
        Condition::compile(self.operator, self.key, &self.values, variables)
    }
}

fn effect(value: &Json) -> Result<Effect, MalformedPolicy> {
    match text(value, "Effect")? {
        "Allow" => Ok(Effect::Allow),
        "Deny" => Ok(Effect::Deny),
        other => Err(MalformedPolicy::syntax(format!("expected Effect Allow or Deny, got {other:?}"))),
    }
}

fn conditions(value: &Json) -> Result<Vec<RawCondition<'_>>, MalformedPolicy> {
    let mut out = Vec::new();
    for (name, keys) in members(value, "an object as Condition")? {
        let Some(operator) = Operator::parse(name) else {
            return Err(MalformedPolicy::syntax(format!("expected a condition operator, got {name:?}")));
        };
        for (key, values) in members(keys, "an object of condition keys")? {
            let values = one_or_many(values).iter().map(scalar).collect::<Result<_, _>>()?;
            out.push(RawCondition { operator, key, values });
        }
    }
    Ok(out)
}

/// A condition's value: JSON booleans and numbers stand for their text.
fn scalar(value: &Json) -> Result<String, MalformedPolicy> {
    match value {
        Json::Text(text) | Json::Number(text) => Ok(text.clone()),
        Json::Bool(truth) => Ok(truth.to_string()),
        _ => Err(MalformedPolicy::syntax("expected a string, number or boolean as condition value")),
    }
}

pub(super) fn members<'a>(value: &'a Json, what: &str) -> Result<&'a [(String, Json)], MalformedPolicy> {
    match value {
        Json::Object(members) => Ok(members),
        _ => Err(MalformedPolicy::syntax(format!("expected {what}"))),
    }
}

fn text<'a>(value: &'a Json, element: &str) -> Result<&'a str, MalformedPolicy> {
    match value {
        Json::Text(text) => Ok(text),
        _ => Err(MalformedPolicy::syntax(format!("expected a string as {element}"))),
    }
}

/// A string or a list of strings.
pub(super) fn texts<'a>(value: &'a Json, element: &str) -> Result<Vec<&'a str>, MalformedPolicy> {
    one_or_many(value).iter().map(|item| text(item, element)).collect()
}

pub(super) fn one_or_many(value: &Json) -> &[Json] {
    match value {
        Json::List(items) => items,
        one => std::slice::from_ref(one),
    }
}

fn set<T>(slot: &mut Option<T>, value: T, element: &str) -> Result<(), MalformedPolicy> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(MalformedPolicy::syntax(format!(
            "expected {element} or its opposite, got both in one statement"
        ))),
    }
}

fn unknown(place: &str, element: &str) -> MalformedPolicy {
    MalformedPolicy::syntax(format!("expected only known elements in {place}, got {element:?}"))
}
