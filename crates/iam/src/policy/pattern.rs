//! Strings of policies: wildcards `*` and `?`, and variables `${key}`, `${key, 'default'}`, `${*}`, `${?}`, `${$}`.
//!
//! A variable's value is taken literally: a `*` that comes from a request is never a wildcard.

use std::borrow::Cow;

use super::context::Context;
use super::signature::Signature;

/// Which characters of a string are special.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syntax {
    /// `*` and `?` match.
    pub wildcards: bool,
    /// `${...}` is replaced; only policies of version 2012-10-17 have it.
    pub variables: bool,
}

/// A compiled string of a policy.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pattern {
    form: Form,
    /// What a text must hold to match.
    needs: Signature,
}

/// The common forms have a short way to their answer.
#[derive(Debug, Clone, PartialEq)]
enum Form {
    Everything,
    Exact(Box<str>),
    Prefix(Box<str>),
    Glob(Box<[Piece]>),
    Template(Box<[Piece]>),
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Literal(Box<str>),
    /// `?`
    One,
    /// `*`
    Any,
    Variable {
        key: Box<str>,
        default: Option<Box<str>>,
    },
}

/// A piece after variables are replaced.
enum Token<'a> {
    Literal(Cow<'a, str>),
    One,
    Any,
}

impl Pattern {
    /// Compiles a string. Every string is a pattern; what is no well-formed variable stands for itself.
    pub(super) fn compile(text: &str, syntax: Syntax) -> Pattern {
        let pieces = pieces(text, syntax);
        let mut needs = Signature::default();
        for piece in &pieces {
            if let Piece::Literal(literal) = piece {
                needs.add(literal);
            }
        }
        let form = match pieces.as_slice() {
            [] => Form::Exact("".into()),
            [Piece::Any] => Form::Everything,
            [Piece::Literal(literal)] => Form::Exact(literal.clone()),
            [Piece::Literal(literal), Piece::Any] => Form::Prefix(literal.clone()),
            pieces if pieces.iter().any(|p| matches!(p, Piece::Variable { .. })) => {
                Form::Template(pieces.into())
            }
            pieces => Form::Glob(pieces.into()),
        };
        Pattern { form, needs }
    }

    /// The same as [`Pattern::matches`] for a text whose signature is known.
    pub(super) fn matches_signed(
        &self,
        text: &str,
        holds: &Signature,
        context: &dyn Context,
    ) -> Option<bool> {
        if holds.may_hold(&self.needs) { self.matches(text, context) } else { Some(false) }
    }

    /// Whether `text` matches; `None` where a variable has no value in this request.
    pub(super) fn matches(&self, text: &str, context: &dyn Context) -> Option<bool> {
        // Most patterns of most policies are about something else, which their ends tell.
        if !text.ends_with(self.literal_suffix()) || !text.starts_with(self.literal_prefix()) {
            return Some(false);
        }
        match &self.form {
            Form::Everything => Some(true),
            Form::Exact(literal) => Some(**literal == *text),
            Form::Prefix(_) => Some(true),
            Form::Glob(pieces) => Some(glob(pieces.len(), |at| step_of(&pieces[at]), text)),
            Form::Template(pieces) => {
                let tokens = tokens(pieces, context)?;
                Some(glob(tokens.len(), |at| tokens[at].step(), text))
            }
        }
    }

    /// The string with its variables replaced and no wildcards in it; `None` where a variable has no value.
    pub(super) fn resolve(&self, context: &dyn Context) -> Option<String> {
        match &self.form {
            Form::Exact(literal) => Some(literal.to_string()),
            Form::Everything => Some("*".to_owned()),
            Form::Prefix(prefix) => Some(format!("{prefix}*")),
            Form::Glob(pieces) | Form::Template(pieces) => Some(
                tokens(pieces, context)?
                    .into_iter()
                    .map(|token| match token {
                        Token::Literal(literal) => literal.into_owned(),
                        Token::One => "?".to_owned(),
                        Token::Any => "*".to_owned(),
                    })
                    .collect(),
            ),
        }
    }

    /// The literal text, where the pattern has neither wildcards nor variables.
    pub(super) fn literal(&self) -> Option<&str> {
        match &self.form {
            Form::Exact(literal) => Some(literal),
            _ => None,
        }
    }

    /// The text before the first wildcard or variable.
    pub(super) fn literal_prefix(&self) -> &str {
        match &self.form {
            Form::Everything => "",
            Form::Exact(literal) | Form::Prefix(literal) => literal,
            Form::Glob(pieces) | Form::Template(pieces) => match pieces.first() {
                Some(Piece::Literal(literal)) => literal,
                _ => "",
            },
        }
    }

