//! Expressions as they were parsed: placeholders not yet replaced, nothing checked but the grammar.

/// A name in a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawName {
    /// Spelled out.
    Plain(String),
    /// `#name`
    Placeholder(String),
}

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawStep {
    /// `.name`
    Name(RawName),
    /// `[12]`, the digits as they were written.
    Index(String),
}

/// A path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawPath {
    /// The attribute.
    pub root: RawName,
    /// The steps from there.
    pub steps: Vec<RawStep>,
}

/// What an operator or function works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawOperand {
    /// A path.
    Path(RawPath),
    /// `:value`
    Value(String),
    /// A call.
    Call(RawCall),
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawCall {
    /// The function.
    pub name: String,
    /// What it is called with.
    pub arguments: Vec<RawOperand>,
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparator {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparator {
    /// The operator that this text is.
    pub fn from_symbol(symbol: &str) -> Option<Comparator> {
        Some(match symbol {
            "=" => Comparator::Equal,
            "<>" => Comparator::NotEqual,
            "<" => Comparator::Less,
            "<=" => Comparator::LessOrEqual,
            ">" => Comparator::Greater,
            ">=" => Comparator::GreaterOrEqual,
            _ => return None,
        })
    }

    /// The operator's text.
    pub fn symbol(self) -> &'static str {
        match self {
            Comparator::Equal => "=",
            Comparator::NotEqual => "<>",
            Comparator::Less => "<",
            Comparator::LessOrEqual => "<=",
            Comparator::Greater => ">",
            Comparator::GreaterOrEqual => ">=",
        }
    }

    /// The same comparison with its operands exchanged.
    pub fn reversed(self) -> Comparator {
        match self {
            Comparator::Less => Comparator::Greater,
            Comparator::LessOrEqual => Comparator::GreaterOrEqual,
            Comparator::Greater => Comparator::Less,
            Comparator::GreaterOrEqual => Comparator::LessOrEqual,
            same => same,
        }
    }

    /// Whether an ordering of two values satisfies it.
    pub fn accepts(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Comparator::Equal => ordering.is_eq(),
            Comparator::NotEqual => ordering.is_ne(),
            Comparator::Less => ordering.is_lt(),
            Comparator::LessOrEqual => ordering.is_le(),
            Comparator::Greater => ordering.is_gt(),
            Comparator::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawCondition {
    /// All of them.
    And(Vec<RawCondition>),
    /// Any of them.
    Or(Vec<RawCondition>),
    /// Not it.
    Not(Box<RawCondition>),
    /// A comparison.
    Compare(Comparator, RawOperand, RawOperand),
    /// `value BETWEEN lower AND upper`
    Between(RawOperand, RawOperand, RawOperand),
    /// `value IN (...)`
    In(RawOperand, Vec<RawOperand>),
    /// A function that says yes or no.
    Call(RawCall),
}
