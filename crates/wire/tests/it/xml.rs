//! XML that is odd, wrong or hostile.

use nephos_core::Timestamp;
use nephos_wire::xml::{XmlWriter, parse, read};

use crate::shapes::{Document, Grantee};

fn document(text: &str) -> Document {
    let mut document = Document::default();
    read(text.as_bytes(), &mut document).unwrap_or_else(|error| panic!("{text}: {error}"));
    document
}

fn written(document: &Document) -> String {
    let mut writer = XmlWriter::default();
    writer.members(document);
    writer.finish().split_once('\n').unwrap().1.to_owned()
}

#[test]
fn prefixes_comments_and_sections_say_the_same() {
    for text in [
        "<D><Text>a&amp;b</Text><Count> 7\n</Count></D>",
        "\u{feff}<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n<!-- c --><D xmlns='urn:x'><Text>a<!-- - -->&#38;b</Text><Count>7</Count></D>\n",
        "<n:D xmlns:n='urn:x'><n:Text><![CDATA[a&]]>b</n:Text><n:Count>7</n:Count><n:Other><n:Text>x</n:Text></n:Other></n:D>",
        "<D><Count>7</Count><?pi x?><Text>a&#x26;b</Text><Text>second</Text></D>",
    ] {
        let read = document(text);
        assert_eq!((read.text.as_deref(), read.count), (Some("a&b"), Some(7)), "{text}");
    }
}

#[test]
fn white_space_is_text_and_line_ends_are_newlines() {
    let read = document(
        "<D><Text> a\r\nb\rc&#13;\t</Text><renamed-text/><Words>\n<member>\n</member>\n</Words></D>",
    );
    assert_eq!(read.text.as_deref(), Some(" a\nb\nc\r\t"));
    assert_eq!(read.renamed.as_deref(), Some(""));
    assert_eq!(read.words, Some(vec!["\n".to_owned()]));
}

#[test]
fn what_is_hostile_is_refused() {
    let bomb = "<!DOCTYPE a [<!ENTITY x '0123456789'><!ENTITY y '&x;&x;&x;&x;'>]><a>&y;&y;&y;</a>";
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let wide = format!("<a>{}</a>", "<b/>".repeat(500_000));
    for bad in [
        bomb,
        &deep,
        &wide,
        "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        "<a>&x;</a>",
        "<a>\0</a>",
        "<a>\u{1}</a>",
        "<a>&#0;</a>",
        "<a>&#xD800;</a>",
        "<a b=1/>",
        "<a b='1' b='2'/>",
        "<a b='&x;'/>",
        "<a><b></a></b>",
        "<a/>x",
        "<a/><a/>",
        "x<a/>",
        "<a",
        "<a>]]",
        "</a>",
        "{\"a\":1}",
    ] {
        assert!(parse(bad.as_bytes()).is_err(), "{bad:.80}");
    }
    assert!(parse(b"<a>\xff</a>").is_err());
    assert!(parse("<a/>".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>().as_slice()).is_err());
}

#[test]
fn lists_and_maps_stand_as_their_schema_says() {
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    let pairs = |pairs: &[(&str, &str)]| {
        Some(
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect::<std::collections::BTreeMap<_, _>>(),
        )
    };
    let whole = Document {
        words: words(&["a", "b"]),
        named_words: words(&["c"]),
        flat_words: words(&["d", "e"]),
        flat_named: words(&["f"]),
        lists: Some(vec![vec!["g".to_owned()], vec![]]),
        pairs: pairs(&[("h", "i")]),
        numbers: Some([("j".to_owned(), 1)].into()),
        flat_pairs: pairs(&[("k", "l"), ("m", "n")]),
        ..Document::default()
    };
    let text = "<Words><member>a</member><member>b</member></Words><NamedWords><Word>c</Word></NamedWords>\
        <FlatWord>d</FlatWord><FlatWord>e</FlatWord><Item>f</Item>\
        <Lists><member><member>g</member></member><member></member></Lists>\
        <Pairs><entry><key>h</key><value>i</value></entry></Pairs>\
        <Numbers><entry><Name>j</Name><Number>1</Number></entry></Numbers>\
        <FlatPairs><Key>k</Key><Value>l</Value></FlatPairs><FlatPairs><Key>m</Key><Value>n</Value></FlatPairs>";
    assert_eq!(written(&whole), text);
    assert_eq!(document(&format!("<D>{text}</D>")), whole);
    // Elements of a flattened list need not stand together; entries without a key or value are none.
    let read = document(
        "<D><FlatWord>d</FlatWord><Text>x</Text><FlatWord>e</FlatWord><Pairs><entry/><other/></Pairs></D>",
    );
    assert_eq!((read.flat_words, read.pairs), (words(&["d", "e"]), pairs(&[])));
}

