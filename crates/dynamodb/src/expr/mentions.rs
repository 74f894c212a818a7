//! What expressions mention, for policies to judge: which attributes, and which values keys are equal to. An expression
//! that cannot be parsed mentions nothing here; its call fails in any case.

use std::collections::BTreeMap;

use super::check::paths_in;
use super::raw::{Comparator, RawCondition, RawName, RawOperand, RawPath};
use super::{Parameter, condition, projection, update};

/// The attributes at the roots of all paths of an expression.
pub fn attributes(parameter: Parameter, text: &str, names: Option<&BTreeMap<String, String>>) -> Vec<String> {
    let mut roots = Vec::new();
    let mut visit = |path: &RawPath| {
        roots.extend(root(path, names));
        Ok(())
    };
    let parsed = match parameter {
        Parameter::Projection => {
            projection::parse(text).and_then(|paths| paths.iter().try_for_each(&mut visit))
        }
        Parameter::Update => update::for_each_raw_path(text, &mut visit),
        _ => condition::parse(text, parameter).and_then(|raw| for_each_path(&raw, &mut visit)),
    };
    if parsed.is_err() {
        roots.clear();
    }
    roots
}

/// The attributes that a key condition says equal a placeholder, with the placeholder.
pub fn equalities(text: &str, names: Option<&BTreeMap<String, String>>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Ok(raw) = condition::parse(text, Parameter::KeyCondition) {
        equalities_in(&raw, names, &mut found);
    }
    found
}

fn equalities_in(
    raw: &RawCondition,
    names: Option<&BTreeMap<String, String>>,
    found: &mut Vec<(String, String)>,
) {
    match raw {
        RawCondition::And(all) => all.iter().for_each(|part| equalities_in(part, names, found)),
        RawCondition::Compare(Comparator::Equal, RawOperand::Path(path), RawOperand::Value(value))
        | RawCondition::Compare(Comparator::Equal, RawOperand::Value(value), RawOperand::Path(path)) => {
            found.extend(root(path, names).map(|root| (root, value.clone())));
        }
        _ => {}
    }
}

fn root(path: &RawPath, names: Option<&BTreeMap<String, String>>) -> Option<String> {
    match &path.root {
        RawName::Plain(name) => Some(name.clone()),
        RawName::Placeholder(placeholder) => names?.get(placeholder).cloned(),
    }
}

type Visit<'v> = &'v mut dyn FnMut(&RawPath) -> Result<(), super::ExpressionError>;

fn for_each_path(raw: &RawCondition, visit: Visit<'_>) -> Result<(), super::ExpressionError> {
    super::check::operands(raw).into_iter().try_for_each(|operand| paths_in(operand, visit))?;
    super::check::parts(raw).iter().try_for_each(|part| for_each_path(part, visit))
}
