//! The models' constraints, checked by one table-driven walk, with AWS's own text for all violations at once.
//!
//! Invariants: violations come in the model's order, and of one value pattern before length, greatest before least.
//! What a list or map holds is told at its own path where it is a structure (`keySchema.1.member.attributeName`), else
//! once at the path of the list or map (`Member must satisfy constraint: [...]`). The length of text is counted in code
//! points, as AWS counts it. Nothing sensitive is shown.

use std::fmt::Write;

use nephos_core::{Fault, Timestamp};

use crate::schema::{Kind, ServiceModel, TimestampFormat, Type};
use crate::shape::{self, Shape, Value};

mod shown;

use shown::Shown;

/// How many violations are told.
const MAX_TOLD: usize = 10;

/// Checks an input against the model; the fault tells every violation in the model's order.
pub fn validate(model: &ServiceModel, shape: &dyn Shape) -> Result<(), Fault> {
    if !model.validates {
        return Ok(());
    }
    let mut validator = Validator {
        not_null: model.members_not_null,
        path: String::new(),
        found: Vec::new(),
        gathering: None,
    };
    validator.members(shape);
    let found = validator.found;
    if found.is_empty() {
        return Ok(());
    }
    let plural = if found.len() == 1 { "" } else { "s" };
    let text = format!("{} validation error{plural} detected: {}", found.len(), found.join("; "));
    Err(Fault::new(model.validation_code, text))
}

struct Validator {
    /// Whether the members of lists must not be null, which is then said with their other constraints.
    not_null: bool,
    path: String,
    found: Vec<String>,
    /// While a member of a list or map is looked at: the type that it fails, to be told by the list or map.
    gathering: Option<Gathered>,
}

/// What the members of a list, or the keys or values of a map, have failed so far.
type Gathered = Option<&'static Type>;

/// A violation that is being told: of what type, with what value, and the constraint.
struct Violation<'a> {
    ty: &'static Type,
    value: &'a dyn Fn(&mut Shown),
    constraint: &'a str,
}

impl Validator {
    fn members(&mut self, shape: &dyn Shape) {
        for (index, member) in shape.schema().members.iter().enumerate() {
            let outer = self.path.len();
            if !self.path.is_empty() {
                self.path.push('.');
            }
            push_lower_first(&mut self.path, member.name);
            match shape.value(index) {
                Some(value) => value.write(member.ty, self),
                None if member.required => {
                    let shown = if member.ty.rules.sensitive { "Value" } else { "Value null" };
                    self.push(shown, "Member must not be null");
                }
                None => {}
            }
            self.path.truncate(outer);
        }
    }

    fn push(&mut self, shown: &str, constraint: &str) {
        if self.found.len() < MAX_TOLD {
            let path = &self.path;
            self.found.push(format!("{shown} at '{path}' failed to satisfy constraint: {constraint}"));
        }
    }

    /// Tells a violation, or leaves it to the list or map round the value.
    fn tell(&mut self, violation: &Violation<'_>) {
        if let Some(gathered) = &mut self.gathering {
            *gathered = Some(violation.ty);
            return;
        }
        if self.found.len() < MAX_TOLD {
            let shown = Shown::render(violation.ty, violation.value);
            let shown = shown.map_or_else(|| "Value".to_owned(), |shown| format!("Value '{shown}'"));
            self.push(&shown, violation.constraint);
        }
    }

    fn range(&mut self, ty: &'static Type, what: &str, measure: i64, value: &dyn Fn(&mut Shown)) {
        let (too_much, too_little) =
            (ty.rules.max.is_some_and(|max| measure > max), ty.rules.min.is_some_and(|min| measure < min));
        for constraint in limits(ty, what, too_much, too_little) {
            self.tell(&Violation { ty, value, constraint: &constraint });
        }
    }

    /// Looks at a member, key or value with what is its own left to be told by the list or map.
    fn gather(&mut self, look: impl FnOnce(&mut Validator)) -> Gathered {
        let outer = self.gathering.replace(None);
        look(self);
        std::mem::replace(&mut self.gathering, outer).flatten()
    }

    /// Goes into a structure, list or map: what its parts fail is theirs to tell again.
    fn enter(&mut self, walk: impl FnOnce(&mut Validator)) {
        let outer = self.gathering.take();
        walk(self);
        self.gathering = outer;
    }
}

/// The texts of a type's greatest and least, as far as wanted.
fn limits(ty: &'static Type, what: &str, max: bool, min: bool) -> impl Iterator<Item = String> {
    let say = |limit: i64| match ty.kind {
        Kind::Double => format!("{limit}.0"),
        _ => limit.to_string(),
    };
    let max = ty.rules.max.filter(|_| max);
    let min = ty.rules.min.filter(|_| min);
    let max = max.map(|max| format!("Member must have {what} less than or equal to {}", say(max)));
    max.into_iter()
        .chain(min.map(|min| format!("Member must have {what} greater than or equal to {}", say(min))))
}

fn enumeration(ty: &'static Type) -> String {
    format!("Member must satisfy enum value set: [{}]", ty.rules.values.join(", "))
}

