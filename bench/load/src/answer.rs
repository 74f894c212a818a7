//! One answer read off a connection: as much of HTTP/1 as it takes to know where it ends.

use std::io::Read;

/// The largest answer that is taken, in bytes.
const MAX_BYTES: usize = 64 << 20;

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Whether the connection can be used again.
    pub keep: bool,
    /// Where the body starts in the buffer.
    pub body: usize,
}

enum Length {
    Exactly(usize),
    Chunked,
    UntilClosed,
}

/// Reads one answer into `buffer`, which is emptied first and holds head and raw body after it.
pub fn read(from: &mut impl Read, buffer: &mut Vec<u8>) -> Result<Answer, String> {
    buffer.clear();
    let body = loop {
        if let Some(at) = find(buffer, b"\r\n\r\n") {
            break at + 4;
        }
        more(from, buffer)?;
    };
    let head = std::str::from_utf8(&buffer[..body]).map_err(|_| "expected a head of text".to_owned())?;
    let status = head.get(9..12).and_then(|status| status.parse().ok()).ok_or("expected a status")?;
    let mut keep = head.starts_with("HTTP/1.1");
    let mut length = if status == 204 || status == 304 { Length::Exactly(0) } else { Length::UntilClosed };
    for line in head.lines().skip(1) {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = Length::Exactly(value.parse().map_err(|_| "expected a length".to_owned())?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            length = Length::Chunked;
        } else if name.eq_ignore_ascii_case("connection") {
            keep = !value.eq_ignore_ascii_case("close");
        }
    }
    match length {
        Length::Exactly(length) => fill(from, buffer, body + length)?,
        Length::Chunked => chunks(from, buffer, body)?,
        Length::UntilClosed => {
            keep = false;
            while more(from, buffer).is_ok() {}
        }
    }
    Ok(Answer { status, keep, body })
}

fn chunks(from: &mut impl Read, buffer: &mut Vec<u8>, mut at: usize) -> Result<(), String> {
    loop {
        let line = loop {
            if let Some(end) = find(&buffer[at..], b"\r\n") {
                break at + end;
            }
            more(from, buffer)?;
        };
        let size = std::str::from_utf8(&buffer[at..line]).ok().and_then(|text| text.split(';').next());
        let size =
            size.and_then(|text| usize::from_str_radix(text.trim(), 16).ok()).ok_or("expected a chunk")?;
        at = line + 2 + size + 2;
        fill(from, buffer, at)?;
        if size == 0 {
            return Ok(());
        }
    }
}

fn fill(from: &mut impl Read, buffer: &mut Vec<u8>, length: usize) -> Result<(), String> {
    while buffer.len() < length {
        more(from, buffer)?;
    }
    Ok(())
}

fn more(from: &mut impl Read, buffer: &mut Vec<u8>) -> Result<(), String> {
    let mut piece = [0; 16 << 10];
    if buffer.len() > MAX_BYTES {
        return Err(format!("expected an answer of up to {MAX_BYTES} bytes"));
    }
    match from.read(&mut piece).map_err(|error| error.to_string())? {
        0 => Err("the connection was closed within an answer".to_owned()),
        count => {
            buffer.extend_from_slice(&piece[..count]);
            Ok(())
        }
    }
}

/// Where `what` is first.
pub fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str) -> Result<Answer, String> {
        read(&mut text.as_bytes(), &mut Vec::new())
    }

    #[test]
    fn an_answer_ends_where_it_says() {
        let exact = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(reads(exact), Ok(Answer { status: 200, keep: true, body: 38 }));
        let chunked = "HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
        assert_eq!(reads(chunked), Ok(Answer { status: 404, keep: true, body: 47 }));
        let closed = "HTTP/1.0 200 OK\r\n\r\nhi";
        assert_eq!(reads(closed), Ok(Answer { status: 200, keep: false, body: 19 }));
        let told = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(reads(told).map(|answer| answer.keep), Ok(false));
    }

    #[test]
    fn half_an_answer_is_none() {
        assert!(reads("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi").is_err());
        assert!(reads("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhi").is_err());
        assert!(reads("").is_err());
    }
}
