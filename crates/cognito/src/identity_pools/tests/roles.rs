//! Roles by token and by rules.

use nephos_core::Fault;

use super::*;
use crate::testing::said;
use crate::user_pools::shapes::{self as users, op as users_op};

fn role(name: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{name}")
}

async fn map_roles(stage: &Stage, mapping: identity::RoleMapping) -> Result<(), Fault> {
    let name = format!("{}:{}", stage.provider, stage.client);
    let input = identity::SetIdentityPoolRolesInput {
        identity_pool_id: text(&stage.pool),
        roles: Some(map(&[("authenticated", AUTHENTICATED), ("unauthenticated", GUEST)])),
        role_mappings: Some([(name, mapping)].into()),
    };
    stage.bench.identity::<op::SetIdentityPoolRoles>(input).await.map(drop)
}

fn by_token(ambiguous: &str) -> identity::RoleMapping {
    identity::RoleMapping {
        r#type: text("Token"),
        ambiguous_role_resolution: text(ambiguous),
        rules_configuration: None,
    }
}

/// The role that ann gets.
async fn ann_gets(stage: &Stage, custom: Option<String>) -> Result<String, Fault> {
    let token = stage.id_token("ann").await;
    let identity_id = Some(stage.get_id(Some(&token)).await?);
    let input = identity::GetCredentialsForIdentityInput {
        identity_id,
        logins: Some(map(&[(&stage.provider, &token)])),
        custom_role_arn: custom,
    };
    stage.bench.open_identity::<op::GetCredentialsForIdentity>(input).await?;
    Ok(stage.bench.iam.assumed.lock().unwrap().pop().unwrap().role_arn)
}

async fn join(stage: &Stage, group: &str, precedence: i32) {
    let input = users::CreateGroupRequest {
        user_pool_id: text(&stage.user_pool),
        group_name: text(group),
        role_arn: Some(role(group)),
        precedence: Some(precedence),
        ..Default::default()
    };
    stage.bench.idp::<users_op::CreateGroup>(input).await.unwrap();
    let input = users::AdminAddUserToGroupRequest {
        user_pool_id: text(&stage.user_pool),
        username: text("ann"),
        group_name: text(group),
    };
    stage.bench.idp::<users_op::AdminAddUserToGroup>(input).await.unwrap();
}

#[tokio::test]
async fn the_token_names_the_role() {
    let stage = Stage::new(|_| {}).await;
    map_roles(&stage, by_token("Deny")).await.unwrap();
    assert!(said(ann_gets(&stage, None).await).starts_with("NotAuthorizedException"));
    map_roles(&stage, by_token("AuthenticatedRole")).await.unwrap();
    assert_eq!(ann_gets(&stage, None).await.unwrap(), AUTHENTICATED);
    join(&stage, "writers", 2).await;
    assert_eq!(ann_gets(&stage, None).await.unwrap(), role("writers"));
    join(&stage, "editors", 2).await;
    assert_eq!(ann_gets(&stage, None).await.unwrap(), AUTHENTICATED);
    assert_eq!(ann_gets(&stage, Some(role("editors"))).await.unwrap(), role("editors"));
    assert!(said(ann_gets(&stage, Some(role("admins"))).await).starts_with("NotAuthorizedException"));
    join(&stage, "owners", 1).await;
    assert_eq!(ann_gets(&stage, None).await.unwrap(), role("owners"));
}

#[tokio::test]
async fn a_custom_role_needs_a_mapping_by_token() {
    let stage = Stage::new(|_| {}).await;
    join(&stage, "writers", 1).await;
    assert!(said(ann_gets(&stage, Some(role("writers"))).await).starts_with("NotAuthorizedException"));
}

#[tokio::test]
async fn the_first_rule_that_matches_names_the_role() {
    let stage = Stage::new(|_| {}).await;
    let rule = |claim: &str, test: &str, value: &str, name: &str| identity::MappingRule {
        claim: text(claim),
        match_type: text(test),
        value: text(value),
        role_arn: Some(role(name)),
    };
    let rules = |rules: Vec<identity::MappingRule>| identity::RoleMapping {
        r#type: text("Rules"),
        ambiguous_role_resolution: text("Deny"),
        rules_configuration: Some(identity::RulesConfigurationType { rules: Some(rules) }),
    };
    let pick = vec![
        rule("custom:none", "NotEqual", "x", "none"),
        rule("email", "Equals", "bob@example.org", "bob"),
        rule("email", "Contains", "@example.", "mail"),
        rule("email", "StartsWith", "ann", "ann"),
    ];
    map_roles(&stage, rules(pick)).await.unwrap();
    assert_eq!(ann_gets(&stage, None).await.unwrap(), role("mail"));
    map_roles(&stage, rules(vec![rule("email", "StartsWith", "ann", "ann")])).await.unwrap();
    assert_eq!(ann_gets(&stage, None).await.unwrap(), role("ann"));
    map_roles(&stage, rules(vec![rule("email_verified", "Equals", "true", "verified")])).await.unwrap();
    assert_eq!(ann_gets(&stage, None).await.unwrap(), role("verified"));
    join(&stage, "a", 1).await;
    map_roles(&stage, rules(vec![rule("cognito:groups", "NotEqual", "a", "other")])).await.unwrap();
    assert!(ann_gets(&stage, None).await.is_err());

    let get = identity::GetIdentityPoolRolesInput { identity_pool_id: text(&stage.pool) };
    let shown = stage.bench.identity::<op::GetIdentityPoolRoles>(get).await.unwrap();
    let mapping = shown.role_mappings.unwrap().into_values().next().unwrap();
    assert_eq!(mapping, rules(vec![rule("cognito:groups", "NotEqual", "a", "other")]));
    assert_eq!(shown.roles.unwrap()["authenticated"], AUTHENTICATED);
}

#[tokio::test]
async fn who_sets_roles_must_be_allowed_to_pass_them() {
    let stage = Stage::new(|_| {}).await;
    let asked = stage.bench.iam.asked.lock().unwrap().clone();
    let passed: Vec<_> = asked.iter().filter(|access| access.action == "iam:PassRole").collect();
    assert_eq!(
        passed.iter().map(|access| access.resource.as_str()).collect::<Vec<_>>(),
        [AUTHENTICATED, GUEST]
    );
    let service = passed[0].keys.get("iam:PassedToService").unwrap();
    assert_eq!(service, ["cognito-identity.amazonaws.com"]);
    stage.bench.iam.denied.lock().unwrap().insert("iam:PassRole");
    assert!(map_roles(&stage, by_token("Deny")).await.is_err());
}
