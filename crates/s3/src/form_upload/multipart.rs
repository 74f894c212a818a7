//! `multipart/form-data` as it comes: bytes in, heads and contents of parts out. Knows no bodies and no forms.
//!
//! What it holds back is at most a part's head, or a delimiter's length of its contents.

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use memchr::memmem::{Finder, find};
use nephos_core::Fault;

use crate::error::Error;

/// The longest head of a part. A file's name may have 255 characters of up to twelve bytes, percent-encoded.
const MAX_HEAD_BYTES: usize = 8 << 10;
/// The longest white space that may follow a delimiter on its line.
const MAX_PADDING_BYTES: usize = 64;
/// The longest boundary, as RFC 2046 has it.
const MAX_BOUNDARY_BYTES: usize = 70;

/// A body that is no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl From<Malformed> for Error {
    fn from(_: Malformed) -> Error {
        let text = "The body of your POST request is not well-formed multipart/form-data.";
        Error::Fault(Box::new(Fault::new("MalformedPOSTRequest", text)))
    }
}

/// The boundary that a `Content-Type` names.
pub fn boundary(content_type: Option<&HeaderValue>) -> Result<String, Malformed> {
    let text = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (_, parameters) = text.split_once(';').ok_or(Malformed)?;
    let boundary = parameter(parameters, "boundary").ok_or(Malformed)?;
    if (1..=MAX_BOUNDARY_BYTES).contains(&boundary.len()) { Ok(boundary) } else { Err(Malformed) }
}

/// The head of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartHead {
    /// The field's name; absent where the part is no form's.
    pub name: Option<String>,
    /// The file's name, as it came.
    pub filename: Option<String>,
}

impl PartHead {
    fn parse(lines: &[u8]) -> Result<PartHead, Malformed> {
        let text = std::str::from_utf8(lines).map_err(|_| Malformed)?;
        let mut headers = text.split("\r\n").filter_map(|line| line.split_once(':'));
        let disposition = headers.find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"));
        let (kind, parameters) = disposition.and_then(|(_, value)| value.split_once(';')).unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case("form-data") {
            return Ok(PartHead { name: None, filename: None });
        }
        Ok(PartHead { name: parameter(parameters, "name"), filename: parameter(parameters, "filename") })
    }
}

/// The value of the first parameter called `wanted` in `a=b; c="d"`.
fn parameter(mut parameters: &str, wanted: &str) -> Option<String> {
    loop {
        let (name, rest) = parameters.split_once('=')?;
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let (value, rest) = rest.split_once(';').unwrap_or((rest, ""));
                (value.trim().to_owned(), rest)
            }
        };
        let name = name.rsplit(';').next().unwrap_or_default();
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        parameters = rest;
    }
}

/// A quoted text up to its quotation mark, and what follows. Only quotation marks are escaped: some browsers send paths
/// with plain backslashes.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"')?;
        let (before, after) = (&rest[..end], &rest[end + 1..]);
        match before.strip_suffix('\\') {
            Some(before) => {
                value.push_str(before);
                value.push('"');
            }
            None => {
                value.push_str(before);
                return Some((value, after));
            }
        }
        rest = after;
    }
}

/// What the bytes so far hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A part begins.
    Head(PartHead),
    /// Some of its contents.
    Data(Bytes),
    /// It ends.
    PartEnd,
    /// There are no more parts.
    End,
    /// More bytes are needed.
    Starved,
}

/// Where the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Preamble,
    /// On a delimiter's line, behind the boundary.
    Delimiter,
    Head,
    Contents,
    Epilogue,
}

/// Finds the parts.
pub struct Scanner {
    delimiter: Finder<'static>,
    buffer: BytesMut,
    consumed: u64,
    place: Place,
    /// Whether a delimiter now ends a part.
    open: bool,
}

impl Scanner {
    /// At the beginning of a body.
    pub fn new(boundary: &str) -> Scanner {
        let delimiter = Finder::new(&format!("\r\n--{boundary}")).into_owned();
        // The first delimiter may be the first thing there is.
        Scanner {
            delimiter,
            buffer: BytesMut::from(&b"\r\n"[..]),
            consumed: 0,
            place: Place::Preamble,
            open: false,
        }
    }

