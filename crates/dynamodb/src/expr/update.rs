//! Update expressions: the grammar, the checks in AWS's order, and the resolved actions.

use std::sync::Arc;

use super::check::{no_reserved_words, operand_type, paths_in, resolve_path};
use super::parser::Parser;
use super::placeholders::Placeholders;
use super::projection::no_clashes;
use super::raw::{RawCall, RawOperand, RawPath};
use super::{ExpressionError, Parameter, Path};
use crate::value::{AttributeValue, Kind};

const KEYWORDS: &[&str] = &["SET", "REMOVE", "ADD", "DELETE"];

type Checked<T> = Result<T, ExpressionError>;

/// A checked update: no two of its paths overlap.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Update {
    /// The actions in the order in which they were written.
    pub actions: Vec<Action>,
    /// Whether it came as `AttributeUpdates`, which changes the wording of a fault.
    pub legacy: bool,
}

/// One thing that an update does.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Where.
    pub path: Path,
    /// What.
    pub what: What,
}

/// What an action does at its path.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Puts a value there.
    Set(Expression),
    /// Takes away what is there.
    Remove,
    /// Adds to a number, or members to a set.
    Add(Arc<AttributeValue>),
    /// Takes members out of a set.
    Delete(Arc<AttributeValue>),
}

/// The right side of a SET.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A value of the request's.
    Literal(Arc<AttributeValue>),
    /// What a path leads to.
    Path(Path),
    /// What a path leads to, else the other.
    IfNotExists(Path, Box<Expression>),
    /// One list after the other.
    ListAppend(Box<Expression>, Box<Expression>),
    /// The sum.
    Plus(Box<Expression>, Box<Expression>),
    /// The difference.
    Minus(Box<Expression>, Box<Expression>),
}

impl Update {
    /// Parses, checks and resolves an update expression.
    pub fn parse(text: &str, placeholders: &Placeholders) -> Checked<Update> {
        let raw = parse(text)?;
        raw.iter().try_for_each(|action| action.paths(&mut no_reserved_words))?;
        raw.iter().try_for_each(|action| action.calls(&mut known_function))?;
        sections_once(&raw)?;
        names_known(&raw, placeholders)?;
        values_known(&raw, placeholders)?;
        let paths =
            raw.iter().map(|action| resolve_path(&action.path, placeholders)).collect::<Checked<Vec<_>>>()?;
        no_clashes(&paths)?;
        raw.iter().try_for_each(|action| set_or_number(action, placeholders))?;
        let actions = raw.iter().zip(paths).map(|(raw, path)| resolve(raw, path, placeholders));
        Ok(Update { actions: actions.collect::<Checked<_>>()?, legacy: false })
    }

    /// The paths that the update writes to.
    pub fn targets(&self) -> impl Iterator<Item = &Path> {
        self.actions.iter().map(|action| &action.path)
    }

    /// Calls `visit` with every path that the update writes to or reads.
    pub fn for_each_path<'a>(&'a self, visit: &mut dyn FnMut(&'a Path)) {
        for action in &self.actions {
            visit(&action.path);
            if let What::Set(value) = &action.what {
                value.for_each_path(visit);
            }
        }
    }

    /// Whether it only takes away, and so makes no item where there is none.
    pub fn only_removes(&self) -> bool {
        let removes = |action: &Action| matches!(action.what, What::Remove | What::Delete(_));
        !self.actions.is_empty() && self.actions.iter().all(removes)
    }
}

impl Expression {
    fn for_each_path<'a>(&'a self, visit: &mut dyn FnMut(&'a Path)) {
        match self {
            Expression::Literal(_) => {}
            Expression::Path(path) => visit(path),
            Expression::IfNotExists(path, inner) => {
                visit(path);
                inner.for_each_path(visit);
            }
            Expression::ListAppend(a, b) | Expression::Plus(a, b) | Expression::Minus(a, b) => {
                a.for_each_path(visit);
                b.for_each_path(visit);
            }
        }
    }

    /// The type of the result, where the request alone decides it.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Expression::Literal(value) => Some(value.kind()),
            Expression::Path(_) => None,
            Expression::IfNotExists(_, other) => other.kind(),
            Expression::ListAppend(..) => Some(Kind::L),
            Expression::Plus(..) | Expression::Minus(..) => Some(Kind::N),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Set,
    Remove,
    Add,
    Delete,
}

