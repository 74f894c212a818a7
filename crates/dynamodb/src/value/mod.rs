//! Attribute values: the ten types, as trees in memory, as bytes in the store, and as JSON on the wire.
//!
//! Reading order: [`number`], this file, [`stored`] (the bytes), [`view`] (walking them without copying),
//! [`submitted`] and [`invalid`] (what clients send, valid or not), [`json`] (what clients get).

pub mod invalid;
pub mod json;
pub mod number;
pub mod number_code;
pub mod stored;
pub mod submitted;
pub mod view;

use std::collections::BTreeMap;

use bytes::Bytes;

pub use invalid::{Invalid, Layer};
pub use number::Number;
pub use stored::{Item, ItemRef};
pub use submitted::{AttributeMap, Submitted};
pub use view::ValueRef;

/// An item's attributes by name. The order is that of the names' bytes.
pub type Attributes = BTreeMap<String, AttributeValue>;

/// How many levels documents may nest; the attribute itself is the first.
pub const MAX_LEVELS: usize = 32;

/// One attribute's value. Sets are sorted, distinct and not empty.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeValue {
    /// Text.
    S(String),
    /// A number.
    N(Number),
    /// Bytes.
    B(Bytes),
    /// True or false.
    Bool(bool),
    /// Nothing, said explicitly.
    Null,
    /// A set of texts.
    Ss(Vec<String>),
    /// A set of numbers.
    Ns(Vec<Number>),
    /// A set of bytes.
    Bs(Vec<Bytes>),
    /// A list.
    L(Vec<AttributeValue>),
    /// A map.
    M(Attributes),
}

/// A value's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Text.
    S,
    /// A number.
    N,
    /// Bytes.
    B,
    /// True or false.
    Bool,
    /// Null.
    Null,
    /// A set of texts.
    Ss,
    /// A set of numbers.
    Ns,
    /// A set of bytes.
    Bs,
    /// A list.
    L,
    /// A map.
    M,
}

impl Kind {
    /// Every type.
    pub const ALL: [Kind; 10] =
        [Kind::S, Kind::N, Kind::B, Kind::Bool, Kind::Null, Kind::Ss, Kind::Ns, Kind::Bs, Kind::L, Kind::M];

    /// The type's tag on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Kind::S => "S",
            Kind::N => "N",
            Kind::B => "B",
            Kind::Bool => "BOOL",
            Kind::Null => "NULL",
            Kind::Ss => "SS",
            Kind::Ns => "NS",
            Kind::Bs => "BS",
            Kind::L => "L",
            Kind::M => "M",
        }
    }

    /// The type as the messages about ADD and DELETE spell it.
    pub fn long_name(self) -> &'static str {
        match self {
            Kind::S => "STRING",
            Kind::N => "NUMBER",
            Kind::B => "BINARY",
            Kind::Bool => "BOOLEAN",
            Kind::Null => "NULL",
            Kind::Ss => "STRING_SET",
            Kind::Ns => "NUMBER_SET",
            Kind::Bs => "BINARY_SET",
            Kind::L => "LIST",
            Kind::M => "MAP",
        }
    }

    /// The type with this tag.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether values of the type have an order: text, numbers and bytes.
    pub fn is_scalar(self) -> bool {
        matches!(self, Kind::S | Kind::N | Kind::B)
    }

    /// Whether it is one of the three sets.
    pub fn is_set(self) -> bool {
        matches!(self, Kind::Ss | Kind::Ns | Kind::Bs)
    }
}

impl AttributeValue {
    /// The value's type.
    pub fn kind(&self) -> Kind {
        match self {
            AttributeValue::S(_) => Kind::S,
            AttributeValue::N(_) => Kind::N,
            AttributeValue::B(_) => Kind::B,
            AttributeValue::Bool(_) => Kind::Bool,
            AttributeValue::Null => Kind::Null,
            AttributeValue::Ss(_) => Kind::Ss,
            AttributeValue::Ns(_) => Kind::Ns,
            AttributeValue::Bs(_) => Kind::Bs,
            AttributeValue::L(_) => Kind::L,
            AttributeValue::M(_) => Kind::M,
        }
    }