    /// Takes further bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// How many bytes have come: those that were told of, and those that are held back.
    pub fn seen(&self) -> u64 {
        self.consumed + self.buffer.len() as u64
    }

    /// How many bytes have been told of.
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// What comes next.
    pub fn step(&mut self) -> Result<Event, Malformed> {
        loop {
            let event = match self.place {
                Place::Preamble => self.preamble(),
                Place::Delimiter => self.delimiter_line()?,
                Place::Head => self.head()?,
                Place::Contents => self.contents(),
                Place::Epilogue => Some(Event::End),
            };
            if let Some(event) = event {
                return Ok(event);
            }
        }
    }

    fn take(&mut self, length: usize) -> Bytes {
        self.consumed += length as u64;
        self.buffer.split_to(length).freeze()
    }

    fn delimiter_length(&self) -> usize {
        self.delimiter.needle().len()
    }

    /// How much of the buffer can be no part of a delimiter.
    fn free(&self) -> usize {
        (self.buffer.len() + 1).saturating_sub(self.delimiter_length())
    }

    fn preamble(&mut self) -> Option<Event> {
        match self.delimiter.find(&self.buffer) {
            Some(at) => {
                self.take(at + self.delimiter_length());
                self.place = Place::Delimiter;
                None
            }
            None => {
                self.take(self.free());
                Some(Event::Starved)
            }
        }
    }

    fn delimiter_line(&mut self) -> Result<Option<Event>, Malformed> {
        let padding = self.buffer.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        if padding > MAX_PADDING_BYTES {
            return Err(Malformed);
        }
        self.place = match self.buffer.get(padding..padding + 2) {
            None => return Ok(Some(Event::Starved)),
            Some(b"\r\n") => Place::Head,
            Some(b"--") if padding == 0 => Place::Epilogue,
            Some(_) => return Err(Malformed),
        };
        self.take(padding + 2);
        Ok(std::mem::take(&mut self.open).then_some(Event::PartEnd))
    }

    fn head(&mut self) -> Result<Option<Event>, Malformed> {
        let (lines, length) = match (self.buffer.get(..2), find(&self.buffer, b"\r\n\r\n")) {
            (Some(b"\r\n"), _) => (0, 2),
            (_, Some(at)) => (at, at + 4),
            (_, None) if self.buffer.len() > MAX_HEAD_BYTES => return Err(Malformed),
            (_, None) => return Ok(Some(Event::Starved)),
        };
        if length > MAX_HEAD_BYTES {
            return Err(Malformed);
        }
        let head = self.take(length);
        (self.place, self.open) = (Place::Contents, true);
        PartHead::parse(head.get(..lines).unwrap_or_default()).map(|head| Some(Event::Head(head)))
    }

