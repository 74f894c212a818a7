//! Values as they come in and go out, and what is said of faulty ones.

use nephos_wire::json::{JsonReader, JsonWriter};
use proptest::prelude::*;

use super::super::invalid::PARAMETERS_INVALID;
use super::super::number::NumberError;
use super::super::testing;
use super::*;

static ANY: Type = Type { name: "Any", kind: WireKind::Custom, rules: Rules::NONE };

fn read(json: &str) -> Result<Submitted, ReadError> {
    Submitted::read(&ANY, &mut JsonReader::new(json.as_bytes()))
}

fn fault(json: &str, layer: Layer) -> String {
    read(json).unwrap().0.unwrap_err().message(layer)
}

proptest! {
    #[test]
    fn what_is_written_reads_back(value in testing::value()) {
        let mut out = Vec::new();
        json::write_tree(&value, &mut out);
        let text = String::from_utf8(out).unwrap();
        prop_assert_eq!(read(&text).unwrap().0, Ok(value));
    }

    #[test]
    fn maps_read_back_whether_stored_or_not(attributes in testing::attributes()) {
        let mut maps = Vec::new();
        for map in [AttributeMap::from(attributes.clone()), Item::encode(&attributes).into()] {
            let mut writer = JsonWriter::default();
            map.write(&ANY, &mut writer);
            let map = AttributeMap::read(&ANY, &mut JsonReader::new(&writer.0)).unwrap();
            maps.push(map.into_valid(Layer::Bare).unwrap());
        }
        prop_assert_eq!(&maps[0], &attributes);
        prop_assert_eq!(&maps[1], &attributes);
    }
}

#[test]
fn faults_are_worded_as_their_layer_does() {
    let invalid = PARAMETERS_INVALID;
    for (json, current, older) in [
        (r#"{}"#, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".to_owned(), None),
        (r#"{"X":"1"}"#, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".to_owned(), None),
        (
            r#"{"S":"a","N":"1"}"#,
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes".to_owned(),
            None,
        ),
        (r#"{"N":"abc"}"#, "The parameter cannot be converted to a numeric value: abc".to_owned(), None),
        (
            r#"{"N":""}"#,
            "The parameter cannot be converted to a numeric value: ".to_owned(),
            Some("The parameter cannot be converted to a numeric value".to_owned()),
        ),
        (
            r#"{"N":"1e2147483647"}"#,
            NumberError::Overflow.to_string(),
            Some(NumberError::Underflow.to_string()),
        ),
        (r#"{"L":[{"M":{"x":{"N":"1e126"}}}]}"#, NumberError::Overflow.to_string(), None),
        (r#"{"SS":[]}"#, format!("{invalid}An string set  may not be empty"), None),
        (r#"{"NS":[]}"#, format!("{invalid}An number set  may not be empty"), None),
        (r#"{"BS":[]}"#, format!("{invalid}Binary sets should not be empty"), None),
        (r#"{"NULL":false}"#, format!("{invalid}Null attribute value types must have the value of true"), None),
        (
            r#"{"SS":["b","a","b"]}"#,
            format!("{invalid}Input collection [\"a\", \"b\", \"b\"] contains duplicates."),
            Some(format!("{invalid}Input collection [b, a, b] contains duplicates.")),
        ),
        (
            r#"{"BS":["/w==","AA==","AA=="]}"#,
            format!("{invalid}Input collection [\"AA==\",\"/w==\",\"AA==\"]of type BS contains duplicates."),
            Some(format!("{invalid}Input collection [/w==, AA==, AA==]of type BS contains duplicates.")),
        ),
        (
            r#"{"NS":["2","1","2.0"]}"#,
            format!("{invalid}Input collection contains duplicates."),
            Some("Input collection contains duplicates".to_owned()),
        ),
    ] {
        assert_eq!(fault(json, Layer::Bare), current, "{json}");
        assert_eq!(fault(json, Layer::Older), older.unwrap_or(current), "{json}");
    }
}

#[test]
fn what_is_not_the_shape_at_all_is_the_codecs_fault() {
    for json in [r#"{"S":1}"#, r#"{"N":12}"#, r#"{"B":"?"}"#, r#"{"SS":"a"}"#, r#""a""#, r#"{"M":[]}"#, "{"] {
        assert!(read(json).is_err(), "{json}");
    }
}

#[test]
fn documents_nest_to_32_levels() {
    let nested =
        |wraps: usize| format!("{}{}{}", r#"{"M":{"n":"#.repeat(wraps), r#"{"S":"x"}"#, "}}".repeat(wraps));
    assert_eq!(read(&nested(31)).unwrap().0.unwrap().levels(), 32);
    assert_eq!(read(&nested(32)).unwrap().0, Err(Invalid::TooDeep));
    assert_eq!(read(&nested(60)).unwrap().0, Err(Invalid::TooDeep));
}

#[test]
fn sets_come_out_in_their_own_order() {
    let value = read(r#"{"NS":["10","-1","9e0"]}"#).unwrap().0.unwrap();
    let numbers = ["-1", "9", "10"].map(|text| Number::parse(text).unwrap());
    assert_eq!(value, AttributeValue::Ns(numbers.to_vec()));
}
