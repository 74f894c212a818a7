//! JSON patterns: `{ ($.level = "error" && $.status >= 500) || $.user.id = "a*" }`.

use regex::Regex;
use serde_json::Value;

use super::scanner::Scanner;
use super::{InvalidPattern, compile};

/// How deep parentheses may nest.
const MAX_DEPTH: u32 = 32;

/// A parsed condition.
#[derive(Debug)]
pub enum Condition {
    /// Any of them.
    Or(Vec<Condition>),
    /// All of them.
    And(Vec<Condition>),
    /// One property compared.
    Test(Selector, Test),
}

/// The path of a property: `$.a.b[0]`.
#[derive(Debug)]
pub struct Selector(Vec<Step>);

#[derive(Debug)]
enum Step {
    Name(String),
    Index(usize),
    Every,
}

/// What is asked of a property.
#[derive(Debug)]
pub enum Test {
    /// `=` or `!=` a text, with `*` for anything.
    Text {
        /// The text.
        text: String,
        /// Whether it must differ.
        negated: bool,
    },
    /// `=` or `!=` a regular expression.
    Matches {
        /// The expression.
        regex: Regex,
        /// Whether it must differ.
        negated: bool,
    },
    /// Compared with a number.
    Number(Comparison, f64),
    /// `IS NULL`.
    IsNull,
    /// `IS TRUE` or `IS FALSE`.
    Is(bool),
    /// `EXISTS` or `NOT EXISTS`.
    Exists(bool),
}

/// How numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Condition {
    /// Parses a pattern with its braces.
    pub fn parse(text: &str) -> Result<Condition, InvalidPattern> {
        let inner = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .ok_or_else(|| InvalidPattern("Invalid filter pattern: a brace is not closed".to_owned()))?;
        let mut scanner = Scanner::new(inner);
        let condition = any(&mut scanner, 0)?;
        scanner.skip_spaces();
        if scanner.peek().is_some() {
            return Err(scanner.unexpected());
        }
        Ok(condition)
    }

    /// Whether a message is JSON that satisfies the condition.
    pub fn matches(&self, message: &str) -> bool {
        let object = message.trim_start().starts_with(['{', '[']);
        object && serde_json::from_str(message).is_ok_and(|value: Value| self.holds(&value))
    }

    fn holds(&self, value: &Value) -> bool {
        match self {
            Condition::Or(conditions) => conditions.iter().any(|c| c.holds(value)),
            Condition::And(conditions) => conditions.iter().all(|c| c.holds(value)),
            Condition::Test(selector, test) => test.holds(&selector.find(value)),
        }
    }
}

fn any(scanner: &mut Scanner<'_>, depth: u32) -> Result<Condition, InvalidPattern> {
    let mut conditions = vec![all(scanner, depth)?];
    while separator(scanner, "||") {
        conditions.push(all(scanner, depth)?);
    }
    Ok(if conditions.len() == 1 { conditions.remove(0) } else { Condition::Or(conditions) })
}

fn all(scanner: &mut Scanner<'_>, depth: u32) -> Result<Condition, InvalidPattern> {
    let mut conditions = vec![one(scanner, depth)?];
    while separator(scanner, "&&") {
        conditions.push(one(scanner, depth)?);
    }
    Ok(if conditions.len() == 1 { conditions.remove(0) } else { Condition::And(conditions) })
}

fn separator(scanner: &mut Scanner<'_>, text: &str) -> bool {
    scanner.skip_spaces();
    scanner.eat(text)
}

fn one(scanner: &mut Scanner<'_>, depth: u32) -> Result<Condition, InvalidPattern> {
    if depth > MAX_DEPTH {
        return Err(InvalidPattern("Invalid filter pattern: parentheses nest too deep".to_owned()));
    }
    scanner.skip_spaces();
    if scanner.eat("(") {
        let inner = any(scanner, depth + 1)?;
        return if separator(scanner, ")") { Ok(inner) } else { Err(scanner.unexpected()) };
    }
    let selector = Selector::parse(scanner)?;
    Ok(Condition::Test(selector, Test::parse(scanner)?))
}