    /// The text after the last wildcard or variable.
    fn literal_suffix(&self) -> &str {
        match &self.form {
            Form::Everything | Form::Prefix(_) => "",
            Form::Exact(literal) => literal,
            Form::Glob(pieces) | Form::Template(pieces) => match pieces.last() {
                Some(Piece::Literal(literal)) => literal,
                _ => "",
            },
        }
    }

    /// Whether a variable must be replaced before it can match.
    pub(super) fn has_variables(&self) -> bool {
        matches!(self.form, Form::Template(_))
    }

    /// Whether the pattern is a lone `*`.
    pub(super) fn is_everything(&self) -> bool {
        matches!(self.form, Form::Everything)
    }
}

/// Splits a string into pieces; neighbouring literals are joined, and `**` is `*`.
fn pieces(text: &str, syntax: Syntax) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((piece, after)) = syntax.variables.then(|| variable(rest)).flatten() {
            match piece {
                Piece::Literal(escaped) => literal.push_str(&escaped),
                piece => push(&mut out, &mut literal, piece),
            }
            rest = after;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '*' if syntax.wildcards => push(&mut out, &mut literal, Piece::Any),
            '?' if syntax.wildcards => push(&mut out, &mut literal, Piece::One),
            c => literal.push(c),
        }
    }
    if !literal.is_empty() {
        out.push(Piece::Literal(literal.into()));
    }
    out
}

fn push(out: &mut Vec<Piece>, literal: &mut String, piece: Piece) {
    if !literal.is_empty() {
        out.push(Piece::Literal(std::mem::take(literal).into()));
    }
    if piece != Piece::Any || out.last() != Some(&Piece::Any) {
        out.push(piece);
    }
}

/// Reads one `${...}` at the start of `text`.
fn variable(text: &str) -> Option<(Piece, &str)> {
    let inner = text.strip_prefix("${")?;
    let end = closing_brace(inner)?;
    let (body, after) = (&inner[..end], &inner[end + 1..]);
    let piece = match body {
        "*" | "?" | "$" => Piece::Literal(body.into()),
        body => match body.split_once(',') {
            None => Piece::Variable { key: key(body)?, default: None },
            Some((name, default)) => {
                let default = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
                Piece::Variable { key: key(name)?, default: Some(default.into()) }
            }
        },
    };
    Some((piece, after))
}

/// Where the variable ends: the first `}` that is not inside its quoted default.
fn closing_brace(inner: &str) -> Option<usize> {
    let mut quoted = false;
    inner.bytes().position(|byte| {
        quoted ^= byte == b'\'';
        byte == b'}' && !quoted
    })
}

fn key(name: &str) -> Option<Box<str>> {
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_ascii_lowercase().into())
}

fn tokens<'a>(pieces: &'a [Piece], context: &'a dyn Context) -> Option<Vec<Token<'a>>> {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Literal(literal) => Some(Token::Literal((&**literal).into())),
            Piece::One => Some(Token::One),
            Piece::Any => Some(Token::Any),
            Piece::Variable { key, default } => match (context.single(key), default) {
                (Some(value), _) => Some(Token::Literal(value)),
                (None, Some(default)) => Some(Token::Literal((&**default).into())),
                (None, None) => None,
            },
        })
        .collect()
}

/// One step of matching.
enum Step<'a> {
    Literal(&'a str),
    One,
    Any,
}

impl Token<'_> {
    fn step(&self) -> Step<'_> {
        match self {
            Token::Literal(literal) => Step::Literal(literal),
            Token::One => Step::One,
            Token::Any => Step::Any,
        }
    }
}

/// The step of a piece in a pattern without variables.
fn step_of(piece: &Piece) -> Step<'_> {
    match piece {
        Piece::Literal(literal) => Step::Literal(literal),
        Piece::One => Step::One,
        // A glob has no variables; were there one, it would be no wildcard.
        Piece::Variable { key, .. } => Step::Literal(key),
        Piece::Any => Step::Any,
    }
}

