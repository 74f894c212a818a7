//! Forms that are odd, wrong or hostile.

use nephos_wire::{ReadError, form, query};

use crate::shapes::Document;

fn document(text: &str) -> Result<Document, ReadError> {
    let mut document = Document::default();
    query::read(&form::parse(text), &mut document).map(|()| document)
}

#[test]
fn lists_may_have_gaps_and_come_in_any_order() {
    let read =
        document("Words.member.10=c&Words.member.2=b&Words.member.1=a&Words.member.x=no&Words.other.1=no");
    assert_eq!(read.unwrap().words, Some(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]));
    let read = document("FlatWord.2=b&FlatWord.1=a&Item.7=c&NamedWords.Word.1=d").unwrap();
    assert_eq!(read.flat_words, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(read.flat_named, Some(vec!["c".to_owned()]));
    assert_eq!(read.named_words, Some(vec!["d".to_owned()]));
}

#[test]
fn empty_is_not_absent_and_the_last_of_two_counts() {
    let read = document("Words=&Pairs=&Text=&Count=1&Count=2&Flag=TRUE").unwrap();
    assert_eq!((read.words, read.pairs, read.text), (Some(vec![]), Some([].into()), Some(String::new())));
    assert_eq!((read.count, read.flag), (Some(2), Some(true)));
    assert_eq!(document("").unwrap(), Document::default());
}

#[test]
fn maps_have_entries_with_keys() {
    let read = document(concat!(
        "Pairs.entry.2.key=b&Pairs.entry.2.value=2&Pairs.entry.1.key=a&Pairs.entry.1.value=1&Pairs.entry.3.key=lost",
        "&Numbers.entry.1.Name=n&Numbers.entry.1.Number=7&FlatPairs.1.Key=f&FlatPairs.1.Value=g",
        "&TreesByName.entry.1.key=t&TreesByName.entry.1.value.Left.Name=deep"
    ))
    .unwrap();
    assert_eq!(read.pairs.unwrap().into_values().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(read.numbers.unwrap()["n"], 7);
    assert_eq!(read.flat_pairs.unwrap()["f"], "g");
    assert_eq!(read.trees_by_name.unwrap()["t"].left.as_ref().unwrap().name.as_deref(), Some("deep"));
}

#[test]
fn what_is_wrong_is_told() {
    for (text, error) in [
        ("Text.a=1", "expected a plain value"),
        ("Count=", "missing value for decimal type"),
        ("Count=1.0", "expected a whole number, got \"1.0\""),
        ("Total=9223372036854775808", "expected a whole number, got \"9223372036854775808\""),
        ("Flag=yes", "expected true or false, got \"yes\""),
        ("Ratio=inf", "expected a number, got \"inf\""),
        ("Ratio=1e999", "expected a number, got \"1e999\""),
        ("When=nan", "expected a date and time, got \"nan\""),
        ("Data=%21", "expected base64, got \"!\""),
    ] {
        assert_eq!(document(text).expect_err(text).to_string(), error, "{text}");
    }
    assert_eq!(document("Count=%2B7&Total=-0012").map(|d| (d.count, d.total)), Ok((Some(7), Some(-12))));
}

#[test]
fn names_and_numbers_of_parameters_are_bounded() {
    let deep = format!("A{}=1", ".a".repeat(50));
    assert!(matches!(document(&deep), Err(ReadError::Syntax(_))));
    let many = "a&".repeat(query::MAX_PARAMETERS + 1);
    assert_eq!(document(&many).unwrap_err().to_string(), "the request has more than 20000 parameters");
    assert!(document(&"a&".repeat(query::MAX_PARAMETERS)).is_ok());
    for odd in [
        ".",
        "..=1",
        "=1",
        "Words.=1",
        "Words..1=1",
        "Words.member.=1",
        "Words.member.99999999999999999999=1",
    ] {
        document(odd).unwrap();
    }
}
