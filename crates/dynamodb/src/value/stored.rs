//! Items as they are stored: compact, canonical bytes.
//!
//! ```text
//! item   = format[1] = 1, billing size[4, big-endian], entry*
//! entry  = varint length, name, value                    entries are sorted by name
//! value  = tag[1], payload
//!          S, B        varint length, bytes
//!          N           the number's order-preserving code (delimits itself)
//!          TRUE FALSE NULL   nothing
//!          SS BS       length[4] of what follows, (varint length, bytes)*     sorted
//!          NS          length[4] of what follows, code*                       sorted
//!          L           length[4] of what follows, value*
//!          M           length[4] of what follows, entry*                      sorted by name
//! ```
//! Equal values have equal bytes, so that comparing values, and seeing that a write changes nothing, is comparing bytes.

use bytes::Bytes;
use nephos_store::StoreError;

use super::view::{Entries, ValueRef};
use super::{AttributeValue, Attributes, item_size, number_code};

/// The format that is written now.
const FORMAT: u8 = 1;
/// The format and the billing size.
const HEADER_BYTES: usize = 5;

/// The tags of stored values.
pub(super) mod tag {
    pub(in super::super) const S: u8 = 1;
    pub(in super::super) const N: u8 = 2;
    pub(in super::super) const B: u8 = 3;
    pub(in super::super) const FALSE: u8 = 4;
    pub(in super::super) const TRUE: u8 = 5;
    pub(in super::super) const NULL: u8 = 6;
    pub(in super::super) const SS: u8 = 7;
    pub(in super::super) const NS: u8 = 8;
    pub(in super::super) const BS: u8 = 9;
    pub(in super::super) const L: u8 = 10;
    pub(in super::super) const M: u8 = 11;
}

/// An item in its stored form. Cheap to clone; nothing of it is decoded until it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item(Bytes);

/// An item that lies in somebody else's memory, such as the engine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemRef<'a>(&'a [u8]);

impl Item {
    /// Takes an item as the store gave it.
    pub fn from_stored(bytes: Bytes) -> Result<Item, StoreError> {
        ItemRef::from_stored(&bytes)?;
        Ok(Item(bytes))
    }

    /// Encodes attributes.
    pub fn encode(attributes: &Attributes) -> Item {
        let size = item_size(attributes);
        let mut out = Vec::with_capacity(HEADER_BYTES + size + 4 * attributes.len() + 16);
        out.push(FORMAT);
        out.extend_from_slice(&header_size(size));
        put_entries(&mut out, attributes);
        Item(out.into())
    }

    /// The item without its own memory.
    pub fn view(&self) -> ItemRef<'_> {
        ItemRef(&self.0)
    }

    /// What the item is billed for, in bytes.
    pub fn size(&self) -> usize {
        self.view().size()
    }

    /// The bytes to store.
    pub fn bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// The attributes in order of name.
    pub fn entries(&self) -> Entries<'_> {
        self.view().entries()
    }

    /// The value of the attribute `name`.
    pub fn get(&self, name: &str) -> Option<ValueRef<'_>> {
        self.view().get(name)
    }

    /// Decodes all attributes.
    pub fn attributes(&self) -> Result<Attributes, StoreError> {
        self.view().attributes()
    }
}

impl<'a> ItemRef<'a> {
    /// Takes an item as a scan shows it.
    pub fn from_stored(bytes: &'a [u8]) -> Result<ItemRef<'a>, StoreError> {
        match bytes.first() {
            Some(&FORMAT) if bytes.len() >= HEADER_BYTES => Ok(ItemRef(bytes)),
            first => Err(StoreError::Corrupt(format!("item has format {first:?}, expected {FORMAT}"))),
        }
    }

    /// The item with memory of its own.
    pub fn to_item(self) -> Item {
        Item(Bytes::copy_from_slice(self.0))
    }

    /// The attributes of this item that `keep` wants, as an item of its own.
    pub fn select(self, keep: impl Fn(&str) -> bool) -> Item {
        let mut out = vec![FORMAT, 0, 0, 0, 0];
        let mut size = 0;
        for (name, value) in self.entries().filter(|(name, _)| keep(name)) {
            size += name.len() + value.size();
            put_bytes(&mut out, name.as_bytes());
            out.extend_from_slice(value.bytes());
        }
        out[1..HEADER_BYTES].copy_from_slice(&header_size(size));
        Item(out.into())
    }

    /// What the item is billed for, in bytes.
    pub fn size(self) -> usize {
        let size = self.0.get(1..HEADER_BYTES).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
        size.map_or(0, u32::from_be_bytes) as usize
    }

    /// The attributes in order of name.
    pub fn entries(self) -> Entries<'a> {
        Entries::new(self.0.get(HEADER_BYTES..).unwrap_or_default())
    }

