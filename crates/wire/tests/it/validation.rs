//! Violated constraints, with AWS's own texts.

use std::collections::BTreeMap;

use bytes::Bytes;
use nephos_wire::validate::validate;
use nephos_wire::{ServiceModel, Shape};

use crate::shapes::{
    ConstrainRequest, Constrained, Encryption, KeySchemaElement, MODEL, PutRequest, Tag, WriteRequest,
};

/// Without the newer services' remark on nulls.
static OLDER: ServiceModel = ServiceModel { members_not_null: false, ..MODEL };

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn valid() -> ConstrainRequest {
    let document = Constrained { id: text("abc"), self_: None };
    ConstrainRequest {
        table_name: text("table"),
        password: text("secret"),
        document: Some(document),
        ..ConstrainRequest::default()
    }
}

fn told(input: &dyn Shape) -> String {
    let fault = validate(&MODEL, input).unwrap_err();
    assert_eq!((fault.code.as_str(), fault.status), ("ValidationException", 400));
    fault.message
}

fn element(name: Option<&str>, kind: Option<&str>) -> KeySchemaElement {
    KeySchemaElement { attribute_name: name.map(str::to_owned), key_type: kind.map(str::to_owned) }
}

#[test]
fn what_is_right_is_silent() {
    assert_eq!(validate(&MODEL, &valid()), Ok(()));
    let unchecked = ServiceModel { validates: false, ..MODEL };
    assert_eq!(validate(&unchecked, &ConstrainRequest::default()), Ok(()));
}

#[test]
fn all_violations_come_at_once_in_the_model_s_order() {
    let input = ConstrainRequest {
        table_name: text("a;"),
        password: None,
        returns: text("SOME"),
        key_schema: Some(vec![]),
        timeout: Some(901),
        document: None,
        ..ConstrainRequest::default()
    };
    assert_eq!(
        told(&input),
        "7 validation errors detected: \
         Value 'a;' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; \
         Value 'a;' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3; \
         Value at 'password' failed to satisfy constraint: Member must not be null; \
         Value 'SOME' at 'returns' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; \
         Value '[]' at 'keySchema' failed to satisfy constraint: Member must have length greater than or equal to 1; \
         Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900; \
         Value null at 'document' failed to satisfy constraint: Member must not be null"
    );
}

#[test]
fn structures_in_lists_maps_and_structures_have_their_own_paths() {
    let put = |item| WriteRequest { put_request: Some(PutRequest { item }), delete_request: None };
    let input = ConstrainRequest {
        key_schema: Some(vec![element(None, Some("HASH")), element(Some("abcd"), Some("BOTH"))]),
        request_items: Some([("notes".to_owned(), vec![put(Some(BTreeMap::new())), put(None)])].into()),
        sse_specification: Some(Encryption { kms_master_key_id: text("no") }),
        document: Some(Constrained {
            id: text("abc"),
            self_: Some(Box::new(Constrained { id: None, self_: None })),
        }),
        ..valid()
    };
    assert_eq!(
        told(&input),
        "5 validation errors detected: \
         Value null at 'keySchema.1.member.attributeName' failed to satisfy constraint: Member must not be null; \
         Value 'BOTH' at 'keySchema.2.member.keyType' failed to satisfy constraint: Member must satisfy enum value set: [HASH, RANGE]; \
         Value null at 'requestItems.notes.member.2.member.putRequest.item' failed to satisfy constraint: Member must not be null; \
         Value 'no' at 'sSESpecification.kMSMasterKeyId' failed to satisfy constraint: Member must have length greater than or equal to 3; \
         Value null at 'document.self.id' failed to satisfy constraint: Member must not be null"
    );
}

#[test]
fn a_list_of_structures_is_shown_as_java_shows_it() {
    let three = ["key", "sort", "extra"].map(|name| element(Some(name), Some("HASH")));
    let fault =
        validate(&MODEL, &ConstrainRequest { key_schema: Some(three.into()), ..valid() }).unwrap_err();
    assert_eq!(
        fault.message,
        "1 validation error detected: Value '[KeySchemaElement(attributeName=key, keyType=HASH), \
         KeySchemaElement(attributeName=sort, keyType=HASH), KeySchemaElement(attributeName=extra, keyType=HASH)]' at \
         'keySchema' failed to satisfy constraint: Member must have length less than or equal to 2"
    );
}

#[test]
fn a_list_tells_once_what_its_members_fail() {
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    let input = ConstrainRequest {
        architectures: words(&["x86_64", "foo"]),
        layers: words(&["a", "abc", "b;"]),
        ..valid()
    };
    let (one, two) = (
        "Value '[x86_64, foo]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: \
         [Member must satisfy enum value set: [x86_64, arm64]",
        "Value '[a, abc, b;]' at 'layers' failed to satisfy constraint: Member must satisfy constraint: \
         [Member must have length less than or equal to 12, Member must have length greater than or equal to 3, \
         Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
    );
    let null = ", Member must not be null";
    assert_eq!(told(&input), format!("2 validation errors detected: {one}{null}]; {two}{null}]"));
    let older = validate(&OLDER, &input).unwrap_err().message;
    assert_eq!(older, format!("2 validation errors detected: {one}]; {two}]"));
}

