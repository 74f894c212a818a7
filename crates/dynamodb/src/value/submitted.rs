//! Values as clients send them: read once, with what is wrong about them kept until its turn comes in AWS's order of
//! checks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use nephos_wire::{
    Field, Kind as WireKind, Location, Member, ReadError, Reader, Rules, Shape, Slot, Structure, Type, Value,
    Writer,
};

use super::number::NumberError;
use super::{AttributeValue, Attributes, Item, Kind, MAX_LEVELS, Number, json, stored};

/// A value, or what is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Submitted(pub Result<AttributeValue, Invalid>);

/// A map of attributes on the wire: as it came, or on its way out.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeMap {
    /// A tree, and the first thing that is wrong with it where it came from a client.
    Tree(Attributes, Option<Box<(String, Invalid)>>),
    /// A stored item.
    Stored(Item),
}

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

const PARAMETERS_INVALID: &str = "One or more parameter values were invalid: ";

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

impl AttributeMap {
    /// The attributes, where all of them are valid.
    pub fn into_valid(self, layer: Layer) -> Result<Attributes, String> {
        match self {
            AttributeMap::Tree(attributes, None) => Ok(attributes),
            AttributeMap::Tree(_, Some(invalid)) => Err(layer.word(invalid.1.message(layer))),
            AttributeMap::Stored(item) => item.attributes().map_err(|error| error.to_string()),
        }
    }

    /// What is wrong with it: the attribute's name and the fault.
    pub fn invalid(&self) -> Option<(&str, &Invalid)> {
        match self {
            AttributeMap::Tree(_, Some(invalid)) => Some((&invalid.0, &invalid.1)),
            _ => None,
        }
    }

    /// The valid attributes; none of a stored item.
    pub fn tree(&self) -> Option<&Attributes> {
        match self {
            AttributeMap::Tree(attributes, _) => Some(attributes),
            AttributeMap::Stored(_) => None,
        }
    }
}

impl Default for AttributeMap {
    fn default() -> Self {
        AttributeMap::Tree(Attributes::new(), None)
    }
}

impl From<Attributes> for AttributeMap {
    fn from(attributes: Attributes) -> Self {
        AttributeMap::Tree(attributes, None)
    }
}

impl From<Item> for AttributeMap {
    fn from(item: Item) -> Self {
        AttributeMap::Stored(item)
    }
}

impl Default for Submitted {
    fn default() -> Self {
        Submitted(Err(Invalid::Empty))
    }
}

impl From<AttributeValue> for Submitted {
    fn from(value: AttributeValue) -> Self {
        Submitted(Ok(value))
    }
}

impl Field for AttributeMap {
    fn read(ty: &'static Type, reader: &mut dyn Reader) -> Result<Self, ReadError> {
        read_map(ty, reader, 1)
    }
}

fn read_map(ty: &'static Type, reader: &mut dyn Reader, level: usize) -> Result<AttributeMap, ReadError> {
    let mut attributes = Attributes::new();
    let mut invalid = None;
    reader.map(ty, &mut |name, reader| {
        match read_value(ty, reader, level)? {
            Ok(value) => drop(attributes.insert(name, value)),
            Err(fault) if invalid.is_none() => invalid = Some(Box::new((name, fault))),
            Err(_) => {}
        }
        Ok(())
    })?;
    Ok(AttributeMap::Tree(attributes, invalid))
}

impl Field for Submitted {
    fn read(ty: &'static Type, reader: &mut dyn Reader) -> Result<Self, ReadError> {
        read_value(ty, reader, 1).map(Submitted)
    }
}

type Read = Result<Result<AttributeValue, Invalid>, ReadError>;

fn read_value(ty: &'static Type, reader: &mut dyn Reader, level: usize) -> Read {
    let mut tagged = Tagged { ty, level, next: 0, tags: 0, value: Err(Invalid::Empty) };
    reader.structure(&mut tagged)?;
    Ok(match tagged.tags {
        0 => Err(Invalid::Empty),
        _ if level > MAX_LEVELS => Err(Invalid::TooDeep),
        1 => tagged.value,
        // What is wrong with one of the values is said before that there are several.
        _ => tagged.value.and(Err(Invalid::Several)),
    })
}

/// The members of an `AttributeValue` on the wire; each is read by the slot that was asked for last.
struct Tagged {
    ty: &'static Type,
    level: usize,
    next: usize,
    tags: usize,
    value: Result<AttributeValue, Invalid>,
}

const fn member(name: &'static str) -> Member {
    static CUSTOM: Type = Type { name: "AttributeValue", kind: WireKind::Custom, rules: Rules::NONE };
    Member { name, wire: name, location: Location::Body, required: false, attribute: false, ty: &CUSTOM }
}

static MEMBERS: [Member; 10] = [
    member("S"),
    member("N"),
    member("B"),
    member("BOOL"),
    member("NULL"),
    member("SS"),
    member("NS"),
    member("BS"),
    member("L"),
    member("M"),
];