    /// The value of the attribute `name`.
    pub fn get(self, name: &str) -> Option<ValueRef<'a>> {
        self.entries().find_name(name)
    }

    /// Decodes all attributes.
    pub fn attributes(self) -> Result<Attributes, StoreError> {
        let mut entries = self.entries();
        let decoded: Option<Attributes> =
            entries.by_ref().map(|(name, value)| Some((name.to_owned(), value.to_value()?))).collect();
        match decoded {
            Some(attributes) if entries.is_exhausted() => Ok(attributes),
            _ => Err(StoreError::Corrupt("item is cut off or damaged".to_owned())),
        }
    }
}

fn header_size(size: usize) -> [u8; 4] {
    u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes()
}

/// Encodes one value.
pub fn encode_value(value: &AttributeValue) -> Vec<u8> {
    let mut out = Vec::new();
    put_value(&mut out, value);
    out
}

fn put_value(out: &mut Vec<u8>, value: &AttributeValue) {
    match value {
        AttributeValue::S(text) => put_tagged(out, tag::S, text.as_bytes()),
        AttributeValue::B(bytes) => put_tagged(out, tag::B, bytes),
        AttributeValue::N(number) => {
            out.push(tag::N);
            number_code::encode(number, out);
        }
        AttributeValue::Bool(value) => out.push(if *value { tag::TRUE } else { tag::FALSE }),
        AttributeValue::Null => out.push(tag::NULL),
        AttributeValue::Ss(set) => {
            put_sized(out, tag::SS, |out| set.iter().for_each(|member| put_bytes(out, member.as_bytes())));
        }
        AttributeValue::Ns(set) => {
            put_sized(out, tag::NS, |out| set.iter().for_each(|member| number_code::encode(member, out)));
        }
        AttributeValue::Bs(set) => {
            put_sized(out, tag::BS, |out| set.iter().for_each(|member| put_bytes(out, member)));
        }
        AttributeValue::L(list) => {
            put_sized(out, tag::L, |out| list.iter().for_each(|member| put_value(out, member)));
        }
        AttributeValue::M(map) => put_sized(out, tag::M, |out| put_entries(out, map)),
    }
}

fn put_entries(out: &mut Vec<u8>, attributes: &Attributes) {
    for (name, value) in attributes {
        put_bytes(out, name.as_bytes());
        put_value(out, value);
    }
}

fn put_tagged(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    put_bytes(out, bytes);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut left = bytes.len();
    while left >= 0x80 {
        out.push((left & 0x7F) as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
    out.extend_from_slice(bytes);
}

/// A tag, the length of what `fill` appends, and that.
fn put_sized(out: &mut Vec<u8>, tag: u8, fill: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&[tag, 0, 0, 0, 0]);
    let start = out.len();
    fill(out);
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start - 4..start].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing;
    use super::*;

    proptest! {
        #[test]
        fn items_read_back_with_their_size(attributes in testing::attributes()) {
            let item = Item::encode(&attributes);
            prop_assert_eq!(item.size(), item_size(&attributes));
            let again = Item::from_stored(item.bytes()).unwrap();
            prop_assert_eq!(again.attributes().unwrap(), attributes.clone());
            for (name, value) in &attributes {
                let view = item.get(name).unwrap();
                prop_assert_eq!(view.kind(), value.kind());
                prop_assert_eq!(view.size(), value.size());
                prop_assert_eq!(view.bytes(), encode_value(value));
            }
            prop_assert!(item.get("no such name").is_none());
        }

        #[test]
        fn equal_values_have_equal_bytes(a in testing::value(), b in testing::value()) {
            prop_assert_eq!(encode_value(&a) == encode_value(&b), a == b);
        }

        #[test]
        fn selecting_is_encoding_less(attributes in testing::attributes()) {
            let fewer: Attributes =
                attributes.iter().filter(|(name, _)| name.len() > 2).map(|(n, v)| (n.clone(), v.clone())).collect();
            prop_assert_eq!(Item::encode(&attributes).view().select(|name| name.len() > 2), Item::encode(&fewer));
        }

        #[test]
        fn damaged_items_are_refused_and_never_panic(mut bytes: Vec<u8>, attributes in testing::attributes(), cut: usize) {
            bytes.insert(0, FORMAT);
            if let Ok(item) = Item::from_stored(bytes.into()) {
                let _ = item.attributes();
                item.entries().for_each(|(_, value)| { value.size(); });
            }
            let whole = Item::encode(&attributes).bytes();
            let cut = cut % whole.len().max(1);
            if let Ok(item) = Item::from_stored(whole.slice(..cut)) {
                prop_assert!(item.attributes().is_ok_and(|left| left.len() < attributes.len()) || item.attributes().is_err());
            }
        }
    }

    #[test]
    fn an_unknown_format_is_corrupt() {
        for bytes in [&b""[..], b"\x02\0\0\0\0", b"\x01\0"] {
            assert!(matches!(Item::from_stored(Bytes::from_static(bytes)), Err(StoreError::Corrupt(_))));
        }
    }
}
