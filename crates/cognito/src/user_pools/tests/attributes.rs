//! Attributes: who may write them, what they must be, and how contacts are verified.

use nephos_core::Fault;

use crate::testing::{Bench, attributes, said, text};
use crate::user_pools::shapes::{self as users, op};

fn custom(name: &str, change: impl FnOnce(&mut users::SchemaAttributeType)) -> users::SchemaAttributeType {
    let mut attribute = users::SchemaAttributeType {
        name: text(name),
        attribute_data_type: text("String"),
        mutable: Some(true),
        ..Default::default()
    };
    change(&mut attribute);
    attribute
}

struct Ann {
    bench: Bench,
    pool: String,
    token: Option<String>,
}

impl Ann {
    async fn new(change: impl FnOnce(&mut users::CreateUserPoolRequest)) -> Ann {
        let bench = Bench::new();
        let pool = bench.pool(change).await;
        let client = bench.client(&pool, |_| {}).await.client_id.unwrap();
        bench.sign_up(&client, "ann", &[("email", "ann@example.org")]).await.unwrap();
        bench.confirm(&client, "ann").await.unwrap();
        let token = bench.tokens(&client, "ann").await.unwrap().access_token;
        Ann { bench, pool, token }
    }

    async fn update(&self, given: &[(&str, &str)]) -> Result<Vec<users::CodeDeliveryDetailsType>, Fault> {
        let input = users::UpdateUserAttributesRequest {
            user_attributes: Some(attributes(given)),
            access_token: self.token.clone(),
            ..Default::default()
        };
        let out = self.bench.open::<op::UpdateUserAttributes>(input).await?;
        Ok(out.code_delivery_details_list.unwrap())
    }

    async fn admin_update(&self, given: &[(&str, &str)]) -> Result<(), Fault> {
        let input = users::AdminUpdateUserAttributesRequest {
            user_pool_id: text(&self.pool),
            username: text("ann"),
            user_attributes: Some(attributes(given)),
            ..Default::default()
        };
        self.bench.idp::<op::AdminUpdateUserAttributes>(input).await.map(drop)
    }

    async fn verify(&self, code: &str) -> Result<(), Fault> {
        let input = users::VerifyUserAttributeRequest {
            access_token: self.token.clone(),
            attribute_name: text("email"),
            code: text(code),
        };
        self.bench.open::<op::VerifyUserAttribute>(input).await.map(drop)
    }

    async fn value(&self, name: &str) -> Option<String> {
        let input = users::AdminGetUserRequest { user_pool_id: text(&self.pool), username: text("ann") };
        let user = self.bench.idp::<op::AdminGetUser>(input).await.unwrap();
        let found = user.user_attributes.unwrap().into_iter().find(|a| a.name.as_deref() == Some(name));
        found.and_then(|attribute| attribute.value)
    }
}

#[tokio::test]
async fn what_the_schema_does_not_allow_is_refused() {
    let once = custom("once", |attribute| attribute.mutable = Some(false));
    let short = custom("short", |attribute| {
        attribute.string_attribute_constraints =
            Some(users::StringAttributeConstraintsType { min_length: text("1"), max_length: text("3") });
    });
    let hidden = custom("tier", |attribute| attribute.developer_only_attribute = Some(true));
    let ann = Ann::new(|input| input.schema = Some(vec![once, short, hidden])).await;
    assert_eq!(
        said(ann.update(&[("custom:none", "x")]).await),
        "InvalidParameterException: Attributes did not conform to the schema: Type for attribute {custom:none} could not be determined\n"
    );
    for forbidden in ["sub", "email_verified", "dev:custom:tier", "identities"] {
        assert_eq!(
            said(ann.update(&[(forbidden, "true")]).await),
            "NotAuthorizedException: A client attempted to write unauthorized attribute",
            "{forbidden}"
        );
    }
    assert_eq!(
        said(ann.update(&[("email", "x")]).await),
        "InvalidParameterException: Invalid email address format."
    );
    assert_eq!(
        said(ann.update(&[("phone_number", "12")]).await),
        "InvalidParameterException: Invalid phone number format."
    );
    assert!(ann.update(&[("custom:short", "long")]).await.is_err());
    ann.update(&[("custom:once", "a"), ("custom:short", "abc")]).await.unwrap();
    assert_eq!(
        said(ann.update(&[("custom:once", "b")]).await),
        "InvalidParameterException: user.custom:once: Attribute cannot be updated.\n"
    );
    ann.admin_update(&[("dev:custom:tier", "gold")]).await.unwrap();
    let input = users::GetUserRequest { access_token: ann.token.clone() };
    let seen = ann.bench.open::<op::GetUser>(input).await.unwrap().user_attributes.unwrap();
    assert!(!seen.iter().any(|attribute| attribute.name.as_deref() == Some("dev:custom:tier")));
    assert_eq!(ann.value("dev:custom:tier").await.as_deref(), Some("gold"));
    let input = users::DeleteUserAttributesRequest {
        user_attribute_names: Some(vec!["custom:short".to_owned()]),
        access_token: ann.token.clone(),
    };
    ann.bench.open::<op::DeleteUserAttributes>(input).await.unwrap();
    assert_eq!(ann.value("custom:short").await, None);
}

