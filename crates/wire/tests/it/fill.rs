//! Values for whole structures out of a few random bytes. A [`Filler`] is a [`Reader`]: what a codec would read, it
//! makes up. Fewer or smaller bytes make less, so that a failing case shrinks.

use bytes::Bytes;
use nephos_core::Timestamp;
use nephos_wire::{Kind, Location, ReadError, Reader, Shape, TimestampFormat, Type};

/// What text may hold where it goes.
const BODY: &[&str] = &[
    "",
    "a",
    "two words",
    " led and trailed ",
    "ümläut 漢字 😀",
    "<&>\"'",
    "]]>",
    "line\nline\tand tab",
    "a\rb\r\nc",
    "\u{1}\u{1f}\u{7f}\u{85}\u{2028}",
    "a=b&c=d+e%20f",
    "null",
    "\\u0041\\",
    "100%",
];
const HEADER: &[&str] =
    &["a", "two words", "ümläut", "a,b", "\"quoted\"", "back\\slash", "100%", "a=b; c", ""];
const PATH: &[&str] = &["a", "a/b", "/", "//", "a b+c", "ü%2F", "%", "..", "?x=1", "a/", "/a//b/", "漢/字#"];
const HEADER_NAMES: &[&str] = &["a", "b-c", "x_1", "long-name-of-a-header"];
const KEYS: &[&str] = &["a", "b c", "", "<ü>", "d.e", "F"];

/// How a protocol spells moments where the model does not say.
pub struct Moments {
    /// In the body.
    pub body: TimestampFormat,
    /// In headers.
    pub header: TimestampFormat,
    /// Whether none is finer than a second.
    pub whole_seconds: bool,
}

/// Makes up values.
pub struct Filler<'a> {
    entropy: &'a [u8],
    moments: Moments,
    place: Location,
    depth: usize,
    /// Whether lists, maps and structures are never empty, where that can be; flattened ones never are.
    pub no_empty: bool,
    /// Whether text is only such as XML 1.0 and headers can carry anywhere.
    pub plain: bool,
}

impl<'a> Filler<'a> {
    pub fn new(entropy: &'a [u8], moments: Moments) -> Self {
        Filler { entropy, moments, place: Location::Body, depth: 0, no_empty: false, plain: false }
    }

    fn byte(&mut self) -> u8 {
        let (first, rest) = self.entropy.split_first().unwrap_or((&0, &[]));
        self.entropy = rest;
        *first
    }

    fn number(&mut self) -> i64 {
        (0..8).fold(0, |number, _| number << 8 | i64::from(self.byte()))
    }

    fn one_of(&mut self, texts: &[&str]) -> String {
        let at = usize::from(self.byte());
        texts[at % texts.len()].to_owned()
    }

    fn count(&mut self, at_least_one: bool) -> usize {
        let count = if self.depth > 5 { 0 } else { usize::from(self.byte() % 4) };
        count.max(usize::from(at_least_one || self.no_empty))
    }
}

impl Reader for Filler<'_> {
    fn string(&mut self) -> Result<String, ReadError> {
        Ok(match self.place {
            Location::Uri => self.one_of(PATH),
            Location::Header | Location::Headers => {
                self.one_of(if self.plain { &HEADER[..2] } else { HEADER })
            }
            _ if self.plain => self.one_of(&BODY[1..8]),
            _ => self.one_of(BODY),
        })
    }

    fn boolean(&mut self) -> Result<bool, ReadError> {
        Ok(self.byte() % 2 == 1)
    }

    fn integer(&mut self) -> Result<i64, ReadError> {
        Ok(match self.byte() % 4 {
            0 => i64::from(self.byte()),
            1 => i64::MIN,
            2 => i64::MAX,
            _ => self.number(),
        })
    }

    fn integer32(&mut self) -> Result<i32, ReadError> {
        Ok(match self.byte() % 4 {
            0 => i32::from(self.byte()),
            1 => i32::MIN,
            2 => i32::MAX,
            _ => self.number() as i32,
        })
    }

    fn double(&mut self) -> Result<f64, ReadError> {
        let palette = [
            0.0,
            1.0,
            -1.5,
            0.1,
            1e300,
            5e-324,
            f64::MAX,
            1e15,
            123_456_789.25,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        Ok(palette[usize::from(self.byte()) % palette.len()])
    }

    fn blob(&mut self) -> Result<Bytes, ReadError> {
        let length = usize::from(self.byte() % 20).max(usize::from(self.no_empty));
        Ok((0..length).map(|_| self.byte()).collect())
    }

    fn timestamp(&mut self, format: Option<TimestampFormat>) -> Result<Timestamp, ReadError> {
        let own = if self.place == Location::Header { self.moments.header } else { self.moments.body };
        let own = if self.place == Location::Query { TimestampFormat::Iso8601 } else { own };
        let format = format.unwrap_or(own);
        // From the year 1, or 1970 where no other is said, to 9999.
        let first = if format == TimestampFormat::Http { 0 } else { -62_135_596_800_000 };
        let millis = first + self.number().rem_euclid(253_402_300_799_999 - first);
        let coarse = self.moments.whole_seconds || format == TimestampFormat::Http;
        Ok(Timestamp::from_millis(if coarse { millis - millis.rem_euclid(1000) } else { millis }))
    }

    fn structure(&mut self, shape: &mut dyn Shape) -> Result<(), ReadError> {
        self.depth += 1;
        let top = self.depth == 1;
        let mut empty = true;
        for (index, member) in shape.schema().members.iter().enumerate() {
            let nested = matches!(member.ty.kind, Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. });
            let needed = member.required || self.no_empty && empty && !nested && !top;
            let wanted = self.byte() % 2 == 1 && !(nested && self.depth > 4);
            if !(wanted || needed) || member.location == Location::Status {
                continue;
            }
            empty = false;
            self.place = if top { member.location } else { Location::Body };
            if let Some(slot) = shape.slot(index) {
                slot.read(member.ty, self)?;
            }
        }
        self.depth -= 1;
        self.place = Location::Body;
        Ok(())
    }

    fn list(
        &mut self,
        ty: &'static Type,
        member: &mut dyn FnMut(&mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let flattened = matches!(ty.kind, Kind::List { flattened: true, .. });
        let located = self.place != Location::Body;
        (0..self.count(flattened || located)).try_for_each(|_| member(self))
    }

    fn map(
        &mut self,
        ty: &'static Type,
        entry: &mut dyn FnMut(String, &mut dyn Reader) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let flattened = matches!(ty.kind, Kind::Map { flattened: true, .. });
        let located = self.place != Location::Body;
        let keys = if located { HEADER_NAMES } else { KEYS };
        let keys = if self.plain { &keys[..2] } else { keys };
        let count = self.count(flattened || located).min(keys.len());
        keys[..count].iter().try_for_each(|key| entry((*key).to_owned(), self))
    }
}

/// A structure out of random bytes.
pub fn fill<T: Shape + Default>(filler: &mut Filler<'_>) -> T {
    let mut shape = T::default();
    filler.structure(&mut shape).unwrap();
    shape
}