static SCHEMA: Structure =
    Structure { name: "AttributeValue", members: &MEMBERS, payload: None, xml_name: None };

impl Shape for Tagged {
    fn schema(&self) -> &'static Structure {
        &SCHEMA
    }

    fn value(&self, _: usize) -> Option<&dyn Value> {
        None
    }

    fn slot(&mut self, index: usize) -> Option<&mut dyn Slot> {
        self.next = index;
        Some(self)
    }
}

impl Slot for Tagged {
    fn read(&mut self, _: &'static Type, reader: &mut dyn Reader) -> Result<(), ReadError> {
        let kind = Kind::ALL.get(self.next).copied().unwrap_or(Kind::Null);
        let value = self.read_kind(kind, reader)?;
        // The first fault stays.
        if self.tags == 0 || self.value.is_ok() {
            self.value = value;
        }
        self.tags += 1;
        Ok(())
    }
}

impl Tagged {
    fn read_kind(&self, kind: Kind, reader: &mut dyn Reader) -> Read {
        Ok(match kind {
            Kind::S => Ok(AttributeValue::S(reader.string()?)),
            Kind::N => number(reader.string()?).map(AttributeValue::N),
            Kind::B => Ok(AttributeValue::B(reader.blob()?)),
            Kind::Bool => Ok(AttributeValue::Bool(reader.boolean()?)),
            Kind::Null if reader.boolean()? => Ok(AttributeValue::Null),
            Kind::Null => Err(Invalid::NullFalse),
            Kind::Ss => string_set(self.list(reader, |_, reader| reader.string())?),
            Kind::Ns => number_set(self.list(reader, |_, reader| reader.string())?),
            Kind::Bs => binary_set(self.list(reader, |_, reader| reader.blob())?),
            Kind::L => {
                let list =
                    self.list(reader, |tagged, reader| read_value(tagged.ty, reader, tagged.level + 1))?;
                list.into_iter().collect::<Result<_, _>>().map(AttributeValue::L)
            }
            Kind::M => match read_map(self.ty, reader, self.level + 1)? {
                AttributeMap::Tree(_, Some(invalid)) => Err(invalid.1),
                AttributeMap::Tree(map, None) => Ok(AttributeValue::M(map)),
                AttributeMap::Stored(_) => Err(Invalid::Empty),
            },
        })
    }

    fn list<T>(
        &self,
        reader: &mut dyn Reader,
        read: impl Fn(&Tagged, &mut dyn Reader) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let mut list = Vec::new();
        reader.list(self.ty, &mut |reader| {
            list.push(read(self, reader)?);
            Ok(())
        })?;
        Ok(list)
    }
}

fn number(text: String) -> Result<Number, Invalid> {
    Number::parse(&text).map_err(|error| Invalid::Number(text, error))
}

fn string_set(sent: Vec<String>) -> Result<AttributeValue, Invalid> {
    let mut members = sent.clone();
    members.sort_unstable();
    distinct(Kind::Ss, &members, || sent)?;
    Ok(AttributeValue::Ss(members))
}

fn number_set(sent: Vec<String>) -> Result<AttributeValue, Invalid> {
    let mut members = sent.iter().map(|text| number(text.clone())).collect::<Result<Vec<_>, _>>()?;
    members.sort_unstable();
    distinct(Kind::Ns, &members, || sent)?;
    Ok(AttributeValue::Ns(members))
}

fn binary_set(sent: Vec<Bytes>) -> Result<AttributeValue, Invalid> {
    let mut members = sent.clone();
    members.sort_unstable();
    distinct(Kind::Bs, &members, || sent.iter().map(|member| STANDARD.encode(member)).collect())?;
    Ok(AttributeValue::Bs(members))
}

fn distinct<T: PartialEq>(
    kind: Kind,
    sorted: &[T],
    sent: impl FnOnce() -> Vec<String>,
) -> Result<(), Invalid> {
    if sorted.is_empty() {
        return Err(Invalid::EmptySet(kind));
    }
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Invalid::Duplicates(kind, sent()));
    }
    Ok(())
}

impl Value for AttributeMap {
    fn write(&self, ty: &'static Type, writer: &mut dyn Writer) {
        match (self, writer.raw_json()) {
            (AttributeMap::Stored(item), Some(out)) => json::write_item(item.view(), out),
            (AttributeMap::Tree(attributes, _), _) => writer.map(ty, &mut |entry| {
                for (name, value) in attributes {
                    entry(name, &Shown(value));
                }
            }),
            // No other protocol than JSON carries items.
            (AttributeMap::Stored(_), None) => {}
        }
    }
}

impl Value for Submitted {
    fn write(&self, ty: &'static Type, writer: &mut dyn Writer) {
        if let Ok(value) = &self.0 {
            Shown(value).write(ty, writer);
        }
    }
}

/// A value on its way out.
struct Shown<'a>(&'a AttributeValue);

