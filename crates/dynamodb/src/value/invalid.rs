//! What can be wrong with a value, in AWS's words.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Kind;
use super::number::NumberError;

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invalid {
    /// No type tag that is known.
    Empty,
    /// More than one type tag.
    Several,
    /// Not a number that can be stored: its spelling and why.
    Number(String, NumberError),
    /// A set without members.
    EmptySet(Kind),
    /// A set with a member twice: its type, and the members as they were sent.
    Duplicates(Kind, Vec<String>),
    /// `NULL` with another value than true.
    NullFalse,
    /// Nested too deep.
    TooDeep,
}

/// Which of AWS's two generations of checks an operation runs, which decides the wording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// PutItem, UpdateItem and DeleteItem: the current wording inside `1 validation error detected: `.
    Enveloped,
    /// GetItem, BatchGetItem and Query: the current wording, bare.
    Bare,
    /// BatchWriteItem, Scan and the transactions: the older wording.
    Older,
}

impl Layer {
    /// A request's fault as this layer words it.
    pub fn word(self, message: impl Into<String>) -> String {
        let message = message.into();
        if self == Layer::Enveloped { format!("1 validation error detected: {message}") } else { message }
    }
}

pub(super) const PARAMETERS_INVALID: &str = "One or more parameter values were invalid: ";

impl Invalid {
    /// AWS's text, without the layer's envelope.
    pub fn message(&self, layer: Layer) -> String {
        let older = layer == Layer::Older;
        match self {
            Invalid::Empty => {
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
                    .to_owned()
            }
            Invalid::Several => {
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of \
                 the supported datatypes"
                    .to_owned()
            }
            Invalid::Number(text, error) => number_message(text, *error, older),
            Invalid::EmptySet(Kind::Bs) => format!("{PARAMETERS_INVALID}Binary sets should not be empty"),
            Invalid::EmptySet(kind) => {
                let name = if *kind == Kind::Ss { "string" } else { "number" };
                format!("{PARAMETERS_INVALID}An {name} set  may not be empty")
            }
            Invalid::Duplicates(kind, members) => duplicates_message(*kind, members, older),
            Invalid::NullFalse => {
                format!("{PARAMETERS_INVALID}Null attribute value types must have the value of true")
            }
            Invalid::TooDeep => {
                "Nesting Levels have exceeded supported limits: Attributes in the item have nested \
                 levels beyond supported limit"
                    .to_owned()
            }
        }
    }
}

fn number_message(text: &str, error: NumberError, older: bool) -> String {
    // The older layer reads exponents into 32 bits: one past them is no number, and the last of them wraps round.
    let exponent = text.split(['e', 'E']).nth(1).and_then(|e| e.trim_start_matches('+').parse::<i64>().ok());
    let error = match exponent {
        Some(e) if older && i32::try_from(e).is_err() => NumberError::NotNumeric,
        Some(e) if older && e == i64::from(i32::MAX) => NumberError::Underflow,
        _ => error,
    };
    match error {
        NumberError::NotNumeric if older && text.is_empty() => error.to_string(),
        NumberError::NotNumeric => format!("{error}: {text}"),
        _ => error.to_string(),
    }
}

fn duplicates_message(kind: Kind, members: &[String], older: bool) -> String {
    let (members, quote) =
        if older { (members.to_vec(), "") } else { (sorted_to_first_repeat(members), "\"") };
    let list = |separator: &str| {
        let quoted: Vec<String> = members.iter().map(|member| format!("{quote}{member}{quote}")).collect();
        quoted.join(separator)
    };
    match kind {
        Kind::Ns if older => "Input collection contains duplicates".to_owned(),
        Kind::Ns => format!("{PARAMETERS_INVALID}Input collection contains duplicates."),
        Kind::Bs => {
            let list = list(if older { ", " } else { "," });
            format!("{PARAMETERS_INVALID}Input collection [{list}]of type BS contains duplicates.")
        }
        _ => format!("{PARAMETERS_INVALID}Input collection [{}] contains duplicates.", list(", ")),
    }
}

/// The members in order up to the first that is repeated, then that one and the rest as they were sent.
fn sorted_to_first_repeat(members: &[String]) -> Vec<String> {
    let decoded = |member: &String| STANDARD.decode(member).unwrap_or_else(|_| member.clone().into_bytes());
    let repeat = (0..members.len()).find(|&at| members[..at].contains(&members[at])).unwrap_or(members.len());
    let mut head = members[..repeat].to_vec();
    if members.iter().all(|member| STANDARD.decode(member).is_ok()) {
        head.sort_by_key(decoded);
    } else {
        head.sort();
    }
    head.extend_from_slice(&members[repeat..]);
    head
}