/// All constraints of what a list or map holds, in brackets.
fn all_constraints(ty: &'static Type, not_null: bool) -> String {
    let what = if matches!(ty.kind, Kind::Integer | Kind::Double) { "value" } else { "length" };
    let mut all: Vec<String> = if ty.rules.values.is_empty() {
        let pattern = ty.rules.pattern.as_ref();
        let pattern = pattern.map(|p| format!("Member must satisfy regular expression pattern: {}", p.shown));
        limits(ty, what, true, true).chain(pattern).collect()
    } else {
        vec![enumeration(ty)]
    };
    if not_null {
        all.push("Member must not be null".to_owned());
    }
    format!("[{}]", all.join(", "))
}

/// The model's `TableName` is `tableName` in the texts; `ARN` stays as it is, but for its first letter.
fn push_lower_first(path: &mut String, name: &str) {
    let mut chars = name.chars();
    path.extend(chars.next().map(|c| c.to_ascii_lowercase()));
    path.push_str(chars.as_str());
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl shape::Writer for Validator {
    fn string(&mut self, ty: &'static Type, value: &str) {
        let (rules, shown) = (&ty.rules, |shown: &mut Shown| shown.string(ty, value));
        if !rules.values.is_empty() {
            if !rules.values.contains(&value) {
                self.tell(&Violation { ty, value: &shown, constraint: &enumeration(ty) });
            }
            return;
        }
        if let Some(pattern) = rules.pattern.as_ref().filter(|pattern| !pattern.matches(value)) {
            let constraint = format!("Member must satisfy regular expression pattern: {}", pattern.shown);
            self.tell(&Violation { ty, value: &shown, constraint: &constraint });
        }
        if rules.min.is_some() || rules.max.is_some() {
            self.range(ty, "length", length(value.chars().count()), &shown);
        }
    }

    fn boolean(&mut self, _: &'static Type, _: bool) {}

    fn integer(&mut self, ty: &'static Type, value: i64) {
        self.range(ty, "value", value, &|shown| shown.integer(ty, value));
    }

    fn double(&mut self, ty: &'static Type, value: f64) {
        let too_much = ty.rules.max.is_some_and(|max| value > max as f64);
        let too_little = ty.rules.min.is_some_and(|min| value < min as f64);
        for constraint in limits(ty, "value", too_much, too_little) {
            self.tell(&Violation { ty, value: &|shown| shown.double(ty, value), constraint: &constraint });
        }
    }

    fn blob(&mut self, ty: &'static Type, value: &[u8]) {
        self.range(ty, "length", length(value.len()), &|shown| shown.blob(ty, value));
    }

    fn timestamp(&mut self, _: &'static Type, _: Timestamp, _: Option<TimestampFormat>) {}

    fn structure(&mut self, _: &'static Type, value: &dyn Shape) {
        self.enter(|validator| validator.members(value));
    }

    fn list(
        &mut self,
        ty: &'static Type,
        count: usize,
        member: &mut dyn FnMut(usize, &mut dyn shape::Writer),
    ) {
        let member = std::cell::RefCell::new(member);
        let shown = |shown: &mut Shown| shown.list(ty, count, &mut **member.borrow_mut());
        self.range(ty, "length", length(count), &shown);
        let (mut failed, outer) = (None, self.path.len());
        for index in 0..count {
            let _ = write!(self.path, ".{}.member", index + 1);
            failed = self.gather(|validator| member.borrow_mut()(index, validator)).or(failed);
            self.path.truncate(outer);
        }
        if let Some(failed) = failed {
            let all = all_constraints(failed, self.not_null);
            let constraint = format!("Member must satisfy constraint: {all}");
            self.tell(&Violation { ty, value: &shown, constraint: &constraint });
        }
    }

    fn map(&mut self, ty: &'static Type, entries: &mut dyn FnMut(&mut dyn FnMut(&str, &dyn Value))) {
        let Kind::Map { key: key_type, value: value_type, .. } = ty.kind else { return };
        let entries = std::cell::RefCell::new(entries);
        let shown = |shown: &mut Shown| shown.map(ty, &mut **entries.borrow_mut());
        let (mut count, mut bad_key, mut bad_value, outer) = (0, None, None, self.path.len());
        entries.borrow_mut()(&mut |_, _| count += 1);
        self.range(ty, "length", count, &shown);
        entries.borrow_mut()(&mut |key, value| {
            bad_key = self.gather(|validator| validator.string(key_type, key)).or(bad_key);
            [".", key, ".member"].iter().for_each(|part| self.path.push_str(part));
            bad_value = self.gather(|validator| value.write(value_type, validator)).or(bad_value);
            self.path.truncate(outer);
        });
        for (failed, what) in [(bad_key, "Map keys"), (bad_value, "Map value")] {
            if let Some(failed) = failed {
                let constraint =
                    format!("{what} must satisfy constraint: {}", all_constraints(failed, self.not_null));
                self.tell(&Violation { ty, value: &shown, constraint: &constraint });
            }
        }
    }
}