const SECTIONS: [(&str, Section); 4] =
    [("SET", Section::Set), ("REMOVE", Section::Remove), ("ADD", Section::Add), ("DELETE", Section::Delete)];

/// An action as it was parsed. The first of its section opens it.
struct RawAction {
    section: Section,
    opens: bool,
    path: RawPath,
    value: RawValue,
}

enum RawValue {
    None,
    Operand(RawOperand),
    /// `+` or `-`, and its operands.
    Sum(&'static str, RawOperand, RawOperand),
}

impl RawAction {
    fn operands(&self) -> Vec<&RawOperand> {
        match &self.value {
            RawValue::None => Vec::new(),
            RawValue::Operand(operand) => vec![operand],
            RawValue::Sum(_, a, b) => vec![a, b],
        }
    }

    fn paths(&self, visit: &mut dyn FnMut(&RawPath) -> Checked<()>) -> Checked<()> {
        visit(&self.path)?;
        self.operands().into_iter().try_for_each(|operand| paths_in(operand, visit))
    }

    fn calls(&self, visit: &mut dyn FnMut(&RawCall) -> Checked<()>) -> Checked<()> {
        self.operands().into_iter().try_for_each(|operand| calls_in(operand, visit))
    }
}

fn calls_in(operand: &RawOperand, visit: &mut dyn FnMut(&RawCall) -> Checked<()>) -> Checked<()> {
    let RawOperand::Call(call) = operand else { return Ok(()) };
    call.arguments.iter().try_for_each(|argument| calls_in(argument, visit))?;
    visit(call)
}

/// Calls `visit` with every path of an update expression.
pub(super) fn for_each_raw_path(text: &str, visit: &mut dyn FnMut(&RawPath) -> Checked<()>) -> Checked<()> {
    parse(text)?.iter().try_for_each(|action| action.paths(visit))
}

fn parse(text: &str) -> Checked<Vec<RawAction>> {
    let mut parser = Parser::new(text, Parameter::Update, KEYWORDS)?;
    let mut actions = Vec::new();
    loop {
        let section = SECTIONS.iter().find(|(keyword, _)| parser.tokens.is_keyword(keyword));
        let Some((_, section)) = section else { return Err(parser.tokens.unexpected()) };
        parser.tokens.take();
        let mut opens = true;
        loop {
            actions.push(action(&mut parser, *section, std::mem::take(&mut opens))?);
            if !parser.tokens.take_symbol(",") {
                break;
            }
        }
        if parser.tokens.is_at_end() {
            return Ok(actions);
        }
    }
}

fn action(parser: &mut Parser<'_>, section: Section, opens: bool) -> Checked<RawAction> {
    parser.operator()?;
    let path = parser.path()?;
    let value = match section {
        Section::Set => {
            parser.tokens.expect_symbol("=")?;
            set_value(parser)?
        }
        Section::Remove => RawValue::None,
        Section::Add | Section::Delete => match parser.operand()? {
            operand @ RawOperand::Value(_) => RawValue::Operand(operand),
            _ => return Err(parser.tokens.unexpected()),
        },
    };
    Ok(RawAction { section, opens, path, value })
}

/// An operand, a sum or a difference; all of it perhaps in parentheses.
fn set_value(parser: &mut Parser<'_>) -> Checked<RawValue> {
    if parser.tokens.is_symbol("(") {
        parser.tokens.take();
        let inner = parser.nested(set_value)?;
        parser.tokens.expect_symbol(")")?;
        return match inner {
            RawValue::Operand(operand) => sum_after(parser, operand),
            other => Ok(other),
        };
    }
    let first = parser.operand()?;
    sum_after(parser, first)
}

fn sum_after(parser: &mut Parser<'_>, first: RawOperand) -> Checked<RawValue> {
    for operator in ["+", "-"] {
        if parser.tokens.take_symbol(operator) {
            parser.operator()?;
            return Ok(RawValue::Sum(operator, first, parser.operand_in_parentheses()?));
        }
    }
    Ok(RawValue::Operand(first))
}

fn known_function(call: &RawCall) -> Checked<()> {
    if matches!(call.name.as_str(), "if_not_exists" | "list_append") {
        return Ok(());
    }
    Err(ExpressionError::new(format!("Invalid function name; function: {}", call.name)))
}

fn sections_once(raw: &[RawAction]) -> Checked<()> {
    for (keyword, section) in SECTIONS {
        if raw.iter().filter(|action| action.opens && action.section == section).count() > 1 {
            return Err(ExpressionError::new(format!(
                "The \"{keyword}\" section can only be used once in an update expression;"
            )));
        }
    }
    Ok(())
}

fn names_known(raw: &[RawAction], placeholders: &Placeholders) -> Checked<()> {
    raw.iter().try_for_each(|action| action.paths(&mut |path| resolve_path(path, placeholders).map(drop)))
}

fn values_known(raw: &[RawAction], placeholders: &Placeholders) -> Checked<()> {
    fn values(operand: &RawOperand, placeholders: &Placeholders) -> Checked<()> {
        match operand {
            RawOperand::Path(_) => Ok(()),
            RawOperand::Value(name) => placeholders.value(name).map(drop),
            RawOperand::Call(call) => call.arguments.iter().try_for_each(|inner| values(inner, placeholders)),
        }
    }
    raw.iter().flat_map(RawAction::operands).try_for_each(|operand| values(operand, placeholders))
}

/// ADD takes a number or a set, DELETE a set.
fn set_or_number(action: &RawAction, placeholders: &Placeholders) -> Checked<()> {
    let operator = match action.section {
        Section::Add => "ADD",
        Section::Delete => "DELETE",
        _ => return Ok(()),
    };
    let RawValue::Operand(RawOperand::Value(name)) = &action.value else { return Ok(()) };
    let kind = placeholders.value(name)?.kind();
    if kind.is_set() || (operator == "ADD" && kind == Kind::N) {
        return Ok(());
    }
    Err(ExpressionError::new(format!(
        "Incorrect operand type for operator or function; operator: {operator}, operand type: {}",
        kind.long_name()
    )))
}

fn resolve(raw: &RawAction, path: Path, placeholders: &Placeholders) -> Checked<Action> {
    let what = match (&raw.value, raw.section) {
        (RawValue::None, _) => What::Remove,
        (RawValue::Operand(RawOperand::Value(name)), Section::Add) => What::Add(placeholders.value(name)?),
        (RawValue::Operand(RawOperand::Value(name)), Section::Delete) => {
            What::Delete(placeholders.value(name)?)
        }
        (RawValue::Operand(operand), _) => What::Set(expression(operand, placeholders)?),
        (RawValue::Sum(operator, a, b), _) => {
            let [a, b] = [expression(a, placeholders)?, expression(b, placeholders)?];
            [&a, &b].into_iter().try_for_each(|operand| literal_is(operator, operand, Kind::N))?;
            let (a, b) = (Box::new(a), Box::new(b));
            What::Set(if *operator == "+" { Expression::Plus(a, b) } else { Expression::Minus(a, b) })
        }
    };
    Ok(Action { path, what })
}

fn expression(raw: &RawOperand, placeholders: &Placeholders) -> Checked<Expression> {
    match raw {
        RawOperand::Path(path) => resolve_path(path, placeholders).map(Expression::Path),
        RawOperand::Value(name) => placeholders.value(name).map(Expression::Literal),
        RawOperand::Call(call) => function(call, placeholders),
    }
}

fn function(call: &RawCall, placeholders: &Placeholders) -> Checked<Expression> {
    let arguments = call.arguments.iter().map(|argument| expression(argument, placeholders));
    let arguments = arguments.collect::<Checked<Vec<_>>>()?;
    let count = arguments.len();
    let Ok([first, second]) = <[Expression; 2]>::try_from(arguments) else {
        return Err(ExpressionError::new(format!(
            "Incorrect number of operands for operator or function; operator or function: {}, number of operands: \
             {count}",
            call.name
        )));
    };
    if call.name == "list_append" {
        [&first, &second].into_iter().try_for_each(|operand| literal_is("list_append", operand, Kind::L))?;
        return Ok(Expression::ListAppend(Box::new(first), Box::new(second)));
    }
    match first {
        Expression::Path(path) => Ok(Expression::IfNotExists(path, Box::new(second))),
        _ => Err(ExpressionError::new(format!(
            "Operator or function requires a document path; operator or function: {}",
            call.name
        ))),
    }
}

fn literal_is(operator: &str, operand: &Expression, wanted: Kind) -> Checked<()> {
    match operand {
        Expression::Literal(value) if value.kind() != wanted => {
            Err(operand_type(operator, value.kind().name()))
        }
        _ => Ok(()),
    }
}