    fn contents(&mut self) -> Option<Event> {
        match self.delimiter.find(&self.buffer) {
            Some(0) => {
                self.take(self.delimiter_length());
                self.place = Place::Delimiter;
                None
            }
            Some(at) => Some(Event::Data(self.take(at))),
            None => match self.free() {
                0 => Some(Event::Starved),
                free => Some(Event::Data(self.take(free))),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The parts of a body that comes in pieces of these lengths, over and over: names, file names and contents.
    fn parts(body: &[u8], pieces: &[usize]) -> Result<Vec<(PartHead, Vec<u8>)>, Malformed> {
        let mut scanner = Scanner::new("xYz");
        let (mut parts, mut rest) = (Vec::new(), body);
        let mut pieces = pieces.iter().cycle();
        let mut ended = true;
        loop {
            match scanner.step()? {
                Event::Head(head) => {
                    assert!(std::mem::take(&mut ended));
                    parts.push((head, Vec::new()));
                }
                Event::Data(bytes) => parts.last_mut().unwrap().1.extend_from_slice(&bytes),
                Event::PartEnd => ended = true,
                Event::End => return Ok(parts),
                Event::Starved if rest.is_empty() => return Err(Malformed),
                Event::Starved => {
                    let (piece, after) = rest.split_at((*pieces.next().unwrap()).clamp(1, rest.len()));
                    scanner.feed(piece);
                    rest = after;
                }
            }
        }
    }

    fn head(name: &str, filename: Option<&str>) -> PartHead {
        PartHead { name: Some(name.to_owned()), filename: filename.map(str::to_owned) }
    }

    const BODY: &str = "preamble\r\n--xY no delimiter\r\n--xYz \t\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n\
        a\r\n--xY\r\nb\r\n--xYz\r\nContent-Type: text/plain\r\ncontent-disposition: Form-Data; filename=\"C:\\d\\e \\\"f\\\".txt\"; \
        NAME=file\r\n\r\n\r\n--xYz\r\nContent-Disposition: file; name=\"other\"\r\n\r\n\r\n\r\n--xYz\r\n\r\nno head\r\n--xYz--\r\nepilogue";

    #[test]
    fn parts_are_found_wherever_the_pieces_end() {
        let nameless = PartHead { name: None, filename: None };
        let expected = vec![
            (head("key", None), b"a\r\n--xY\r\nb".to_vec()),
            (head("file", Some("C:\\d\\e \"f\".txt")), Vec::new()),
            (nameless.clone(), b"\r\n".to_vec()),
            (nameless, b"no head".to_vec()),
        ];
        for piece in 1..BODY.len() {
            assert_eq!(parts(BODY.as_bytes(), &[piece]).as_ref(), Ok(&expected), "{piece}");
        }
    }

    #[test]
    fn what_is_no_form_is_told() {
        for bad in [
            "",
            "--xYz",
            "--xYzz\r\n\r\n\r\n--xYz--",
            "--xYz\r\n\r\nno end",
            "--xYz\r\nno end of the head",
            "--xYz\r\n\r\na\r\n--xYz-",
            "no delimiter",
        ] {
            assert_eq!(parts(bad.as_bytes(), &[3]), Err(Malformed), "{bad}");
        }
        let long = format!("--xYz\r\nX: {}\r\n\r\n\r\n--xYz--", "x".repeat(MAX_HEAD_BYTES));
        assert_eq!(parts(long.as_bytes(), &[1000]), Err(Malformed));
        let padded = format!("--xYz{}\r\n\r\n\r\n--xYz--", " ".repeat(MAX_PADDING_BYTES + 1));
        assert_eq!(parts(padded.as_bytes(), &[1000]), Err(Malformed));
        assert_eq!(parts(b"--xYz\r\nX: \xff\r\n\r\n\r\n--xYz--", &[9]), Err(Malformed));
        assert_eq!(parts(b"--xYz--", &[1]), Ok(Vec::new()));
    }

    #[test]
    fn the_content_type_names_the_boundary() {
        let of = |text: &'static str| boundary(Some(&HeaderValue::from_static(text)));
        assert_eq!(of("multipart/form-data; boundary=a-b'c").as_deref(), Ok("a-b'c"));
        assert_eq!(of("multipart/form-data; charset=utf-8; BOUNDARY=\"a b;c\"").as_deref(), Ok("a b;c"));
        assert_eq!(of("multipart/form-data"), Err(Malformed));
        assert_eq!(of("multipart/form-data; boundary="), Err(Malformed));
        assert_eq!(of("multipart/form-data; boundary=\"a"), Err(Malformed));
        assert_eq!(boundary(None), Err(Malformed));
    }

    proptest! {
        #[test]
        fn contents_survive_any_cut(
            contents in prop::collection::vec("[\\r\\n\\-xYz a]{0,40}", 0..4),
            pieces in prop::collection::vec(1usize..60, 1..5),
        ) {
            prop_assume!(contents.iter().all(|text| !format!("\r\n{text}\r\n--xYz").trim_end_matches("\r\n--xYz").contains("\r\n--xYz")));
            let mut body = String::new();
            for text in &contents {
                body.push_str(&format!("--xYz\r\nContent-Disposition: form-data; name=n\r\n\r\n{text}\r\n"));
            }
            body.push_str("--xYz--\r\n");
            let found = parts(body.as_bytes(), &pieces).unwrap();
            let found: Vec<String> = found.into_iter().map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect();
            prop_assert_eq!(found, contents);
        }

        #[test]
        fn any_bytes_are_refused_or_read(body in prop::collection::vec(prop::sample::select(&b"\r\n-xYz;=\"\\: "[..]), 0..120)) {
            let whole = parts(&body, &[body.len().max(1)]);
            prop_assert_eq!(parts(&body, &[1]), whole);
        }
    }
}
