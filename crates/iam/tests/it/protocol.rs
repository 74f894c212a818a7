//! The query protocol, from form to XML.

use http::{HeaderMap, Method, StatusCode};
use nephos_core::{Cx, Principal};
use nephos_wire::{Body, Request, Service};

use crate::world::*;

/// Sends a form; gives status and body.
async fn send(service: &dyn Service, cx: &Cx, form: &str) -> (StatusCode, String) {
    let name = form.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap();
    let operation = service.model().operations.iter().find(|op| op.name == name).unwrap();
    let request = Request {
        method: Method::POST,
        path: "/".into(),
        query: Vec::new(),
        headers: HeaderMap::new(),
        labels: Vec::new(),
        body: Body::from(form.as_bytes().to_vec()),
    };
    let response = service.call(cx, operation, request).await;
    let status = response.status();
    let body = response.into_body().collect(1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_form_makes_a_user_and_xml_tells() {
    let world = World::new().await;
    let form =
        "Action=CreateUser&Version=2010-05-08&UserName=ada&Tags.member.1.Key=team&Tags.member.1.Value=a";
    let (status, body) = send(&*world.iam, &world.root(), form).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(
        body.contains(
            "<CreateUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><CreateUserResult><User>"
        ),
        "{body}"
    );
    assert!(body.contains("<Arn>arn:aws:iam::111111111111:user/ada</Arn>"), "{body}");
    assert!(body.contains("<Tags><member><Key>team</Key><Value>a</Value></member></Tags>"), "{body}");

    let (status, body) = send(&*world.iam, &world.root(), form).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(
        body.contains(
            "<Code>EntityAlreadyExists</Code><Message>User with name ada already exists.</Message>"
        ),
        "{body}"
    );

    let (status, body) =
        send(&*world.iam, &world.root(), "Action=CreateUser&Version=2010-05-08&UserName=a%20b").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        body.contains("<Code>ValidationError</Code>") && body.contains("1 validation error detected"),
        "{body}"
    );
}

#[tokio::test]
async fn refusals_and_unsigned_calls_have_their_codes() {
    let world = World::new().await;
    send(&*world.iam, &world.root(), "Action=CreateUser&UserName=ada").await;
    let ada = world.user("ada").await;
    let (status, body) = send(&*world.iam, &ada, "Action=ListRoles&Version=2010-05-08").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(
        body.contains("<Code>AccessDenied</Code><Message>User: arn:aws:iam::111111111111:user/ada is not authorized to perform: iam:ListRoles on resource: arn:aws:iam::111111111111:role/ because no identity-based policy allows the iam:ListRoles action</Message>"),
        "{body}"
    );
    let anonymous = world.cx(Principal::Anonymous);
    let (status, body) = send(&world.sts, &anonymous, "Action=GetCallerIdentity&Version=2011-06-15").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(body.contains("<Code>MissingAuthenticationToken</Code>"), "{body}");
}

#[tokio::test]
async fn who_am_i_can_never_be_refused() {
    let world = World::new().await;
    send(&*world.iam, &world.root(), "Action=CreateUser&UserName=ada").await;
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
    let put = nephos_iam::shapes::PutUserPolicyRequest {
        user_name: s("ada"),
        policy_name: s("p"),
        policy_document: s(deny),
    };
    world.iam::<nephos_iam::shapes::op::PutUserPolicy>(&world.root(), put).await.unwrap();
    let ada = world.user("ada").await;
    let (status, body) = send(&world.sts, &ada, "Action=GetCallerIdentity&Version=2011-06-15").await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body.contains("<GetCallerIdentityResult><UserId>AIDA"), "{body}");
    assert!(
        body.contains("<Account>111111111111</Account><Arn>arn:aws:iam::111111111111:user/ada</Arn>"),
        "{body}"
    );
}

#[tokio::test]
async fn every_operation_of_the_allow_list_has_a_row() {
    fn check<T: 'static>(service: &dyn Service, rows: &[nephos_wire::Row<T>]) {
        for operation in service.model().operations {
            assert!(
                rows.iter().any(|row| std::ptr::eq(row.operation, *operation)),
                "{} has no row",
                operation.name
            );
        }
    }
    let world = World::new().await;
    check(&*world.iam, nephos_iam::api::ROWS);
    check(&world.sts, nephos_iam::sts::api::ROWS);
}
