//! How long the codecs take for a typical DynamoDB call: `cargo run --release -p nephos-wire --example timing`.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example that prints what it measured")]

#[allow(dead_code, reason = "generated; a few operations are measured")]
#[path = "../tests/models/table/shapes.rs"]
mod shapes;

use std::hint::black_box;
use std::time::Instant;

use nephos_wire::validate::validate;
use nephos_wire::xml::{XmlReader, XmlWriter, parse};
use nephos_wire::{Reader, form, json, query};
use shapes::{CreateTableInput, MODEL, PutItemInput};

/// An item of twelve attributes, a list and a map among them.
const PUT_ITEM: &str = r##"{"TableName":"notes","Item":{"pk":{"S":"user#0123456789"},"sk":{"S":"note#2026-11-22T12:34:56Z"},
"title":{"S":"What to buy"},"body":{"S":"Bread, butter, and a little more text than fits on one line of the list"},
"words":{"N":"17"},"stars":{"N":"4.5"},"done":{"BOOL":false},"due":{"NULL":true},"hash":{"B":"q83vEjRWeJCrze8SNFZ4kA=="},
"tags":{"SS":["home","food","today"]},"parts":{"L":[{"S":"bread"},{"S":"butter"},{"N":"2"}]},
"place":{"M":{"lat":{"N":"47.37"},"lon":{"N":"8.54"}}}},"ConditionExpression":"attribute_not_exists(pk)",
"ReturnConsumedCapacity":"TOTAL"}"##;

const CREATE_TABLE: &str = r#"{"TableName":"notes","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},
{"AttributeName":"sk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},
{"AttributeName":"sk","KeyType":"RANGE"}],"BillingMode":"PAY_PER_REQUEST","Tags":[{"Key":"a","Value":"b"}]}"#;

fn time(what: &str, bytes: usize, mut run: impl FnMut()) {
    const ROUNDS: u32 = 20_000;
    (0..ROUNDS / 10).for_each(|_| run());
    // The best of some: what else the machine does only adds.
    let best = (0..7).map(|_| {
        let start = Instant::now();
        (0..ROUNDS).for_each(|_| run());
        start.elapsed() / ROUNDS
    });
    let best = best.min().unwrap_or_default();
    println!("{what:<34} {bytes:>6} bytes {:>8.2} µs", best.as_secs_f64() * 1e6);
}

fn main() {
    let mut item = PutItemInput::default();
    json::read(PUT_ITEM.as_bytes(), &mut item).unwrap();
    let mut table = CreateTableInput::default();
    json::read(CREATE_TABLE.as_bytes(), &mut table).unwrap();
    let written = json::write(&item);
    let form = "Action=CreateTable&TableName=notes&KeySchema.member.1.AttributeName=pk&KeySchema.member.1.KeyType=HASH\
                &Tags.member.1.Key=a&Tags.member.1.Value=b&BillingMode=PAY_PER_REQUEST";
    let mut writer = XmlWriter::default();
    writer.element("CreateTable", None, &table);
    let document = writer.finish();

    time("PutItem: JSON to shape", PUT_ITEM.len(), || {
        let mut input = PutItemInput::default();
        json::read(black_box(PUT_ITEM.as_bytes()), &mut input).unwrap();
        black_box(&input);
    });
    time("PutItem: JSON to serde_json::Value", PUT_ITEM.len(), || {
        black_box(serde_json::from_slice::<serde_json::Value>(black_box(PUT_ITEM.as_bytes())).unwrap());
    });
    time("PutItem: shape to JSON", written.len(), || drop(black_box(json::write(black_box(&item)))));
    time("PutItem: constraints", PUT_ITEM.len(), || validate(&MODEL, black_box(&item)).unwrap());
    time("CreateTable: JSON to shape", CREATE_TABLE.len(), || {
        let mut input = CreateTableInput::default();
        json::read(black_box(CREATE_TABLE.as_bytes()), &mut input).unwrap();
        black_box(&input);
    });
    time("CreateTable: constraints", CREATE_TABLE.len(), || validate(&MODEL, black_box(&table)).unwrap());
    time("CreateTable: form to shape", form.len(), || {
        let mut input = CreateTableInput::default();
        query::read(&form::parse(black_box(form)), &mut input).unwrap();
        black_box(&input);
    });
    time("CreateTable: XML to shape", document.len(), || {
        let root = parse(black_box(document.as_bytes())).unwrap().unwrap();
        let mut input = CreateTableInput::default();
        XmlReader::new(&root).structure(&mut input).unwrap();
        black_box(&input);
    });
    time("CreateTable: shape to XML", document.len(), || {
        let mut writer = XmlWriter::default();
        writer.element("CreateTable", None, black_box(&table));
        black_box(writer.finish());
    });
}