#[test]
fn a_map_tells_its_keys_and_its_values_once_each() {
    let delete =
        WriteRequest { put_request: None, delete_request: Some(PutRequest { item: Some(BTreeMap::new()) }) };
    let input = ConstrainRequest {
        request_items: Some([("a!".to_owned(), vec![]), ("notes".to_owned(), vec![delete; 3])].into()),
        variables: Some([("1A".to_owned(), "v".to_owned())].into()),
        weights: Some([("2".to_owned(), 1.5), ("3".to_owned(), 0.5)].into()),
        ..valid()
    };
    let shown = "WriteRequest(putRequest=null, deleteRequest=PutRequest(item={}))";
    let items = format!("Value '{{a!=[], notes=[{shown}, {shown}, {shown}]}}' at 'requestItems'");
    assert_eq!(
        validate(&OLDER, &input).unwrap_err().message,
        format!(
            "4 validation errors detected: \
             {items} failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 12, \
             Member must have length greater than or equal to 3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]; \
             {items} failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 2, \
             Member must have length greater than or equal to 1]; \
             Value '{{1A=v}}' at 'variables' failed to satisfy constraint: Map keys must satisfy constraint: \
             [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]; \
             Value '{{2=1.5, 3=0.5}}' at 'weights' failed to satisfy constraint: Map value must satisfy constraint: \
             [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0]"
        )
    );
}

#[test]
fn nothing_sensitive_is_shown() {
    let tag = |key: Option<&str>| Tag { key: key.map(str::to_owned), value: text("toolong") };
    let input = ConstrainRequest {
        password: text("hunter"),
        tags: Some(vec![tag(Some("ok")), tag(None)]),
        tag_keys: Some(vec!["secretkey".to_owned()]),
        ..valid()
    };
    let message = told(&input);
    assert_eq!(
        message,
        "4 validation errors detected: \
         Value at 'tags.1.member.value' failed to satisfy constraint: Member must have length less than or equal to 4; \
         Value at 'tags.2.member.key' failed to satisfy constraint: Member must not be null; \
         Value at 'tags.2.member.value' failed to satisfy constraint: Member must have length less than or equal to 4; \
         Value at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less \
         than or equal to 4, Member must have length greater than or equal to 1, Member must not be null]"
    );
    // A list that holds what is sensitive is not shown either.
    let many = ConstrainRequest { tags: Some(vec![Tag { key: text("abc"), value: None }; 51]), ..valid() };
    assert_eq!(
        told(&many),
        "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50"
    );
    let short = ConstrainRequest { password: text("abc"), ..valid() };
    assert_eq!(
        told(&short),
        "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must have length greater than or equal to 6"
    );
}

/// STS was seen to take a text of 2,048 emoji where 2,048 is the most: AWS counts code points, neither bytes nor UTF-16.
#[test]
fn length_is_counted_in_code_points() {
    for (password, fits) in [
        ("😀".repeat(8), true),
        ("😀".repeat(9), false),
        ("e\u{301}".repeat(4), true),
        ("e\u{301}".repeat(5), false),
    ] {
        let input = ConstrainRequest { password: Some(password), ..valid() };
        assert_eq!(validate(&MODEL, &input).is_ok(), fits);
    }
}

#[test]
fn numbers_bytes_and_shares_are_measured() {
    let input = ConstrainRequest {
        timeout: Some(i32::MIN),
        share: Some(1.000_001),
        zip_file: Some(Bytes::from_static(b"12345")),
        ..valid()
    };
    assert_eq!(
        told(&input),
        "3 validation errors detected: \
         Value '-2147483648' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1; \
         Value '1.000001' at 'share' failed to satisfy constraint: Member must have value less than or equal to 1.0; \
         Value 'java.nio.HeapByteBuffer[pos=0 lim=5 cap=5]' at 'zipFile' failed to satisfy constraint: Member must have length \
         less than or equal to 4"
    );
    let low = ConstrainRequest { share: Some(-0.5), ..valid() };
    assert!(told(&low).ends_with("Value '-0.5' at 'share' failed to satisfy constraint: Member must have value greater than or equal to 0.0"));
    for fine in [0.0, 1.0, 0.3] {
        assert_eq!(validate(&MODEL, &ConstrainRequest { share: Some(fine), ..valid() }), Ok(()));
    }
}

#[test]
fn ten_are_told_and_no_text_is_endless() {
    let input = ConstrainRequest { key_schema: Some(vec![element(None, None); 8]), ..valid() };
    let message = told(&input);
    assert!(message.starts_with(
        "10 validation errors detected: Value '[KeySchemaElement(attributeName=null, keyType=null), "
    ));
    assert_eq!(message.matches("failed to satisfy constraint").count(), 10);
    let huge = ConstrainRequest { table_name: Some("ü".repeat(1 << 20)), ..valid() };
    assert!(told(&huge).len() < 80_000);
    let wide =
        ConstrainRequest { key_schema: Some(vec![element(Some("abc"), Some("HASH")); 100_000]), ..valid() };
    assert!(told(&wide).len() < 40_000);
}
