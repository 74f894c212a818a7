//! The parts of the grammar that the expressions share: paths, operands and calls.

use super::lexer::{TokenKind, Tokens};
use super::raw::{RawCall, RawName, RawOperand, RawPath, RawStep};
use super::{ExpressionError, MAX_DEPTH, MAX_OPERATORS, Parameter};

/// An expression that is being parsed.
#[derive(Debug)]
pub struct Parser<'a> {
    /// Its tokens.
    pub tokens: Tokens<'a>,
    /// Whether parentheses were found that stand directly within others.
    pub redundant_parentheses: bool,
    keywords: &'static [&'static str],
    operators: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// Starts on an expression whose grammar has these keywords.
    pub fn new(
        text: &'a str,
        parameter: Parameter,
        keywords: &'static [&'static str],
    ) -> Result<Parser<'a>, ExpressionError> {
        let tokens = Tokens::new(text, parameter)?;
        Ok(Parser { tokens, redundant_parentheses: false, keywords, operators: 0, depth: 0 })
    }

    /// Counts an operator or function.
    pub fn operator(&mut self) -> Result<(), ExpressionError> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            let count = self.operators;
            return Err(ExpressionError::new(format!(
                "The expression contains too many operators; operator count: {count}"
            )));
        }
        Ok(())
    }

    /// Runs `inner` one level deeper.
    pub fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, ExpressionError>,
    ) -> Result<T, ExpressionError> {
        if self.depth == MAX_DEPTH {
            return Err(self.tokens.unexpected());
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Fails unless everything was taken.
    pub fn end(&self) -> Result<(), ExpressionError> {
        if self.tokens.is_at_end() { Ok(()) } else { Err(self.tokens.unexpected()) }
    }

    /// Whether the next token is one of the grammar's keywords.
    pub fn at_keyword(&self) -> bool {
        self.keywords.iter().any(|keyword| self.tokens.is_keyword(keyword))
    }

    /// An operand without parentheses: a call, a value or a path.
    pub fn operand(&mut self) -> Result<RawOperand, ExpressionError> {
        if self.tokens.peek().kind == TokenKind::Value {
            return Ok(RawOperand::Value(self.tokens.take().to_owned()));
        }
        if self.tokens.peek().kind == TokenKind::Word && !self.at_keyword() && self.tokens.text_after() == "("
        {
            return self.call().map(RawOperand::Call);
        }
        self.path().map(RawOperand::Path)
    }

    fn call(&mut self) -> Result<RawCall, ExpressionError> {
        self.operator()?;
        let name = self.tokens.take().to_owned();
        self.tokens.expect_symbol("(")?;
        let arguments = self.nested(Parser::operands)?;
        self.tokens.expect_symbol(")")?;
        Ok(RawCall { name, arguments })
    }

    /// One operand or more, each perhaps in parentheses, with commas between.
    pub fn operands(&mut self) -> Result<Vec<RawOperand>, ExpressionError> {
        let mut operands = vec![self.operand_in_parentheses()?];
        while self.tokens.take_symbol(",") {
            operands.push(self.operand_in_parentheses()?);
        }
        Ok(operands)
    }

    /// An operand, perhaps in parentheses.
    pub fn operand_in_parentheses(&mut self) -> Result<RawOperand, ExpressionError> {
        if !self.tokens.take_symbol("(") {
            return self.operand();
        }
        let doubled = self.tokens.is_symbol("(");
        let inner = self.nested(Parser::operand_in_parentheses)?;
        self.redundant_parentheses |= doubled && self.tokens.is_symbol(")");
        self.tokens.expect_symbol(")")?;
        self.steps_after(inner)
    }

    /// A path that goes on behind parentheses: `(a.b).c`.
    pub fn steps_after(&mut self, operand: RawOperand) -> Result<RawOperand, ExpressionError> {
        match operand {
            RawOperand::Path(mut path) => {
                path.steps.extend(self.steps()?);
                Ok(RawOperand::Path(path))
            }
            other => Ok(other),
        }
    }

    /// A path.
    pub fn path(&mut self) -> Result<RawPath, ExpressionError> {
        let root = self.name()?;
        Ok(RawPath { root, steps: self.steps()? })
    }

    fn steps(&mut self) -> Result<Vec<RawStep>, ExpressionError> {
        let mut steps = Vec::new();
        loop {
            if self.tokens.take_symbol(".") {
                steps.push(RawStep::Name(self.name()?));
            } else if self.tokens.take_symbol("[") {
                if self.tokens.peek().kind != TokenKind::Digits {
                    return Err(self.tokens.unexpected());
                }
                steps.push(RawStep::Index(self.tokens.take().to_owned()));
                self.tokens.expect_symbol("]")?;
            } else {
                return Ok(steps);
            }
        }
    }

    fn name(&mut self) -> Result<RawName, ExpressionError> {
        match self.tokens.peek().kind {
            TokenKind::Word if !self.at_keyword() => Ok(RawName::Plain(self.tokens.take().to_owned())),
            TokenKind::Name => Ok(RawName::Placeholder(self.tokens.take().to_owned())),
            _ => Err(self.tokens.unexpected()),
        }
    }
}
