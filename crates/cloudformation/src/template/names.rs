//! Which properties a resource type has: a compact grammar, so that a property that nobody handles is found before
//! anything is made.
//!
//! `A, B{C, D[E]}, F*` reads: `A` takes anything, `B` is an object of `C` and `D`, `D` a list of objects of `E`,
//! and `F` a map whose keys are free.

use std::collections::BTreeMap;

use serde_json::Value;

use super::intrinsics::intrinsic;

/// The properties of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(BTreeMap<String, Inner>);

/// What stands under a property.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Inner {
    Anything,
    Object(Names),
}

impl Names {
    /// Reads the grammar.
    pub fn parse(text: &str) -> Names {
        Names::parse_until(&mut text.chars().peekable())
    }

    fn parse_until(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Names {
        let mut names = BTreeMap::new();
        let mut name = String::new();
        loop {
            match chars.next() {
                Some('{' | '[') => {
                    let inner = Inner::Object(Names::parse_until(chars));
                    names.insert(std::mem::take(&mut name), inner);
                }
                Some(c) if c.is_alphanumeric() || c == '.' || c == '_' => name.push(c),
                Some('*') => drop(names.insert(std::mem::take(&mut name), Inner::Anything)),
                end => {
                    if !name.is_empty() {
                        names.insert(std::mem::take(&mut name), Inner::Anything);
                    }
                    if matches!(end, None | Some('}' | ']')) {
                        return Names(names);
                    }
                }
            }
        }
    }

    /// The path of the first property that is not known, such as `#/WebsiteConfiguration: RoutingRules`.
    pub fn unknown(&self, value: &Value) -> Option<(String, String)> {
        self.unknown_at(value, "#")
    }

    fn unknown_at(&self, value: &Value, path: &str) -> Option<(String, String)> {
        match value {
            Value::Array(items) => {
                let found = items.iter().enumerate();
                found.filter_map(|(at, item)| self.unknown_at(item, &format!("{path}/{at}"))).next()
            }
            Value::Object(map) => {
                if let Some((name, argument)) = intrinsic(value) {
                    // Both branches of a choice are looked into; other intrinsics give plain values.
                    let branches = argument.as_array().filter(|_| name == "Fn::If").map(Vec::as_slice);
                    return branches
                        .unwrap_or_default()
                        .iter()
                        .skip(1)
                        .find_map(|b| self.unknown_at(b, path));
                }
                map.iter().find_map(|(key, inner)| match self.0.get(key) {
                    None => Some((path.to_owned(), key.clone())),
                    Some(Inner::Anything) => None,
                    Some(Inner::Object(names)) => names.unknown_at(inner, &format!("{path}/{key}")),
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_properties_are_named_with_their_place() {
        let names = Names::parse("A, B{C, D[E]}, F*");
        assert_eq!(
            names
                .unknown(&json!({ "A": { "x": 1 }, "B": { "C": 1, "D": [{ "E": 1 }] }, "F": { "free": 1 } })),
            None
        );
        let unknown = |value| names.unknown(&value).map(|(path, name)| format!("{path} {name}"));
        assert_eq!(unknown(json!({ "X": 1 })).as_deref(), Some("# X"));
        assert_eq!(unknown(json!({ "B": { "D": [{ "E": 1 }, { "Y": 1 }] } })).as_deref(), Some("#/B/D/1 Y"));
        assert_eq!(
            unknown(json!({ "B": { "Fn::If": ["c", { "Z": 1 }, { "C": 1 }] } })).as_deref(),
            Some("#/B Z")
        );
        assert_eq!(unknown(json!({ "B": { "Ref": "P" } })), None);
    }
}
