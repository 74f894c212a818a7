//! JSON that is odd, wrong or hostile, with the texts of AWS's own parser.

use nephos_core::Timestamp;
use nephos_wire::json::{JsonReader, MAX_DEPTH, push_string, read, write};
use nephos_wire::{ReadError, Reader};

use crate::shapes::{Document, Tree};

fn document(text: &str) -> Result<Document, ReadError> {
    let mut document = Document::default();
    read(text.as_bytes(), &mut document).map(|()| document)
}

fn refusal(text: &str) -> String {
    document(text).expect_err(text).to_string()
}

#[test]
fn odd_but_valid_json_is_read() {
    let read = document(concat!(
        "\r\n { \"Text\" : \"\\u0041\\ud83d\\ude00\\/\\\"\" , \"New\":{\"a\":[1,{}],\"b\":null}, \"Flag\":\"TRUE\",",
        "\"Count\":5.9,\"Total\":-1e3,\"Ratio\":1E-2,\"W\\u006frds\":[\"a\"],\"Pairs\":{\"k\":null,\"l\":\"v\"}}\t"
    ));
    let read = read.unwrap();
    assert_eq!(read.text.as_deref(), Some("A😀/\""));
    assert_eq!(
        (read.flag, read.count, read.total, read.ratio),
        (Some(true), Some(5), Some(-1000), Some(0.01))
    );
    assert_eq!(read.words, Some(vec!["a".to_owned()]));
    assert_eq!(read.pairs.unwrap().into_iter().collect::<Vec<_>>(), [("l".to_owned(), "v".to_owned())]);
    for empty in ["", " \n", "{}"] {
        assert_eq!(document(empty).unwrap(), Document::default());
    }
}

