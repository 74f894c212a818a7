//! Walking stored values without copying them. Whatever the bytes, walking ends and never panics.

use bytes::Bytes;

use super::stored::tag;
use super::{AttributeValue, Attributes, Kind, Number, number_code};

/// One stored value: its tag and its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueRef<'a> {
    bytes: &'a [u8],
    /// Where the payload starts: after the tag and any length.
    payload: usize,
}

impl<'a> ValueRef<'a> {
    /// A value that was encoded by itself.
    pub fn new(bytes: &'a [u8]) -> Option<ValueRef<'a>> {
        let (value, rest) = ValueRef::split(bytes)?;
        rest.is_empty().then_some(value)
    }

    /// Takes the value that `bytes` begin with.
    fn split(bytes: &'a [u8]) -> Option<(ValueRef<'a>, &'a [u8])> {
        let (&tag, rest) = bytes.split_first()?;
        let (payload, length) = match tag {
            tag::S | tag::B => varint(rest).map(|(length, digits)| (1 + digits, length))?,
            tag::N => (1, number_code::length(rest)?),
            tag::FALSE | tag::TRUE | tag::NULL => (1, 0),
            tag::SS | tag::NS | tag::BS | tag::L | tag::M => {
                (5, u32::from_be_bytes(*rest.first_chunk()?) as usize)
            }
            _ => return None,
        };
        let end = payload.checked_add(length)?;
        let (own, rest) = bytes.split_at_checked(end)?;
        Some((ValueRef { bytes: own, payload }, rest))
    }

    /// The value's type.
    pub fn kind(self) -> Kind {
        match self.tag() {
            tag::S => Kind::S,
            tag::N => Kind::N,
            tag::B => Kind::B,
            tag::FALSE | tag::TRUE => Kind::Bool,
            tag::SS => Kind::Ss,
            tag::NS => Kind::Ns,
            tag::BS => Kind::Bs,
            tag::L => Kind::L,
            tag::M => Kind::M,
            _ => Kind::Null,
        }
    }

    fn tag(self) -> u8 {
        self.bytes.first().copied().unwrap_or(tag::NULL)
    }

    /// The value whole, as it is stored.
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// A scalar's own bytes: the text, the number's code, the binary. Their order is the values' order.
    pub fn payload(self) -> &'a [u8] {
        self.bytes.get(self.payload..).unwrap_or_default()
    }

    /// The text of an `S`.
    pub fn text(self) -> Option<&'a str> {
        if self.tag() == tag::S { std::str::from_utf8(self.payload()).ok() } else { None }
    }

    /// The number of an `N`.
    pub fn number(self) -> Option<Number> {
        if self.tag() == tag::N { number_code::decode(self.payload()) } else { None }
    }

    /// Whether it is `true`.
    pub fn is_true(self) -> bool {
        self.tag() == tag::TRUE
    }

    /// The members of a set, each as its scalar's own bytes; none for other types.
    pub fn members(self) -> Members<'a> {
        let numbers = self.tag() == tag::NS;
        Members { left: if self.kind().is_set() { self.payload() } else { &[] }, numbers }
    }

    /// The elements of a list; none for other types.
    pub fn elements(self) -> Elements<'a> {
        Elements { left: if self.tag() == tag::L { self.payload() } else { &[] } }
    }

    /// The entries of a map; none for other types.
    pub fn entries(self) -> Entries<'a> {
        Entries::new(if self.tag() == tag::M { self.payload() } else { &[] })
    }

    /// How many members, elements or entries it has.
    pub fn count(self) -> usize {
        match self.kind() {
            Kind::L => self.elements().count(),
            Kind::M => self.entries().count(),
            _ => self.members().count(),
        }
    }

    /// What the value counts for in an item's size.
    pub fn size(self) -> usize {
        match self.kind() {
            Kind::S | Kind::B => self.payload().len(),
            Kind::N => self.number().map_or(0, |number| number.size()),
            Kind::Bool | Kind::Null => 1,
            Kind::Ss | Kind::Bs => self.members().map(<[u8]>::len).sum(),
            Kind::Ns => self.members().filter_map(number_code::decode).map(|number| number.size()).sum(),
            Kind::L => 3 + self.elements().map(|value| 1 + value.size()).sum::<usize>(),
            Kind::M => 3 + self.entries().map(|(name, value)| 1 + name.len() + value.size()).sum::<usize>(),
        }
    }

    /// Decodes the value; none where it is damaged.
    pub fn to_value(self) -> Option<AttributeValue> {
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
        Some(match self.kind() {
            Kind::S => AttributeValue::S(text(self.payload())?),
            Kind::N => AttributeValue::N(self.number()?),
            Kind::B => AttributeValue::B(Bytes::copy_from_slice(self.payload())),
            Kind::Bool => AttributeValue::Bool(self.is_true()),
            Kind::Null => AttributeValue::Null,
            Kind::Ss => AttributeValue::Ss(self.members().map(text).collect::<Option<_>>()?),
            Kind::Ns => AttributeValue::Ns(self.members().map(number_code::decode).collect::<Option<_>>()?),
            Kind::Bs => AttributeValue::Bs(self.members().map(Bytes::copy_from_slice).collect()),
            Kind::L => AttributeValue::L(self.elements().map(ValueRef::to_value).collect::<Option<_>>()?),
            Kind::M => {
                let entries = self.entries().map(|(name, value)| Some((name.to_owned(), value.to_value()?)));
                AttributeValue::M(entries.collect::<Option<Attributes>>()?)
            }
        })
    }
}

/// The members of a set.
#[derive(Debug, Clone)]
pub struct Members<'a> {
    left: &'a [u8],
    numbers: bool,
}

impl<'a> Iterator for Members<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (start, length) = if self.numbers {
            (0, number_code::length(self.left)?)
        } else {
            varint(self.left).map(|(length, digits)| (digits, length))?
        };
        let (member, rest) = self.left.split_at_checked(start.checked_add(length)?)?;
        self.left = rest;
        member.get(start..)
    }
}

/// The elements of a list.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    left: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        let (value, rest) = ValueRef::split(self.left)?;
        self.left = rest;
        Some(value)
    }
}

/// The entries of a map or an item, in order of name.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    left: &'a [u8],
}

impl<'a> Entries<'a> {
    pub(super) fn new(left: &'a [u8]) -> Entries<'a> {
        Entries { left }
    }

    /// The value of `name`, looked for from here on.
    pub fn find_name(mut self, name: &str) -> Option<ValueRef<'a>> {
        self.find(|(found, _)| *found >= name).filter(|(found, _)| *found == name).map(|(_, value)| value)
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.left.is_empty()
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a str, ValueRef<'a>);

    fn next(&mut self) -> Option<(&'a str, ValueRef<'a>)> {
        let (length, digits) = varint(self.left)?;
        let (name, rest) = self.left.split_at_checked(digits.checked_add(length)?)?;
        let name = std::str::from_utf8(name.get(digits..)?).ok()?;
        let (value, rest) = ValueRef::split(rest)?;
        self.left = rest;
        Some((name, value))
    }
}

/// Reads a length: its value, and how many bytes it takes.
fn varint(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}
