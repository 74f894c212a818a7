//! The tokenizer that all expressions share.

use super::{ExpressionError, MAX_EXPRESSION_BYTES, Parameter};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A name, keyword or function: letters, digits and underscores after a letter.
    Word,
    /// `#name`
    Name,
    /// `:value`
    Value,
    /// Digits.
    Digits,
    /// An operator or a punctuation mark; or a character that no grammar knows.
    Symbol,
    /// The end of the expression.
    End,
}

/// A token: where it stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    start: usize,
    end: usize,
}

/// An expression's tokens and the place that has been reached in them.
#[derive(Debug)]
pub struct Tokens<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
}

impl<'a> Tokens<'a> {
    /// Splits an expression into tokens.
    pub fn new(text: &'a str, parameter: Parameter) -> Result<Tokens<'a>, ExpressionError> {
        if text.is_empty() {
            return Err(ExpressionError::new("The expression can not be empty;"));
        }
        if text.len() > MAX_EXPRESSION_BYTES {
            return Err(too_long(text.len(), parameter));
        }
        let mut tokens = Vec::with_capacity(text.len() / 4 + 2);
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let first = rest.chars().next().unwrap_or(' ');
            if matches!(first, ' ' | '\t' | '\r' | '\n') {
                at += 1;
                continue;
            }
            let (kind, length) = token(rest, first);
            tokens.push(Token { kind, start: at, end: at + length });
            at += length;
        }
        tokens.push(Token { kind: TokenKind::End, start: text.len(), end: text.len() });
        Ok(Tokens { text, tokens, at: 0 })
    }

    /// The token that is next.
    pub fn peek(&self) -> Token {
        let last = self.tokens.len() - 1;
        self.tokens[self.at.min(last)]
    }

    /// The text of the token that is next.
    pub fn text(&self) -> &'a str {
        let token = self.peek();
        &self.text[token.start..token.end]
    }

    /// The text of the token after the next.
    pub fn text_after(&self) -> &'a str {
        self.tokens.get(self.at + 1).map_or("", |token| &self.text[token.start..token.end])
    }

    /// Takes the next token and gives its text.
    pub fn take(&mut self) -> &'a str {
        let text = self.text();
        self.at += 1;
        text
    }

    /// Takes the next token if it is this symbol.
    pub fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    /// Whether the next token is this symbol.
    pub fn is_symbol(&self, symbol: &str) -> bool {
        self.peek().kind == TokenKind::Symbol && self.text() == symbol
    }

    /// Takes the next token if it is this keyword, in whatever case.
    pub fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.is_keyword(keyword);
        self.at += usize::from(found);
        found
    }

    /// Whether the next token is this keyword, in whatever case.
    pub fn is_keyword(&self, keyword: &str) -> bool {
        self.peek().kind == TokenKind::Word && self.text().eq_ignore_ascii_case(keyword)
    }

    /// Takes this symbol or fails.
    pub fn expect_symbol(&mut self, symbol: &str) -> Result<(), ExpressionError> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Whether everything was taken.
    pub fn is_at_end(&self) -> bool {
        self.peek().kind == TokenKind::End
    }

    /// The fault that the next token stands where none like it may: AWS shows it with its neighbours.
    pub fn unexpected(&self) -> ExpressionError {
        let at = self.at.min(self.tokens.len() - 1);
        let token = self.tokens[at];
        let from = self.tokens[at.saturating_sub(1)].start;
        let to = self.tokens.get(at + 1).map_or(token.end, |next| next.end);
        let shown = if token.kind == TokenKind::End { "<EOF>" } else { &self.text[token.start..token.end] };
        let near = self.text[from..to].trim_end();
        ExpressionError::new(format!("Syntax error; token: \"{shown}\", near: \"{near}\""))
    }
}

fn too_long(length: usize, parameter: Parameter) -> ExpressionError {
    let text = "Expression size has exceeded the maximum allowed size;";
    ExpressionError::new(match parameter {
        Parameter::Update => text.to_owned(),
        _ => format!("{text} expression size: {length}"),
    })
}

/// The kind and length of the token that `rest` begins with.
fn token(rest: &str, first: char) -> (TokenKind, usize) {
    let run = |from: usize, part: fn(u8) -> bool| {
        from + rest.bytes().skip(from).take_while(|byte| part(*byte)).count()
    };
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    match first {
        'a'..='z' | 'A'..='Z' => (TokenKind::Word, run(0, in_name)),
        '0'..='9' => (TokenKind::Digits, run(0, |byte| byte.is_ascii_digit())),
        '#' if run(1, in_name) > 1 => (TokenKind::Name, run(1, in_name)),
        ':' if run(1, in_name) > 1 => (TokenKind::Value, run(1, in_name)),
        '<' | '>' if ["<=", ">=", "<>"].iter().any(|symbol| rest.starts_with(symbol)) => {
            (TokenKind::Symbol, 2)
        }
        other => (TokenKind::Symbol, other.len_utf8()),
    }
}