/// Matches without recursion: on a mismatch, the last `*` takes one character more.
fn glob<'a>(steps: usize, step: impl Fn(usize) -> Step<'a>, text: &str) -> bool {
    let (mut next, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let rest = &text[at..];
        let width = match (next < steps).then(|| step(next)) {
            None if rest.is_empty() => return true,
            None => None,
            Some(Step::Any) if next + 1 == steps => return true,
            Some(Step::Any) => {
                star = Some((next + 1, at));
                Some(0)
            }
            Some(Step::One) => rest.chars().next().map(char::len_utf8),
            Some(Step::Literal(literal)) => rest.starts_with(literal).then_some(literal.len()),
        };
        if let Some(width) = width {
            at += width;
            next += 1;
            continue;
        }
        let Some((after, from)) = star else { return false };
        let Some(width) = text[from..].chars().next().map(char::len_utf8) else { return false };
        star = Some((after, from + width));
        (next, at) = (after, from + width);
    }
}

#[cfg(test)]
mod tests {
    use nephos_core::ContextKeys;
    use proptest::prelude::*;

    use super::*;

    const FULL: Syntax = Syntax { wildcards: true, variables: true };

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::compile(pattern, FULL).matches(text, &ContextKeys::new()) == Some(true)
    }

    #[test]
    fn wildcards_span_slashes_and_colons() {
        for (pattern, text) in [
            ("*", ""),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b:c"),
            ("arn:aws:s3:::b*z", "arn:aws:s3:::b/x/z"),
            ("a?c", "aüc"),
            ("**a**", "xxaxx"),
            ("a*b*c", "a-b-b-c"),
            ("*aab", "aaaaab"),
        ] {
            assert!(matches(pattern, text), "{pattern} should match {text}");
        }
        for (pattern, text) in
            [("", "a"), ("a", "A"), ("a?c", "ac"), ("a*b", "a-c"), ("arn:aws:s3:::b/*", "arn:aws:s3:::b")]
        {
            assert!(!matches(pattern, text), "{pattern} should not match {text}");
        }
    }

    #[test]
    fn variables_are_replaced_literally() {
        let mut keys = ContextKeys::new();
        keys.set("aws:username", "a*");
        keys.set_all("aws:TagKeys", vec!["x".into(), "y".into()]);
        let matches = |pattern, text| Pattern::compile(pattern, FULL).matches(text, &keys);
        assert_eq!(matches("home/${aws:Username}/*", "home/a*/x"), Some(true));
        assert_eq!(matches("home/${aws:username}/*", "home/abc/x"), Some(false));
        assert_eq!(matches("home/${aws:nobody}/*", "home//x"), None);
        assert_eq!(matches("home/${aws:TagKeys}", "home/x"), None);
        assert_eq!(matches("home/${ aws:nobody , 'all}of*' }", "home/all}of*"), Some(true));
        assert_eq!(matches("${*}${?}${$}", "*?$"), Some(true));
        assert_eq!(matches("${*}${?}${$}", "abc"), Some(false));
        assert_eq!(matches("${unclosed", "${unclosed"), Some(true));
    }

    #[test]
    fn the_old_version_has_no_variables() {
        let old = Syntax { wildcards: true, variables: false };
        let mut keys = ContextKeys::new();
        keys.set("aws:username", "a");
        let pattern = Pattern::compile("x/${aws:username}/*", old);
        assert_eq!(pattern.matches("x/${aws:username}/y", &keys), Some(true));
        assert_eq!(pattern.matches("x/a/y", &keys), Some(false));
    }

    /// The definition, by recursion.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some('*'), _) => naive(&pattern[1..], text) || (!text.is_empty() && naive(pattern, &text[1..])),
            (Some('?'), Some(_)) => naive(&pattern[1..], &text[1..]),
            (Some(p), Some(t)) => p == t && naive(&pattern[1..], &text[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[abü*?]{0,9}", text in "[abü]{0,12}") {
            let (p, t): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(matches(&pattern, &text), naive(&p, &t));
            let signed = Pattern::compile(&pattern, FULL).matches_signed(&text, &Signature::of(&text), &ContextKeys::new());
            prop_assert_eq!(signed, Some(naive(&p, &t)));
        }

        #[test]
        fn never_panics(pattern in "\\PC{0,40}", text in "\\PC{0,40}") {
            let _ = matches(&pattern, &text);
            let _ = Pattern::compile(&pattern, FULL).resolve(&ContextKeys::new());
        }

        #[test]
        fn an_escaped_string_matches_itself_alone(text in "[a*?$]{0,8}", other in "[a*?$]{0,8}") {
            let escaped: String = text.chars().map(|c| if c == 'a' { "a".to_owned() } else { format!("${{{c}}}") }).collect();
            prop_assert!(matches(&escaped, &text));
            prop_assert_eq!(matches(&escaped, &other), text == other);
        }
    }
}
