//! Templates that are made to break things: whatever they hold, they are read or refused, soon and in bounded memory.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

use nephos_cloudformation::sam;
use nephos_cloudformation::template::intrinsics::{Known, Scope};
use nephos_cloudformation::template::{Template, check};
use proptest::prelude::*;
use serde_json::{Value, json};

fn told(template: &Value) -> String {
    let read = Template::parse(&template.to_string()).and_then(sam::transform);
    read.and_then(|template| check::structure(&template)).unwrap_err().to_string()
}

#[test]
fn counts_are_limited_as_aws_limits_them() {
    let many = |count: usize, value: Value| -> Value {
        (0..count).map(|n| (format!("N{n}"), value.clone())).collect::<serde_json::Map<_, _>>().into()
    };
    let group = json!({ "Type": "AWS::Logs::LogGroup" });
    assert!(told(&json!({ "Resources": many(501, group.clone()) })).contains("Number of resources, 501"));
    let one = json!({ "A": group });
    let parameters = many(201, json!({ "Type": "String" }));
    assert!(
        told(&json!({ "Resources": one, "Parameters": parameters })).contains("Number of parameters, 201")
    );
    let outputs = many(201, json!({ "Value": "x" }));
    assert!(told(&json!({ "Resources": one, "Outputs": outputs })).contains("Number of outputs, 201"));
}

#[test]
fn what_functions_make_is_limited() {
    let scope = Scope {
        parameters: [("P".to_owned(), json!("x".repeat(4096))), ("L".to_owned(), json!(vec!["y"; 2048]))]
            .into(),
        mappings: json!({ "M": { "a": { "b": vec!["z"; 100_000] } } }),
        ..Scope::default()
    };
    for value in [
        json!({ "Fn::Sub": "${P}".repeat(200_000) }),
        json!(vec![json!({ "Ref": "L" }); 50_000]),
        json!(vec![json!({ "Fn::FindInMap": ["M", "a", "b"] }); 1_000]),
        json!({ "Fn::Join": ["x".repeat(500_000), vec!["a"; 100_000]] }),
        json!({ "Fn::Split": ["x", "x".repeat(2_000_000)] }),
    ] {
        let error = scope.clone().resolve(&value).unwrap_err().to_string();
        assert!(error.contains("larger than"), "{error}");
    }
}

#[test]
fn circular_and_long_chains_of_conditions_end() {
    let mut template = json!({ "Resources": { "A": { "Type": "AWS::Logs::LogGroup" } } });
    template["Conditions"] = json!({
        "A": { "Fn::Not": [{ "Condition": "B" }] }, "B": { "Fn::Or": [{ "Condition": "A" }, { "Condition": "A" }] },
    });
    let parsed = Template::parse(&template.to_string()).unwrap();
    let error = check::conditions(&parsed, &mut Scope::default()).unwrap_err().to_string();
    assert!(error.contains("Circular dependency between conditions: [A, B]"), "{error}");
    let mut chain = serde_json::Map::new();
    chain.insert("C00000".to_owned(), json!({ "Fn::Equals": ["a", "a"] }));
    for n in 1..15_000 {
        // Named so that the order of names is the wrong one.
        chain.insert(
            format!("C{:05}", 20_000 - n),
            json!({ "Condition": if n == 1 { "C00000".to_owned() } else { format!("C{:05}", 20_001 - n) } }),
        );
    }
    template["Conditions"] = chain.into();
    let parsed = Template::parse(&template.to_string()).unwrap();
    let mut scope = Scope::default();
    check::conditions(&parsed, &mut scope).unwrap();
    assert!(scope.conditions.values().all(|truth| *truth));
}

#[test]
fn properties_that_are_no_map_are_refused() {
    for properties in [json!("x"), json!([]), json!({ "Ref": "P" }), json!(7)] {
        let template =
            json!({ "Resources": { "A": { "Type": "AWS::S3::Bucket", "Properties": properties } } });
        assert!(told(&template).contains("Properties must be a map"), "{template}");
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        Just("P".to_owned()),
        Just("L".to_owned()),
        Just("T".to_owned()),
        Just("T.Arn".to_owned()),
        Just("Yes".to_owned()),
        Just("AWS::NoValue".to_owned()),
        Just("M".to_owned()),
        Just("a".to_owned()),
        Just("${P}${!x}${".to_owned()),
        "[a-z$!{}.:é]{0,8}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        names.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 4, |inner| {
        let function = prop::sample::select(vec![
            "Ref",
            "Condition",
            "Fn::GetAtt",
            "Fn::Sub",
            "Fn::Join",
            "Fn::Select",
            "Fn::Split",
            "Fn::If",
            "Fn::FindInMap",
            "Fn::Base64",
            "Fn::ImportValue",
            "Fn::ToJsonString",
            "Fn::Equals",
            "Fn::And",
            "Fn::Or",
            "Fn::Not",
            "Fn::Cidr",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[A-Za-z:]{1,6}", inner.clone(), 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
            (function, inner).prop_map(|(name, argument)| json!({ name: argument })),
        ]
    })
}

proptest! {
    #[test]
    fn no_value_makes_a_function_panic(value in any_value()) {
        let scope = Scope {
            parameters: [("P".to_owned(), json!("p")), ("L".to_owned(), json!(["a"]))].into(),
            mappings: json!({ "M": { "a": { "a": 1 } } }),
            conditions: [("Yes".to_owned(), true)].into(),
            resources: [("T".to_owned(), Known { physical_id: "t".to_owned(), attributes: [("Arn".to_owned(), json!("arn"))].into() })].into(),
            ..Scope::default()
        };
        // A value, or a refusal: anything but a panic.
        drop(scope.resolve(&value));
    }

    #[test]
    fn no_template_makes_reading_panic(properties in any_value(), second in any_value(), kind in prop::sample::select(vec![
        "AWS::S3::Bucket", "AWS::Serverless::Function", "AWS::Serverless::SimpleTable", "AWS::Lambda::Url",
    ])) {
        let template = json!({
            "Transform": "AWS::Serverless-2016-10-31",
            "Conditions": { "Yes": second },
            "Resources": {
                "T": { "Type": kind, "Properties": { "Events": properties, "Policies": second, "PrimaryKey": properties } },
                "B": { "Type": kind, "Properties": properties },
                "F": { "Type": "AWS::Serverless::Function", "Properties": {
                    "InlineCode": "x", "FunctionUrlConfig": second, "Policies": [second],
                    "Events": { "E": { "Type": "S3", "Properties": { "Bucket": { "Ref": "B" }, "Events": properties } } },
                } },
            },
            "Outputs": { "O": second },
        });
        if let Ok(template) = Template::parse(&template.to_string()).and_then(sam::transform) {
            drop(check::structure(&template));
            drop(check::unknown_property(&template));
            drop(check::conditions(&template, &mut Scope::default()));
        }
    }

    #[test]
    fn no_text_makes_reading_panic(text in "[ -~\\n]{0,200}") {
        drop(Template::parse(&text));
    }
}
