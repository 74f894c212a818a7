//! Paths, query strings and headers that are odd or wrong.

use http::{HeaderMap, HeaderName, HeaderValue};
use nephos_wire::{ReadError, form, rest};

use crate::shapes::{EverythingRequest, ListWordsRequest};

fn headers(lines: &[(&str, &[u8])]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value).unwrap());
    }
    map
}

fn input(query: &str, lines: &[(&str, &[u8])]) -> Result<EverythingRequest, ReadError> {
    let mut input = EverythingRequest::default();
    rest::read(&mut input, &[("Name", "n".to_owned())], &form::parse(query), &headers(lines)).map(|()| input)
}

#[test]
fn lists_in_headers_may_be_quoted_and_of_several_lines() {
    let words = |lines: &[&str]| {
        let lines: Vec<(&str, &[u8])> = lines.iter().map(|line| ("x-words", line.as_bytes())).collect();
        input("", &lines).unwrap().header_words.unwrap()
    };
    assert_eq!(words(&["ETag,Checksum"]), ["ETag", "Checksum"]);
    assert_eq!(words(&[" ETag , Checksum ", "Size"]), ["ETag", "Checksum", "Size"]);
    assert_eq!(words(&[r#""a,b", "c \"d\" \\" ,e"#]), ["a,b", "c \"d\" \\", "e"]);
    assert_eq!(words(&["\"open"]), ["open"]);
    assert_eq!(words(&["a,,b"]), ["a", "", "b"]);
    assert!(words(&[""]).is_empty());
    let counts = input("", &[("x-counts", b"1, -2,3")]).unwrap().header_counts;
    assert_eq!(counts, Some(vec![1, -2, 3]));
}

#[test]
fn headers_that_are_no_utf8_are_read_byte_for_byte() {
    let read =
        input("", &[("x-text", b"caf\xe9"), ("x-meta-a", "ü".as_bytes()), ("x-meta-B", b"\xff")]).unwrap();
    assert_eq!(read.header_text.as_deref(), Some("café"));
    let meta = read.meta.unwrap();
    assert_eq!((meta["a"].as_str(), meta["b"].as_str()), ("ü", "ÿ"));
}

#[test]
fn a_prefix_takes_all_lines_of_a_header() {
    let meta = input("", &[("X-Meta-a", b"1"), ("x-meta-A", b"2"), ("x-meta-", b"3"), ("x-met", b"4")])
        .unwrap()
        .meta;
    assert_eq!(
        meta.unwrap().into_iter().collect::<Vec<_>>(),
        [("".into(), "3".into()), ("a".into(), "1,2".into())]
    );
    assert_eq!(input("", &[("x-other", b"1")]).unwrap().meta, None);
}

#[test]
fn scalars_are_read_in_their_spellings() {
    let read = input(
        "flag=TRUE&count=%2B7&when=2026-11-22T12:34:56%2B00:00&word=a&word=b%2Cc&word=&text",
        &[
            ("x-flag", b"False"),
            ("x-ratio", b" 1.5e3 "),
            ("x-when", b"Sunday, 22-Nov-26 12:34:56 GMT"),
            ("x-when-unix", b"1795350896.5"),
            ("x-data", b"AAE="),
        ],
    )
    .unwrap();
    assert_eq!((read.query_flag, read.header_flag, read.query_count), (Some(true), Some(false), Some(7)));
    assert_eq!(read.query_words, Some(vec!["a".to_owned(), "b,c".to_owned(), String::new()]));
    assert_eq!((read.query_text.as_deref(), read.header_ratio), (Some(""), Some(1500.0)));
    assert_eq!(read.query_when, read.header_when);
    assert_eq!(read.header_when_unix.map(|when| when.millis()), Some(1_795_350_896_500));
    assert_eq!(read.header_data.as_deref(), Some([0, 1].as_slice()));
}

#[test]
fn what_is_wrong_is_told() {
    for (query, lines, text) in [
        ("count=x", vec![], "expected a whole number, got \"x\""),
        ("count=2147483648", vec![], "2147483648 can not be converted to an Integer"),
        ("", vec![("x-flag", b"1".as_slice())], "expected true or false, got \"1\""),
        ("", vec![("x-when", b"soon".as_slice())], "expected a date and time, got \"soon\""),
        ("", vec![("x-ratio", b"infinity".as_slice())], "expected a number, got \"infinity\""),
        ("", vec![("x-data", b"?".as_slice())], "expected base64, got \"?\""),
    ] {
        assert_eq!(input(query, &lines).unwrap_err().to_string(), text);
    }
}

#[test]
fn a_map_takes_the_whole_query() {
    let mut input = ListWordsRequest::default();
    rest::read(&mut input, &[], &form::parse("word=a&other=b"), &HeaderMap::new()).unwrap();
    assert_eq!(input.word.as_deref(), Some("a"));
    assert_eq!(input.all.unwrap().len(), 2);
    let mut input = ListWordsRequest::default();
    rest::read(&mut input, &[], &[], &HeaderMap::new()).unwrap();
    assert_eq!(input.all, None);
}

#[test]
fn a_value_that_no_header_can_carry_is_left_out() {
    let output = crate::shapes::EverythingResponse {
        header_text: Some("a\nInjected: b".to_owned()),
        meta: Some([("ok".to_owned(), "v".to_owned()), ("bad name".to_owned(), "v".to_owned())].into()),
        ..Default::default()
    };
    let mut map = HeaderMap::new();
    assert_eq!(rest::write(&output, &mut map), None);
    assert_eq!(map, headers(&[("x-meta-ok", b"v")]));
}
