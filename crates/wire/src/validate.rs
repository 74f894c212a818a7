//! The models' constraints, checked by one table-driven walk, with AWS's own text for all violations at once.

use nephos_core::{Fault, Timestamp};

use crate::schema::{Kind, ServiceModel, TimestampFormat, Type};
use crate::shape::{Shape, Value, Writer};

/// How many violations are told.
const MAX_TOLD: usize = 10;

/// Checks an input against the model; the fault tells every violation in the model's order.
pub fn validate(model: &ServiceModel, shape: &dyn Shape) -> Result<(), Fault> {
    if !model.validates {
        return Ok(());
    }
    let mut validator = Validator::default();
    validator.members(shape);
    let found = validator.found;
    if found.is_empty() {
        return Ok(());
    }
    let plural = if found.len() == 1 { "" } else { "s" };
    let text = format!("{} validation error{plural} detected: {}", found.len(), found.join("; "));
    Err(Fault::new(model.validation_code, text))
}

#[derive(Default)]
struct Validator {
    path: String,
    found: Vec<String>,
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
                None if member.required => self.tell("Value null", "Member must not be null"),
                None => {}
            }
            self.path.truncate(outer);
        }
    }

    fn tell(&mut self, value: &str, constraint: &str) {
        if self.found.len() < MAX_TOLD {
            let path = &self.path;
            self.found.push(format!("{value} at '{path}' failed to satisfy constraint: {constraint}"));
        }
    }

    fn tell_value(&mut self, ty: &'static Type, value: &str, constraint: &str) {
        let shown = if ty.rules.sensitive { "Value".to_owned() } else { format!("Value '{value}'") };
        self.tell(&shown, constraint);
    }

    fn range(&mut self, ty: &'static Type, what: &str, measure: i64, shown: &dyn Fn() -> String) {
        if ty.rules.max.is_some_and(|max| measure > max) {
            let limit = ty.rules.max.unwrap_or_default();
            self.tell_value(ty, &shown(), &format!("Member must have {what} less than or equal to {limit}"));
        }
        if ty.rules.min.is_some_and(|min| measure < min) {
            let limit = ty.rules.min.unwrap_or_default();
            self.tell_value(
                ty,
                &shown(),
                &format!("Member must have {what} greater than or equal to {limit}"),
            );
        }
    }
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

impl Writer for Validator {
    fn string(&mut self, ty: &'static Type, value: &str) {
        let rules = &ty.rules;
        if !rules.values.is_empty() && !rules.values.contains(&value) {
            let set = format!("Member must satisfy enum value set: [{}]", rules.values.join(", "));
            self.tell_value(ty, value, &set);
            return;
        }
        if let Some(pattern) = rules.pattern.as_ref().filter(|pattern| !pattern.matches(value)) {
            let text = format!("Member must satisfy regular expression pattern: {}", pattern.shown);
            self.tell_value(ty, value, &text);
        }
        if rules.min.is_some() || rules.max.is_some() {
            self.range(ty, "length", length(value.chars().count()), &|| value.to_owned());
        }
    }

    fn boolean(&mut self, _: &'static Type, _: bool) {}

    fn integer(&mut self, ty: &'static Type, value: i64) {
        self.range(ty, "value", value, &|| value.to_string());
    }

    fn double(&mut self, ty: &'static Type, value: f64) {
        self.range(ty, "value", value as i64, &|| value.to_string());
    }

    fn blob(&mut self, ty: &'static Type, value: &[u8]) {
        let shown = || format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", value.len());
        self.range(ty, "length", length(value.len()), &shown);
    }

    fn timestamp(&mut self, _: &'static Type, _: Timestamp, _: Option<TimestampFormat>) {}

    fn structure(&mut self, _: &'static Type, value: &dyn Shape) {
        self.members(value);
    }

    fn list(&mut self, ty: &'static Type, count: usize, member: &mut dyn FnMut(usize, &mut dyn Writer)) {
        let shown = || {
            let mut shown = Shown(String::from("["));
            for index in 0..count {
                shown.0.push_str(if index > 0 { ", " } else { "" });
                member(index, &mut shown);
            }
            shown.0 + "]"
        };
        if ty.rules.min.is_some_and(|min| length(count) < min)
            || ty.rules.max.is_some_and(|max| length(count) > max)
        {
            let text = { shown }();
            self.range(ty, "length", length(count), &|| text.clone());
        }
        let outer = self.path.len();
        for index in 0..count {
            self.path.push_str(&format!(".{}.member", index + 1));
            member(index, self);
            self.path.truncate(outer);
        }
    }

    fn map(&mut self, ty: &'static Type, entries: &mut dyn FnMut(&mut dyn FnMut(&str, &dyn Value))) {
        let Kind::Map { key: key_type, value: value_type, .. } = ty.kind else { return };
        let mut count = 0;
        let outer = self.path.len();
        entries(&mut |key, value| {
            count += 1;
            self.path.push('.');
            self.path.push_str(key);
            let after = self.path.len();
            self.path.push_str(".member");
            self.path.truncate(after);
            if key_type.rules.min.is_some()
                || key_type.rules.pattern.is_some()
                || key_type.rules.max.is_some()
            {
                self.path.truncate(outer);
                self.string(key_type, key);
                self.path.push('.');
                self.path.push_str(key);
            }
            self.path.push_str(".member");
            value.write(value_type, self);
            self.path.truncate(outer);
        });
        self.range(ty, "length", count, &|| "{}".to_owned());
    }
}

/// Writes values roughly as Java prints them, for the texts.
struct Shown(String);

impl Writer for Shown {
    fn string(&mut self, ty: &'static Type, value: &str) {
        self.0.push_str(if ty.rules.sensitive { "***" } else { value });
    }
    fn boolean(&mut self, _: &'static Type, value: bool) {
        self.0.push_str(if value { "true" } else { "false" });
    }
    fn integer(&mut self, _: &'static Type, value: i64) {
        self.0.push_str(&value.to_string());
    }
    fn double(&mut self, _: &'static Type, value: f64) {
        self.0.push_str(&value.to_string());
    }
    fn blob(&mut self, _: &'static Type, value: &[u8]) {
        self.0.push_str(&format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", value.len()));
    }
    fn timestamp(&mut self, _: &'static Type, value: Timestamp, _: Option<TimestampFormat>) {
        self.0.push_str(&value.iso8601());
    }
    fn structure(&mut self, ty: &'static Type, value: &dyn Shape) {
        self.0.push_str(ty.name);
        self.0.push('(');
        let mut first = true;
        for (index, member) in value.schema().members.iter().enumerate() {
            if let Some(value) = value.value(index) {
                self.0.push_str(if std::mem::take(&mut first) { "" } else { ", " });
                push_lower_first(&mut self.0, member.name);
                self.0.push('=');
                value.write(member.ty, self);
            }
        }
        self.0.push(')');
    }
    fn list(&mut self, _: &'static Type, count: usize, member: &mut dyn FnMut(usize, &mut dyn Writer)) {
        self.0.push('[');
        for index in 0..count {
            self.0.push_str(if index > 0 { ", " } else { "" });
            member(index, self);
        }
        self.0.push(']');
    }
    fn map(&mut self, ty: &'static Type, entries: &mut dyn FnMut(&mut dyn FnMut(&str, &dyn Value))) {
        self.0.push('{');
        let mut first = true;
        entries(&mut |key, value| {
            self.0.push_str(if std::mem::take(&mut first) { "" } else { ", " });
            self.0.push_str(key);
            self.0.push('=');
            value.write(crate::shape::element(ty), self);
        });
        self.0.push('}');
    }
}
