//! Every operation of every service refuses whom it should: the unsigned, and users without policies; before it tells
//! whether the thing that they ask for is there.
//!
//! `coverage.txt` holds one line an operation: the service, the operation, and the action that a refusal names; or
//! `open`, with the reason why the operation refuses nobody. An operation without a line fails the test, and so does a
//! line without an operation.

use std::collections::BTreeMap;

use nephos_testkit::{Answer, Call, Client, Server, service};
use nephos_wire::{Operation, Row, ServiceModel};

use crate::samples;

/// What is expected of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    /// It names this action when it refuses.
    Action(String),
    /// It refuses nobody.
    Open,
}

type Name = (String, String);

fn expectations() -> BTreeMap<Name, Expected> {
    let mut found = BTreeMap::new();
    for line in include_str!("coverage.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let mut words = line.split_whitespace();
        let (Some(service), Some(operation), Some(what)) = (words.next(), words.next(), words.next()) else {
            panic!("expected a service, an operation and an action, got {line:?}");
        };
        let reason = words.next();
        let expected = match what {
            "open" => Expected::Open,
            action => Expected::Action(action.to_owned()),
        };
        assert_eq!(
            expected == Expected::Open,
            reason.is_some(),
            "open operations, and they alone, have a reason: {line:?}"
        );
        let before = found.insert((service.to_owned(), operation.to_owned()), expected);
        assert_eq!(before, None, "a line twice: {line:?}");
    }
    found
}

/// Which operations the tables open to unsigned callers.
fn public() -> Vec<Name> {
    fn of<S>(model: &ServiceModel, rows: &[Row<S>]) -> Vec<(Name, bool)> {
        assert_eq!(
            rows.len(),
            model.operations.len(),
            "{}: every operation of the model has a row",
            model.name
        );
        rows.iter().map(|row| ((model.name.to_owned(), row.operation.name.to_owned()), row.public)).collect()
    }
    let all = [
        of(service::CLOUDFORMATION, nephos_cloudformation::api::ROWS),
        of(service::COGNITO_IDENTITY, nephos_cognito::identity_pools::api::ROWS),
        of(service::COGNITO_IDP, nephos_cognito::user_pools::api::ROWS),
        of(service::DYNAMODB, nephos_dynamodb::ROWS),
        of(service::IAM, nephos_iam::api::ROWS),
        of(service::LAMBDA, nephos_lambda::ROWS),
        of(service::LOGS, nephos_logs::ROWS),
        of(service::S3, nephos_s3::ROWS),
        of(service::STS, nephos_iam::sts::api::ROWS),
    ];
    all.into_iter().flatten().filter(|(_, public)| *public).map(|(name, _)| name).collect()
}

/// The action that a refusal names.
fn action_of(answer: &Answer) -> Option<String> {
    let message = answer.message();
    let (_, rest) = message.split_once(" is not authorized to perform: ")?;
    rest.split_whitespace().next().map(str::to_owned)
}

/// The action that was refused last: the answer to HEAD has no room for a text.
async fn latest_refusal(root: &Client) -> Option<String> {
    let told = root.signed("nephos", Call::get("/_nephos/refusals")).await.ok().json();
    told["refusals"].as_array()?.last()?["action"].as_str().map(str::to_owned)
}

/// What an operation does to an unsigned caller and to a user without policies, as a line of the list has it.
async fn probe(
    root: &Client,
    nobody: &Client,
    model: &'static ServiceModel,
    operation: &'static Operation,
) -> Result<Expected, String> {
    let call = samples::of(model, operation);
    let unsigned = nobody.anonymous().send(call.clone()).await;
    let signed = nobody.signed(model.signing_name, call).await;
    let turned_away = unsigned.code().starts_with("MissingAuthenticationToken")
        || (model.name == "s3" && unsigned.text().contains("<Code>AccessDenied</Code>"))
        || (operation.method == "HEAD" && unsigned.status == 403);
    if operation.unsigned {
        let refused = turned_away || action_of(&signed).is_some();
        return if refused {
            Err(format!("refuses, although it is open: {}", unsigned.shown()))
        } else {
            Ok(Expected::Open)
        };
    }
    if !turned_away {
        return Err(format!("takes an unsigned call: {}", unsigned.shown()));
    }
    if (200..300).contains(&signed.status) && !signed.text().contains("AccessDenied") {
        return Ok(Expected::Open);
    }
    if operation.method == "HEAD" && signed.status == 403 {
        return latest_refusal(root)
            .await
            .map(Expected::Action)
            .ok_or_else(|| "no refusal is recorded".to_owned());
    }
    action_of(&signed)
        .map(Expected::Action)
        .ok_or_else(|| format!("is not refused as it should be: {}", signed.shown()))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_refuses_whom_it_should() {
    let server = Server::start().await;
    let root = server.root();
    root.bucket(samples::BUCKET).await;
    let nobody = root.user("nobody", None).await;
    let mut expected = expectations();
    let mut wrong = Vec::new();
    for model in service::all() {
        for operation in model.operations {
            let name = (model.name.to_owned(), operation.name.to_owned());
            let (wanted, came) = (expected.remove(&name), probe(&root, &nobody, model, operation).await);
            if came.is_err() || came.as_ref().ok() != wanted.as_ref() {
                wrong.push(format!("{} {}: came {came:?}, coverage.txt has {wanted:?}", name.0, name.1));
            }
        }
    }
    wrong.extend(
        expected.into_keys().map(|name| format!("{} {}: there is no such operation", name.0, name.1)),
    );
    assert!(wrong.is_empty(), "{} operations:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_edge_and_the_tables_open_the_same_operations() {
    let by_model: Vec<Name> = service::all()
        .into_iter()
        .flat_map(|model| model.operations.iter().map(move |operation| (model, operation)))
        .filter(|(_, operation)| operation.unsigned)
        .map(|(model, operation)| (model.name.to_owned(), operation.name.to_owned()))
        .collect();
    let (mut by_model, mut by_table) = (by_model, public());
    by_model.sort();
    by_table.sort();
    assert_eq!(by_model, by_table);
    let listed = expectations();
    for name in by_table {
        assert_eq!(listed.get(&name), Some(&Expected::Open), "{name:?}");
    }
}