#[test]
fn empty_is_not_absent() {
    let empty = Document {
        words: Some(vec![]),
        text: Some(String::new()),
        pairs: Some([].into()),
        ..Document::default()
    };
    assert_eq!(written(&empty), "<Text></Text><Words></Words><Pairs></Pairs>");
    assert_eq!(document("<D><Text/><Words/><Pairs/></D>"), empty);
    assert_eq!(document("<D/>"), Document::default());
    assert_eq!(document(""), Document::default());
}

#[test]
fn attributes_are_escaped_and_found_by_any_prefix() {
    let grantee = |kind: &str| Document {
        grantee: Some(Grantee { display_name: None, r#type: Some(kind.to_owned()) }),
        ..Document::default()
    };
    let odd = grantee("a\"<&>\n\t'b");
    let text = written(&odd);
    assert_eq!(
        text,
        "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"a&quot;&lt;&amp;&gt;&#10;&#9;'b\"></Grantee>"
    );
    assert_eq!(document(&format!("<D>{text}</D>")), odd);
    let other = "<D><Grantee xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:type='Group'/></D>";
    assert_eq!(document(other), grantee("Group"));
    assert_eq!(
        document("<D><Grantee xmlns:type='x'/></D>"),
        Document { grantee: Some(Grantee::default()), ..Document::default() }
    );
}

#[test]
fn moments_have_milliseconds_but_in_forms_only_where_there_are_any() {
    let when = |millis| Document { when: Some(Timestamp::from_millis(millis)), ..Document::default() };
    let form = |document: &Document| {
        let mut writer = XmlWriter::for_query();
        writer.members(document);
        writer.finish().split_once('\n').unwrap().1.to_owned()
    };
    let (whole, fine) = (when(1_795_350_896_000), when(1_795_350_896_789));
    assert_eq!(written(&whole), "<When>2026-11-22T12:34:56.000Z</When>");
    assert_eq!(form(&whole), "<When>2026-11-22T12:34:56Z</When>");
    assert_eq!(form(&fine), "<When>2026-11-22T12:34:56.789Z</When>");
    for text in
        ["2026-11-22T12:34:56Z", "2026-11-22T13:34:56+01:00", "Sun, 22 Nov 2026 12:34:56 GMT", "1795350896"]
    {
        assert_eq!(document(&format!("<D><When> {text} </When></D>")), whole, "{text}");
    }
}

#[test]
fn a_scalar_of_the_wrong_kind_says_so() {
    for (member, text) in [
        ("Count", "expected a whole number, got \"x\""),
        ("Flag", "expected true or false, got \"x\""),
        ("When", "expected a date and time, got \"x\""),
        ("Ratio", "expected a number, got \"x\""),
        ("Data", "expected base64, got \"x\""),
    ] {
        let body = format!("<D><{member}>x</{member}></D>");
        let error = read(body.as_bytes(), &mut Document::default()).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
    let error = read(b"<D><Count>2147483648</Count></D>", &mut Document::default()).unwrap_err();
    assert_eq!(error.to_string(), "2147483648 can not be converted to an Integer");
}
