//! Values as clients send them: read once, with what is wrong about them kept until its turn comes in AWS's order of
//! checks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use nephos_wire::{
    Field, Kind as WireKind, Location, Member, ReadError, Reader, Rules, Shape, Slot, Structure, Type, Value,
    Writer,
};

use super::{AttributeValue, Attributes, Invalid, Item, Kind, Layer, MAX_LEVELS, Number, json, stored};

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
mod tests;