impl Value for Shown<'_> {
    fn write(&self, _: &'static Type, writer: &mut dyn Writer) {
        if let Some(out) = writer.raw_json() {
            let bytes = stored::encode_value(self.0);
            if let Some(value) = super::ValueRef::new(&bytes) {
                json::write_value(value, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use nephos_wire::json::{JsonReader, JsonWriter};
    use proptest::prelude::*;

    use super::super::testing;
    use super::*;

    static ANY: Type = Type { name: "Any", kind: WireKind::Custom, rules: Rules::NONE };

    fn read(json: &str) -> Result<Submitted, ReadError> {
        Submitted::read(&ANY, &mut JsonReader::new(json.as_bytes()))
    }

    fn fault(json: &str, layer: Layer) -> String {
        read(json).unwrap().0.unwrap_err().message(layer)
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in testing::value()) {
            let mut out = Vec::new();
            json::write_tree(&value, &mut out);
            let text = String::from_utf8(out).unwrap();
            prop_assert_eq!(read(&text).unwrap().0, Ok(value));
        }

        #[test]
        fn maps_read_back_whether_stored_or_not(attributes in testing::attributes()) {
            let mut maps = Vec::new();
            for map in [AttributeMap::from(attributes.clone()), Item::encode(&attributes).into()] {
                let mut writer = JsonWriter::default();
                map.write(&ANY, &mut writer);
                let map = AttributeMap::read(&ANY, &mut JsonReader::new(&writer.0)).unwrap();
                maps.push(map.into_valid(Layer::Bare).unwrap());
            }
            prop_assert_eq!(&maps[0], &attributes);
            prop_assert_eq!(&maps[1], &attributes);
        }
    }

    #[test]
    fn faults_are_worded_as_their_layer_does() {
        let invalid = PARAMETERS_INVALID;
        for (json, current, older) in [
            (r#"{}"#, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".to_owned(), None),
            (r#"{"X":"1"}"#, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".to_owned(), None),
            (
                r#"{"S":"a","N":"1"}"#,
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes".to_owned(),
                None,
            ),
            (r#"{"N":"abc"}"#, "The parameter cannot be converted to a numeric value: abc".to_owned(), None),
            (
                r#"{"N":""}"#,
                "The parameter cannot be converted to a numeric value: ".to_owned(),
                Some("The parameter cannot be converted to a numeric value".to_owned()),
            ),
            (
                r#"{"N":"1e2147483647"}"#,
                NumberError::Overflow.to_string(),
                Some(NumberError::Underflow.to_string()),
            ),
            (r#"{"L":[{"M":{"x":{"N":"1e126"}}}]}"#, NumberError::Overflow.to_string(), None),
            (r#"{"SS":[]}"#, format!("{invalid}An string set  may not be empty"), None),
            (r#"{"NS":[]}"#, format!("{invalid}An number set  may not be empty"), None),
            (r#"{"BS":[]}"#, format!("{invalid}Binary sets should not be empty"), None),
            (r#"{"NULL":false}"#, format!("{invalid}Null attribute value types must have the value of true"), None),
            (
                r#"{"SS":["b","a","b"]}"#,
                format!("{invalid}Input collection [\"a\", \"b\", \"b\"] contains duplicates."),
                Some(format!("{invalid}Input collection [b, a, b] contains duplicates.")),
            ),
            (
                r#"{"BS":["/w==","AA==","AA=="]}"#,
                format!("{invalid}Input collection [\"AA==\",\"/w==\",\"AA==\"]of type BS contains duplicates."),
                Some(format!("{invalid}Input collection [/w==, AA==, AA==]of type BS contains duplicates.")),
            ),
            (
                r#"{"NS":["2","1","2.0"]}"#,
                format!("{invalid}Input collection contains duplicates."),
                Some("Input collection contains duplicates".to_owned()),
            ),
        ] {
            assert_eq!(fault(json, Layer::Bare), current, "{json}");
            assert_eq!(fault(json, Layer::Older), older.unwrap_or(current), "{json}");
        }
    }

    #[test]
    fn what_is_not_the_shape_at_all_is_the_codecs_fault() {
        for json in
            [r#"{"S":1}"#, r#"{"N":12}"#, r#"{"B":"?"}"#, r#"{"SS":"a"}"#, r#""a""#, r#"{"M":[]}"#, "{"]
        {
            assert!(read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn documents_nest_to_32_levels() {
        let nested = |wraps: usize| {
            format!("{}{}{}", r#"{"M":{"n":"#.repeat(wraps), r#"{"S":"x"}"#, "}}".repeat(wraps))
        };
        assert_eq!(read(&nested(31)).unwrap().0.unwrap().levels(), 32);
        assert_eq!(read(&nested(32)).unwrap().0, Err(Invalid::TooDeep));
        assert_eq!(read(&nested(60)).unwrap().0, Err(Invalid::TooDeep));
    }

    #[test]
    fn sets_come_out_in_their_own_order() {
        let value = read(r#"{"NS":["10","-1","9e0"]}"#).unwrap().0.unwrap();
        let numbers = ["-1", "9", "10"].map(|text| Number::parse(text).unwrap());
        assert_eq!(value, AttributeValue::Ns(numbers.to_vec()));
    }
}