impl Selector {
    fn parse(scanner: &mut Scanner<'_>) -> Result<Selector, InvalidPattern> {
        if !scanner.eat("$") {
            return Err(scanner.unexpected());
        }
        let mut steps = Vec::new();
        loop {
            if scanner.eat(".") && scanner.peek() != Some('[') {
                let name = scanner.take_while(|c| c.is_alphanumeric() || "_-@$:#".contains(c));
                if name.is_empty() {
                    return Err(scanner.unexpected());
                }
                steps.push(Step::Name(name.to_owned()));
            } else if scanner.eat("[") {
                steps.push(bracket(scanner)?);
            } else {
                break;
            }
        }
        if steps.is_empty() { Err(scanner.unexpected()) } else { Ok(Selector(steps)) }
    }

    /// Every value that the path leads to; several only through `[*]`.
    fn find<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        self.0.iter().fold(vec![value], |values, step| {
            let below = |value: &'v Value| match step {
                Step::Name(name) => value.get(name).into_iter().collect(),
                Step::Index(index) => value.get(index).into_iter().collect(),
                Step::Every => value.as_array().map(|list| list.iter().collect()).unwrap_or_default(),
            };
            values.into_iter().flat_map::<Vec<&Value>, _>(below).collect()
        })
    }
}

fn bracket(scanner: &mut Scanner<'_>) -> Result<Step, InvalidPattern> {
    let step = match scanner.peek() {
        Some(quote @ ('"' | '\'')) => Step::Name(scanner.enclosed(quote)?),
        Some('*') => {
            scanner.bump();
            Step::Every
        }
        _ => {
            let digits = scanner.take_while(|c| c.is_ascii_digit());
            Step::Index(digits.parse().map_err(|_| scanner.unexpected())?)
        }
    };
    if scanner.eat("]") { Ok(step) } else { Err(scanner.unexpected()) }
}

impl Test {
    fn parse(scanner: &mut Scanner<'_>) -> Result<Test, InvalidPattern> {
        if scanner.eat_word("IS") {
            return Test::parse_is(scanner);
        }
        if scanner.eat_word("EXISTS") {
            return Ok(Test::Exists(true));
        }
        if scanner.eat_word("NOT") {
            return if scanner.eat_word("EXISTS") {
                Ok(Test::Exists(false))
            } else {
                Err(scanner.unexpected())
            };
        }
        scanner.skip_spaces();
        let comparison = Comparison::parse(scanner)?;
        scanner.skip_spaces();
        Test::operand(comparison, scanner)
    }

    fn parse_is(scanner: &mut Scanner<'_>) -> Result<Test, InvalidPattern> {
        for (word, test) in [("NULL", Test::IsNull), ("TRUE", Test::Is(true)), ("FALSE", Test::Is(false))] {
            if scanner.eat_word(word) {
                return Ok(test);
            }
        }
        Err(scanner.unexpected())
    }

    fn operand(comparison: Comparison, scanner: &mut Scanner<'_>) -> Result<Test, InvalidPattern> {
        let ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let negated = comparison == Comparison::NotEqual;
        match scanner.peek() {
            Some('"') if !ordered => Ok(Test::Text { text: scanner.quoted()?, negated }),
            Some('%') if !ordered => {
                Ok(Test::Matches { regex: compile(&scanner.until_percent()?)?, negated })
            }
            _ => {
                let word = scanner.take_while(|c| !c.is_whitespace() && !"()&|\"{}".contains(c));
                match word.parse::<f64>() {
                    Ok(number) if number.is_finite() => Ok(Test::Number(comparison, number)),
                    _ if ordered || word.is_empty() => Err(scanner.unexpected()),
                    _ => Ok(Test::Text { text: word.to_owned(), negated }),
                }
            }
        }
    }

    /// Whether any of the found values passes. A property that is not there passes nothing but `NOT EXISTS`.
    fn holds(&self, found: &[&Value]) -> bool {
        match self {
            Test::Exists(wanted) => found.is_empty() != *wanted,
            test => found.iter().any(|value| test.holds_for(value)),
        }
    }

