//! What the models say of shapes, as static tables. Generated code fills them; codecs and the validator read them.

use std::sync::OnceLock;

use regex::Regex;

use crate::shape::Shape;

/// A wire protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// JSON bodies, operation in `X-Amz-Target`, version 1.0.
    AwsJson10,
    /// JSON bodies, operation in `X-Amz-Target`, version 1.1.
    AwsJson11,
    /// Paths, headers and JSON bodies.
    RestJson,
    /// Paths, headers and XML bodies.
    RestXml,
    /// Form bodies with `Action=`, XML answers.
    Query,
}

/// A shape's kind and constraints.
#[derive(Debug)]
pub struct Type {
    /// The model's name of the shape.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it must satisfy.
    pub rules: Rules,
}

/// What a shape is.
#[derive(Debug)]
pub enum Kind {
    /// Text, enumerations included.
    String,
    /// True or false.
    Boolean,
    /// A whole number, 32 or 64 bits.
    Integer,
    /// A floating-point number.
    Double,
    /// Bytes.
    Blob,
    /// A moment.
    Timestamp(Option<TimestampFormat>),
    /// A structure or union.
    Structure(&'static Structure),
    /// A list.
    List {
        /// The type of its members.
        member: &'static Type,
        /// The members' element name in XML and query, `member` unless the model says otherwise.
        name: &'static str,
        /// Whether members stand without an element of the list's own.
        flattened: bool,
    },
    /// A map with text keys.
    Map {
        /// The type of its keys (for the rules).
        key: &'static Type,
        /// The type of its values.
        value: &'static Type,
        /// The keys' element name in XML and query.
        key_name: &'static str,
        /// The values' element name in XML and query.
        value_name: &'static str,
        /// Whether entries stand without an element of the map's own.
        flattened: bool,
    },
    /// Written by hand: the value reads and writes itself.
    Custom,
}

/// How a moment is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampFormat {
    /// `2026-11-22T12:34:56Z`
    Iso8601,
    /// Seconds since 1970, perhaps with a fraction.
    Unix,
    /// `Sun, 22 Nov 2026 12:34:56 GMT`
    Http,
}

/// The constraints of a shape.
#[derive(Debug)]
pub struct Rules {
    /// Least length, size or value.
    pub min: Option<i64>,
    /// Greatest length, size or value.
    pub max: Option<i64>,
    /// The regular expression that the whole text must match.
    pub pattern: Option<Pattern>,
    /// The values of an enumeration, in the model's order.
    pub values: &'static [&'static str],
    /// Whether the value must not be shown.
    pub sensitive: bool,
}

impl Rules {
    /// No constraints.
    pub const NONE: Rules = Rules { min: None, max: None, pattern: None, values: &[], sensitive: false };
}

/// A model's regular expression, compiled at first use.
#[derive(Debug)]
pub struct Pattern {
    /// As the model spells it, for the error text.
    pub shown: &'static str,
    /// As our engine spells it, anchored at both ends.
    pub regex: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A pattern, as shown and as compiled.
    pub const fn new(shown: &'static str, regex: &'static str) -> Self {
        Pattern { shown, regex, compiled: OnceLock::new() }
    }

    /// Whether the whole of `text` matches. `xtask codegen` proves that every pattern compiles.
    pub fn matches(&self, text: &str) -> bool {
        let regex = self.compiled.get_or_init(|| Regex::new(self.regex).ok());
        regex.as_ref().is_none_or(|regex| regex.is_match(text))
    }
}

/// A structure's members.
#[derive(Debug)]
pub struct Structure {
    /// The model's name.
    pub name: &'static str,
    /// The members, in the model's order; [`Shape::value`] and [`Shape::slot`] take their index.
    pub members: &'static [Member],
    /// The member that is the HTTP body by itself.
    pub payload: Option<usize>,
    /// The name of the XML element, where the model gives one.
    pub xml_name: Option<&'static str>,
}

/// One member of a structure.
#[derive(Debug)]
pub struct Member {
    /// The model's name, which is the JSON key unless `wire` differs.
    pub name: &'static str,
    /// The name on the wire: JSON key, element, header, query parameter or header prefix.
    pub wire: &'static str,
    /// Where it travels.
    pub location: Location,
    /// Whether it must be there.
    pub required: bool,
    /// Whether it is an attribute of its XML element.
    pub attribute: bool,
    /// Its type.
    pub ty: &'static Type,
}

/// Where a member travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the body.
    Body,
    /// In a header.
    Header,
    /// In all headers that start with a prefix.
    Headers,
    /// In the path.
    Uri,
    /// In the query string.
    Query,
    /// It is the HTTP status.
    Status,
}

/// One operation of a service.
#[derive(Debug)]
pub struct Operation {
    /// The model's name, such as `PutItem`.
    pub name: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The path template with the literal query that selects the operation, such as `/{Bucket}/{Key+}?uploads`.
    pub uri: &'static str,
    /// The status of success.
    pub status: u16,
    /// The input's schema.
    pub input: &'static Structure,
    /// The output's schema.
    pub output: &'static Structure,
    /// The element round the output in the query protocol, or the root element in restXml.
    pub wrapper: Option<&'static str>,
    /// Whether the request's payload is a stream that the handler reads.
    pub streaming_input: bool,
    /// Whether the answer's payload is a stream that the handler gives.
    pub streaming_output: bool,
    /// Whether the operation takes unsigned calls (the model's `authtype: none`).
    pub unsigned: bool,
}

/// An operation of the public model that Nephos does not have: enough to recognise it and say so.
#[derive(Debug, Clone, Copy)]
pub struct Absent {
    /// The name.
    pub name: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The path template.
    pub uri: &'static str,
}

/// Ties an operation's input and output types to its table entry. Implemented by generated unit structs.
pub trait OperationShape {
    /// The input.
    type Input: Shape + Default;
    /// The output.
    type Output: Shape + Default;
    /// The table entry.
    const OPERATION: &'static Operation;
}

/// A service as its model describes it.
#[derive(Debug)]
pub struct ServiceModel {
    /// The crate's name for it, such as `cognito-idp`; also the IAM prefix unless `iam_prefix` differs.
    pub name: &'static str,
    /// The name in a signature's credential scope.
    pub signing_name: &'static str,
    /// The host prefix of the service's endpoint, such as `dynamodb`.
    pub endpoint_prefix: &'static str,
    /// The protocol.
    pub protocol: Protocol,
    /// The prefix of `X-Amz-Target`, without the dot.
    pub target_prefix: Option<&'static str>,
    /// `Version=` of the query protocol.
    pub api_version: &'static str,
    /// The namespace of XML answers.
    pub xml_namespace: Option<&'static str>,
    /// What stands before an error's name in `__type`; empty for most services.
    pub error_namespace: &'static str,
    /// The error shapes of the model: name and HTTP status.
    pub errors: &'static [(&'static str, u16)],
    /// The code of a violated constraint, such as `ValidationException`.
    pub validation_code: &'static str,
    /// Whether members are checked against the model's constraints before the handler.
    pub validates: bool,
    /// Whether the texts of a list's violations say that its members must not be null, as those of newer services do.
    pub members_not_null: bool,
    /// The operations that Nephos has.
    pub operations: &'static [&'static Operation],
    /// The operations that it does not have.
    pub absent: &'static [Absent],
}