    /// What the value counts for in an item's size.
    pub fn size(&self) -> usize {
        match self {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(number) => number.size(),
            AttributeValue::B(bytes) => bytes.len(),
            AttributeValue::Bool(_) | AttributeValue::Null => 1,
            AttributeValue::Ss(set) => set.iter().map(String::len).sum(),
            AttributeValue::Ns(set) => set.iter().map(Number::size).sum(),
            AttributeValue::Bs(set) => set.iter().map(Bytes::len).sum(),
            AttributeValue::L(list) => 3 + list.iter().map(|value| 1 + value.size()).sum::<usize>(),
            AttributeValue::M(map) => 3 + map.len() + item_size(map),
        }
    }

    /// How deep the value nests; 1 for a scalar.
    pub fn levels(&self) -> usize {
        let below = match self {
            AttributeValue::L(list) => list.iter().map(AttributeValue::levels).max(),
            AttributeValue::M(map) => map.values().map(AttributeValue::levels).max(),
            _ => None,
        };
        1 + below.unwrap_or(0)
    }

    /// The text, where it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            AttributeValue::S(text) => Some(text),
            _ => None,
        }
    }
}

/// What an item is billed for: the bytes of every name and value.
pub fn item_size(attributes: &Attributes) -> usize {
    attributes.iter().map(|(name, value)| name.len() + value.size()).sum()
}

#[cfg(test)]
pub(crate) mod testing {
    use proptest::prelude::*;

    use super::*;

    /// Attributes as the wire spells them.
    pub(crate) fn item(json: &str) -> Attributes {
        use nephos_wire::{Field, Kind as WireKind, Rules, Type, json::JsonReader};
        static ANY: Type = Type { name: "Any", kind: WireKind::Custom, rules: Rules::NONE };
        let map = AttributeMap::read(&ANY, &mut JsonReader::new(json.as_bytes())).unwrap();
        map.into_valid(Layer::Bare).unwrap()
    }

    /// Any value, nested a few levels.
    pub(crate) fn value() -> impl Strategy<Value = AttributeValue> {
        let number = (any::<bool>(), 0..10u128.pow(38), -50..50i64)
            .prop_filter_map("in range", |(sign, digits, exponent)| Number::new(sign, digits, exponent).ok());
        let bytes = proptest::collection::vec(any::<u8>(), 0..8).prop_map(Bytes::from);
        let scalar = prop_oneof![
            any::<String>().prop_map(AttributeValue::S),
            number.clone().prop_map(AttributeValue::N),
            bytes.clone().prop_map(AttributeValue::B),
            any::<bool>().prop_map(AttributeValue::Bool),
            Just(AttributeValue::Null),
            proptest::collection::btree_set(any::<String>(), 1..4)
                .prop_map(|set| AttributeValue::Ss(set.into_iter().collect())),
            proptest::collection::btree_set(number, 1..4)
                .prop_map(|set| AttributeValue::Ns(set.into_iter().collect())),
            proptest::collection::btree_set(bytes, 1..4)
                .prop_map(|set| AttributeValue::Bs(set.into_iter().collect())),
        ];
        scalar.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(AttributeValue::L),
                proptest::collection::btree_map(any::<String>(), inner, 0..4).prop_map(AttributeValue::M),
            ]
        })
    }

    /// Any attributes.
    pub(crate) fn attributes() -> impl Strategy<Value = Attributes> {
        proptest::collection::btree_map("[a-z#.]{1,6}", value(), 0..6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_formula() {
        let item = Attributes::from([
            ("id".to_owned(), AttributeValue::S("abc".into())),
            ("n".to_owned(), AttributeValue::N(Number::from_u64(7))),
            ("ok".to_owned(), AttributeValue::Bool(true)),
            ("none".to_owned(), AttributeValue::Null),
            ("tags".to_owned(), AttributeValue::Ss(vec!["a".into(), "bc".into()])),
            ("list".to_owned(), AttributeValue::L(vec![AttributeValue::S("x".into())])),
            ("map".to_owned(), AttributeValue::M(Attributes::from([("k".into(), AttributeValue::Null)]))),
        ]);
        let sizes = [2 + 3, 1 + 2, 2 + 1, 4 + 1, 4 + 3, 4 + 3 + 2, 3 + 3 + 3];
        assert_eq!(item_size(&item), sizes.iter().sum::<usize>());
    }

    #[test]
    fn every_type_has_its_own_name() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(Kind::from_name("s"), None);
    }
}