#[tokio::test]
async fn a_client_reads_and_writes_what_it_may() {
    let bench = Bench::new();
    let (pool, _) = bench.with_user("ann").await;
    let client = bench
        .client(&pool, |input| {
            input.read_attributes = Some(vec!["name".to_owned()]);
            input.write_attributes = Some(vec!["name".to_owned()]);
        })
        .await
        .client_id
        .unwrap();
    let tokens = bench.tokens(&client, "ann").await.unwrap();
    let claims = bench.claims(&tokens.id_token.unwrap());
    assert!(claims.get("email").is_none());
    let update = |name: &str| {
        let input = users::UpdateUserAttributesRequest {
            user_attributes: Some(attributes(&[(name, "Ann")])),
            access_token: tokens.access_token.clone(),
            ..Default::default()
        };
        bench.open::<op::UpdateUserAttributes>(input)
    };
    update("name").await.unwrap();
    assert!(said(update("nickname").await).contains("unauthorized attribute"));
}

#[tokio::test]
async fn a_new_address_is_unverified_until_its_code_came_back() {
    let ann = Ann::new(|input| input.alias_attributes = Some(vec!["email".to_owned()])).await;
    let details = ann.update(&[("email", "new@example.org")]).await.unwrap();
    assert_eq!(details[0].destination.as_deref(), Some("n***@e***"));
    assert_eq!(ann.value("email").await.as_deref(), Some("new@example.org"));
    assert_eq!(ann.value("email_verified").await.as_deref(), Some("false"));
    let code = ann.bench.last_code();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert!(said(ann.verify(wrong).await).starts_with("CodeMismatchException"));
    ann.verify(&code).await.unwrap();
    assert_eq!(ann.value("email_verified").await.as_deref(), Some("true"));
    let again = ann.update(&[("email", "new@example.org")]).await.unwrap();
    assert_eq!(again, []);
}

#[tokio::test]
async fn a_code_for_an_address_that_changed_since_verifies_nothing() {
    let ann = Ann::new(|_| {}).await;
    ann.update(&[("email", "one@example.org")]).await.unwrap();
    let code = ann.bench.last_code();
    ann.admin_update(&[("email", "two@example.org"), ("email_verified", "false")]).await.unwrap();
    let outcome = ann.verify(&code).await;
    assert!(outcome.is_err(), "{outcome:?}");
    assert_eq!(ann.value("email_verified").await.as_deref(), Some("false"));
}

#[tokio::test]
async fn an_address_can_wait_for_its_verification() {
    let settings = users::UserAttributeUpdateSettingsType {
        attributes_require_verification_before_update: Some(vec!["email".to_owned()]),
    };
    let ann = Ann::new(|input| input.user_attribute_update_settings = Some(settings)).await;
    ann.update(&[("email", "new@example.org")]).await.unwrap();
    assert_eq!(ann.value("email").await.as_deref(), Some("ann@example.org"));
    assert_eq!(ann.value("email_verified").await.as_deref(), Some("true"));
    ann.verify(&ann.bench.last_code()).await.unwrap();
    assert_eq!(ann.value("email").await.as_deref(), Some("new@example.org"));
}

#[tokio::test]
async fn a_verified_address_of_another_user_is_refused() {
    let ann = Ann::new(|input| input.alias_attributes = Some(vec!["email".to_owned()])).await;
    let input = users::AdminCreateUserRequest {
        user_pool_id: text(&ann.pool),
        username: text("bob"),
        user_attributes: Some(attributes(&[("email", "bob@example.org"), ("email_verified", "true")])),
        message_action: text("SUPPRESS"),
        ..Default::default()
    };
    ann.bench.idp::<op::AdminCreateUser>(input).await.unwrap();
    assert_eq!(
        said(ann.update(&[("email", "bob@example.org")]).await),
        "AliasExistsException: An account with the email already exists."
    );
    let taken = ann.admin_update(&[("email", "bob@example.org"), ("email_verified", "true")]).await;
    assert_eq!(said(taken), "AliasExistsException: An account with the email already exists.");
}

#[tokio::test]
async fn custom_attributes_can_be_added() {
    let ann = Ann::new(|_| {}).await;
    let add = |name: &str| {
        let input = users::AddCustomAttributesRequest {
            user_pool_id: text(&ann.pool),
            custom_attributes: Some(vec![custom(name, |_| {})]),
        };
        ann.bench.idp::<op::AddCustomAttributes>(input)
    };
    add("team").await.unwrap();
    assert!(add("team").await.is_err());
    ann.update(&[("custom:team", "red")]).await.unwrap();
    assert_eq!(ann.value("custom:team").await.as_deref(), Some("red"));
}