#[test]
fn null_is_absent_and_the_last_of_two_counts() {
    let read = document(r#"{"Text":null,"Count":1,"Count":2,"Words":["a"],"Words":["b"]}"#).unwrap();
    assert_eq!((read.text, read.count, read.words), (None, Some(2), Some(vec!["b".to_owned()])));
}

#[test]
fn half_a_pair_is_replaced() {
    for (given, read) in [
        (r#""\ud83d""#, "\u{fffd}"),
        (r#""\ude00x""#, "\u{fffd}x"),
        (r#""\ud83d\u0041""#, "\u{fffd}A"),
        (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
        (r#""\u0000""#, "\0"),
    ] {
        assert_eq!(
            document(&format!("{{\"Text\":{given}}}")).unwrap().text.as_deref(),
            Some(read),
            "{given}"
        );
    }
}

#[test]
fn what_is_no_json_is_refused() {
    let deep = "[".repeat(100_000);
    let deep_objects = "{\"a\":".repeat(100_000);
    for bad in [
        "{",
        "}",
        "{}x",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":1 \"b\":2}",
        "{'a':1}",
        "nul",
        "{\"a\":tru}",
        "{\"a\":01}",
        "{\"a\":-}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":1e}",
        "{\"a\":0x1}",
        "{\"a\":NaN}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":\"\\u+123\"}",
        "{\"a\":\"",
        "{}{}",
        "{\"a\":[1,]}",
        &format!("{{\"a\":{deep}"),
        &deep_objects,
    ] {
        let error = document(bad).expect_err(bad);
        assert!(matches!(error, ReadError::Syntax(_)), "{bad:.80}: {error}");
    }
    let error = read(b"{\"Text\":\"\xff\"}", &mut Document::default()).unwrap_err();
    assert!(matches!(error, ReadError::Syntax(_)));
}

#[test]
fn nesting_is_bounded_exactly() {
    let tree = |levels: usize| format!("{}{{}}{}", "{\"Left\":".repeat(levels - 1), "}".repeat(levels - 1));
    let depth = |levels| read(tree(levels).as_bytes(), &mut Tree::default());
    assert!(depth(MAX_DEPTH).is_ok());
    assert_eq!(depth(MAX_DEPTH + 1).unwrap_err().to_string(), "the body nests deeper than 160 levels");
}

#[test]
fn small_text_cannot_become_large_structures_without_end() {
    let body = format!("{{\"Trees\":[{}{{}}]}}", "{},".repeat(250_000));
    let error = read(body.as_bytes(), &mut Document::default()).unwrap_err();
    assert_eq!(error.to_string(), "the body holds more than 200000 structures");
    // Plain texts may be as many as the body has room for.
    let body = format!("{{\"Words\":[{}\"\"]}}", "\"\",".repeat(250_000));
    let read = document(&body).unwrap();
    assert_eq!(read.words.map(|words| words.len()), Some(250_001));
}

/// The texts are those that AWS was seen to give for each member and each value.
#[test]
fn a_wrong_kind_is_told_as_aws_tells_it() {
    let structure = "Start of structure or map found where not expected";
    for (member, value, text) in [
        ("Text", "true", "TRUE_VALUE cannot be converted to String"),
        ("Text", "false", "FALSE_VALUE cannot be converted to String"),
        ("Text", "23", "NUMBER_VALUE cannot be converted to String"),
        ("Text", "-2147483648", "NUMBER_VALUE cannot be converted to String"),
        ("Text", "34.56", "DECIMAL_VALUE cannot be converted to String"),
        ("Text", "1e3", "DECIMAL_VALUE cannot be converted to String"),
        ("Text", "[]", "Unrecognized collection type class java.lang.String"),
        ("Text", "{}", structure),
        ("Flag", "\"23\"", "Unexpected token received from parser"),
        ("Flag", "23", "NUMBER_VALUE cannot be converted to Boolean"),
        ("Flag", "[]", "Unrecognized collection type class java.lang.Boolean"),
        ("Flag", "{}", structure),
        ("Count", "\"23\"", "STRING_VALUE cannot be converted to Integer"),
        ("Count", "true", "TRUE_VALUE cannot be converted to Integer"),
        ("Count", "[]", "Unrecognized collection type class java.lang.Integer"),
        ("Total", "\"23\"", "STRING_VALUE cannot be converted to Long"),
        ("Total", "{}", structure),
        ("Ratio", "\"50\"", "STRING_VALUE cannot be converted to Double"),
        ("Data", "true", "only base-64-encoded strings are convertible to bytes"),
        ("Data", "34.56", "only base-64-encoded strings are convertible to bytes"),
        ("Data", "[]", "Unrecognized collection type class java.nio.ByteBuffer"),
        ("Data", "\"23456\"", "Base64 encoded length is expected a multiple of 4 bytes but found: 5"),
        ("Data", "\"=+/=\"", "Invalid last non-pad Base64 character dectected"),
        ("Data", "\"+/+=\"", "Invalid last non-pad Base64 character dectected"),
        ("Data", "\"ab!d\"", "Invalid base 64 character: '!'"),
        ("When", "\"2020-01-01T00:00:00Z\"", "STRING_VALUE cannot be converted to Date"),
        ("WhenIso", "1", "NUMBER_VALUE cannot be converted to Date"),
        ("WhenIso", "\"yesterday\"", "yesterday can not be converted to Date"),
        ("Words", "\"23\"", "Unexpected field type"),
        ("Words", "34.56", "Unexpected field type"),
        ("Words", "{}", structure),
        ("Words", "[null]", "NULL_VALUE cannot be converted to String"),
        ("Pairs", "true", "Unexpected field type"),
        ("Tree", "\"a\"", "Unexpected field type"),
        ("Trees", "[\"a\"]", "Unexpected value type in payload"),
        ("TreesByName", "{\"a\":5}", "Unexpected value type in payload"),
        ("Tree", "{\"Left\":{\"Name\":1}}", "NUMBER_VALUE cannot be converted to String"),
        ("Tree", "{\"Leaves\":[{\"Left\":1}]}", "Unexpected field type"),
    ] {
        let error = document(&format!("{{\"{member}\":{value}}}")).expect_err(value);
        assert_eq!(error, ReadError::Unexpected(text.to_owned()), "{member}: {value}");
    }
    assert_eq!(refusal(r#"{"Count":"5","Text":5}"#), "STRING_VALUE cannot be converted to Integer");
}

#[test]
fn numbers_are_cut_to_32_bits_and_refused_beyond_64() {
    let read = document(r#"{"Count":99999999999,"Total":9223372036854775807}"#).unwrap();
    assert_eq!((read.count, read.total), (Some(i32::MAX), Some(i64::MAX)));
    let read = document(r#"{"Count":-99999999999,"Total":-9223372036854775808}"#).unwrap();
    assert_eq!((read.count, read.total), (Some(i32::MIN), Some(i64::MIN)));
    assert_eq!(document(r#"{"Total":1e18}"#).unwrap().total, Some(1_000_000_000_000_000_000));
    for beyond in ["9223372036854775808", "-9223372036854775809", "1e19", "1e400", "-1e400"] {
        let text = refusal(&format!("{{\"Total\":{beyond}}}"));
        assert_eq!(text, format!("{beyond} can not be converted to Long"));
    }
    let long = format!("{{\"Total\":{}}}", "9".repeat(1000));
    assert!(refusal(&long).len() < 300, "an error does not repeat everything");
}

#[test]
fn no_number_stands_for_infinity_but_its_word() {
    assert_eq!(refusal(r#"{"Ratio":1e400}"#), "1e400 can not be converted to Double");
    assert_eq!(document(r#"{"Ratio":"-Infinity"}"#).unwrap().ratio, Some(f64::NEG_INFINITY));
    assert!(document(r#"{"Ratio":"NaN"}"#).unwrap().ratio.unwrap().is_nan());
    let nan = Document { ratio: Some(f64::NAN), ..Document::default() };
    assert_eq!(write(&nan), br#"{"Ratio":"NaN"}"#);
    let whole = Document { ratio: Some(1.0), weight: Some(1e300), ..Document::default() };
    assert_eq!(write(&whole), br#"{"Ratio":1.0,"Weight":1e300}"#);
}

#[test]
fn moments_keep_their_milliseconds() {
    let when =
        |seconds: &str| document(&format!("{{\"When\":{seconds}}}")).map(|read| read.when.unwrap().millis());
    assert_eq!(when("1795350896.789"), Ok(1_795_350_896_789));
    assert_eq!(when("1.795350896E9"), Ok(1_795_350_896_000));
    assert_eq!(when("-0.001"), Ok(-1));
    for beyond in ["1e300", "253402300800", "-62135596801"] {
        assert_eq!(
            refusal(&format!("{{\"When\":{beyond}}}")),
            format!("{beyond} can not be converted to Date")
        );
    }
    for (millis, text) in [
        (1_795_350_896_789, "1795350896.789"),
        (1_795_350_896_000, "1795350896"),
        (-1, "-0.001"),
        (0, "0"),
        (100, "0.1"),
    ] {
        let when = Document { when: Some(Timestamp::from_millis(millis)), ..Document::default() };
        assert_eq!(String::from_utf8(write(&when)).unwrap(), format!("{{\"When\":{text}}}"));
    }
}

#[test]
fn the_tokenizer_ends_where_the_text_ends() {
    let mut reader = JsonReader::new(b"[1, 2] ");
    let mut numbers = Vec::new();
    reader
        .array(&mut |reader| {
            numbers.push(reader.integer()?);
            Ok(())
        })
        .unwrap();
    assert_eq!(numbers, [1, 2]);
    assert!(reader.end().is_ok());
    assert!(JsonReader::new(b" x").end().is_err());
    let mut text = Vec::new();
    push_string(&mut text, "\"\\\u{8}\u{c}\n\r\t\u{1f}/ü");
    assert_eq!(String::from_utf8(text).unwrap(), r#""\"\\\b\f\n\r\t\u001f/ü""#);
}