    fn holds_for(&self, value: &Value) -> bool {
        match self {
            Test::Text { text, negated } => {
                scalar(value).is_some_and(|shown| wildcard(text.as_bytes(), shown.as_bytes()) != *negated)
            }
            Test::Matches { regex, negated } => {
                scalar(value).is_some_and(|shown| regex.is_match(&shown) != *negated)
            }
            Test::Number(comparison, number) => value.as_f64().is_some_and(|v| comparison.holds(v, *number)),
            Test::IsNull => value.is_null(),
            Test::Is(wanted) => value.as_bool() == Some(*wanted),
            Test::Exists(wanted) => *wanted,
        }
    }
}

/// A text, number or truth value as text; nothing for null, lists and objects.
fn scalar(value: &Value) -> Option<std::borrow::Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(truth) => Some(truth.to_string().into()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any run of bytes. Linear but for the last star.
fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((star_at, covered)) = star {
            (p, t) = (star_at + 1, covered + 1);
            star = Some((star_at, covered + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

impl Comparison {
    fn parse(scanner: &mut Scanner<'_>) -> Result<Comparison, InvalidPattern> {
        let table = [
            ("!=", Comparison::NotEqual),
            (">=", Comparison::AtLeast),
            ("<=", Comparison::AtMost),
            ("=", Comparison::Equal),
            (">", Comparison::Greater),
            ("<", Comparison::Less),
        ];
        let found = table.into_iter().find(|(text, _)| scanner.eat(text));
        found.map(|(_, comparison)| comparison).ok_or_else(|| scanner.unexpected())
    }

    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Comparison::Equal => left == right,
            Comparison::NotEqual => left != right,
            Comparison::Less => left < right,
            Comparison::AtMost => left <= right,
            Comparison::Greater => left > right,
            Comparison::AtLeast => left >= right,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Pattern;
    use super::wildcard;

    const MESSAGE: &str = r#"{"level":"error","status":503,"ok":false,"user":{"id":"abc","tags":["x","y"],"a b":1},
        "none":null,"items":[{"n":1},{"n":2}]}"#;

    fn matches(pattern: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(MESSAGE)
    }

    #[test]
    fn conditions_that_hold() {
        for pattern in [
            r#"{ $.level = "error" }"#,
            r#"{$.level="err*"}"#,
            "{ $.level = error }",
            "{ $.status = 503 }",
            "{ $.status >= 500 && $.status < 600 }",
            "{ $.level = info || $.status > 502 }",
            "{ ($.level = info || $.ok IS FALSE) && $.none is null }",
            "{ $.user.tags[1] = y }",
            "{ $.items[*].n = 2 }",
            "{ $.user['a b'] = 1 }",
            "{ $.missing NOT EXISTS }",
            "{ $.user EXISTS }",
            "{ $.level != info }",
            "{ $.user.id = %^a.c$% }",
        ] {
            assert!(matches(pattern), "{pattern}");
        }
    }

    #[test]
    fn conditions_that_do_not_hold() {
        for pattern in [
            "{ $.level = info }",
            "{ $.status < 503 }",
            "{ $.missing = x }",
            "{ $.missing != x }",
            "{ $.ok IS TRUE }",
            "{ $.level = error && $.status = 1 }",
            "{ $.level NOT EXISTS }",
            "{ $.items[*].n = 3 }",
        ] {
            assert!(!matches(pattern), "{pattern}");
        }
        assert!(!Pattern::parse("{ $.level = error }").unwrap().matches("level = error"));
    }

    #[test]
    fn malformed_conditions_are_refused() {
        let deep = format!("{{ {}$.a = 1{} }}", "(".repeat(40), ")".repeat(40));
        for bad in
            ["{}", "{ $.a }", "{ $.a = }", "{ a = 1 }", "{ $.a > x }", "{ ($.a = 1 }", "{ $.a = 1", &deep]
        {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn wildcards_match_as_regular_expressions_do(pattern in "[ab*]{0,8}", text in "[ab]{0,12}") {
            let regex = regex::Regex::new(&format!("^{}$", pattern.replace('*', ".*"))).unwrap();
            prop_assert_eq!(wildcard(pattern.as_bytes(), text.as_bytes()), regex.is_match(&text));
        }

        #[test]
        fn no_pattern_panics(pattern in ".{0,60}", message in ".{0,60}") {
            if let Ok(pattern) = Pattern::parse(&pattern) {
                pattern.matches(&message);
            }
        }
    }
}
