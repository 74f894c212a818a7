//! Keys: bytes whose order is the order of the components that they were made of.
//!
//! Text and bytes are escaped (`00` becomes `00 FF`) and end in `00 01`, so that no component can run into the next
//! and a shorter one sorts before the longer one that it begins. Numbers are big-endian and of fixed length.
//! The first component is the service's space, so no key begins with `FF`: engines keep their own rows there.

use std::fmt;

use crate::StoreError;

const ESCAPE: u8 = 0x00;
const ESCAPED_ZERO: u8 = 0xFF;
const END: u8 = 0x01;

/// An order-preserving key, built component by component.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

impl Key {
    /// Starts a key in a service's own space, such as `iam`.
    pub fn new(space: &'static str) -> Key {
        Key(Vec::with_capacity(64)).text(space)
    }

    /// Takes bytes that were a key before, as [`Key::as_bytes`] or a scan gave them.
    pub fn from_bytes(bytes: &[u8]) -> Key {
        Key(bytes.to_vec())
    }

    /// Adds a text; the order is that of its UTF-8 bytes.
    #[must_use]
    pub fn text(self, text: &str) -> Key {
        self.bytes(text.as_bytes())
    }

    /// Adds bytes of any length; the order is that of unsigned bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Key {
        for part in bytes.split_inclusive(|b| *b == ESCAPE) {
            self.0.extend_from_slice(part);
            if part.last() == Some(&ESCAPE) {
                self.0.push(ESCAPED_ZERO);
            }
        }
        self.0.extend_from_slice(&[ESCAPE, END]);
        self
    }

    /// Adds one byte.
    #[must_use]
    pub fn u8(mut self, number: u8) -> Key {
        self.0.push(number);
        self
    }

    /// Adds a number in four bytes.
    #[must_use]
    pub fn u32(mut self, number: u32) -> Key {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Adds a number in eight bytes.
    #[must_use]
    pub fn u64(mut self, number: u64) -> Key {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Adds bytes as they are. They must be self-delimiting: no such encoding may begin another.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Key {
        self.0.extend_from_slice(bytes);
        self
    }

    /// The encoded key.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the components back, the space first.
    pub fn reader(&self) -> KeyReader<'_> {
        KeyReader::new(&self.0)
    }

    /// The first key after all that begin with this one; none if there is no such key.
    pub(crate) fn successor(&self) -> Option<Key> {
        let kept = self.0.iter().rposition(|b| *b != 0xFF)?;
        let mut bytes = self.0[..=kept].to_vec();
        bytes[kept] += 1;
        Some(Key(bytes))
    }

    pub(crate) fn into_bytes(self) -> bytes::Bytes {
        self.0.into()
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.0.escape_ascii())
    }
}

/// Takes a key apart, in the order in which it was built.
#[derive(Debug, Clone)]
pub struct KeyReader<'a> {
    left: &'a [u8],
}

impl<'a> KeyReader<'a> {
    /// Reads from the key's first byte, which is where its space stands.
    pub fn new(bytes: &'a [u8]) -> Self {
        KeyReader { left: bytes }
    }

    /// The next component, which is a text.
    pub fn text(&mut self) -> Result<String, StoreError> {
        String::from_utf8(self.bytes()?).map_err(|_| corrupt("utf-8 text", "other bytes"))
    }

    /// The next component, which is bytes.
    pub fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        let mut out = Vec::new();
        loop {
            let zero = self.left.iter().position(|b| *b == ESCAPE);
            let zero = zero.ok_or_else(|| corrupt("a terminator", "the key's end"))?;
            out.extend_from_slice(&self.left[..zero]);
            let mark = self.left.get(zero + 1).copied();
            self.left = self.left.get(zero + 2..).unwrap_or_default();
            match mark {
                Some(END) => return Ok(out),
                Some(ESCAPED_ZERO) => out.push(ESCAPE),
                _ => return Err(corrupt("an escape or a terminator", "another byte")),
            }
        }
    }

    /// The next component, which is one byte.
    pub fn u8(&mut self) -> Result<u8, StoreError> {
        self.array().map(u8::from_be_bytes)
    }

    /// The next component, which is a number in four bytes.
    pub fn u32(&mut self) -> Result<u32, StoreError> {
        self.array().map(u32::from_be_bytes)
    }

    /// The next component, which is a number in eight bytes.
    pub fn u64(&mut self) -> Result<u64, StoreError> {
        self.array().map(u64::from_be_bytes)
    }

    /// All that is left, as it stands in the key.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.left)
    }

    /// Checks that nothing is left.
    pub fn finish(&self) -> Result<(), StoreError> {
        if self.left.is_empty() { Ok(()) } else { Err(corrupt("the key's end", "more bytes")) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (head, tail) =
            self.left.split_first_chunk().ok_or_else(|| corrupt("a number", "the key's end"))?;
        self.left = tail;
        Ok(*head)
    }
}

fn corrupt(expected: &str, found: &str) -> StoreError {
    StoreError::Corrupt(format!("key has {found} where {expected} was expected"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_sort_as_their_components(a: (Vec<u8>, String, u64), b: (Vec<u8>, String, u64)) {
            let key = |(x, y, z): &(Vec<u8>, String, u64)| Key::new("s").bytes(x).text(y).u64(*z);
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp(&b));
        }

        #[test]
        fn keys_read_back(bytes: Vec<u8>, text: String, small: u8, middle: u32, large: u64, tail: Vec<u8>) {
            let key = Key::new("s").bytes(&bytes).text(&text).u8(small).u32(middle).u64(large).raw(&tail);
            let mut reader = key.reader();
            prop_assert_eq!(reader.text().unwrap(), "s");
            prop_assert_eq!(reader.bytes().unwrap(), bytes);
            prop_assert_eq!(reader.text().unwrap(), text);
            prop_assert_eq!(reader.u8().unwrap(), small);
            prop_assert_eq!(reader.u32().unwrap(), middle);
            prop_assert_eq!(reader.u64().unwrap(), large);
            prop_assert_eq!(reader.rest(), &tail[..]);
            prop_assert!(reader.finish().is_ok());
        }

        #[test]
        fn damaged_keys_are_refused_and_never_panic(bytes: Vec<u8>) {
            let mut reader = KeyReader::new(&bytes);
            while reader.bytes().is_ok() {}
            prop_assert!(reader.bytes().is_err());
            let mut reader = KeyReader::new(&bytes);
            while reader.u32().is_ok() {}
            prop_assert!(reader.u32().is_err());
        }

        #[test]
        fn the_successor_ends_the_prefix(prefix: Vec<u8>, tail: Vec<u8>) {
            let prefix = Key(prefix);
            let inside = prefix.clone().raw(&tail);
            if let Some(end) = prefix.successor() {
                prop_assert!(inside < end);
                prop_assert!(!end.as_bytes().starts_with(prefix.as_bytes()));
            }
        }
    }

    #[test]
    fn a_component_never_runs_into_the_next() {
        assert_ne!(Key::new("s").text("a").text("b"), Key::new("s").text("ab").text(""));
        assert_ne!(Key::new("s").bytes(b"a\0").bytes(b""), Key::new("s").bytes(b"a").bytes(b"\0"));
        assert!(!Key::new("s").text("ab").as_bytes().starts_with(Key::new("s").text("a").as_bytes()));
    }
}
