//! Roles for web identities: tokens, trust conditions, and the keys that a session keeps.

use std::sync::Arc;

use nephos_core::ports::{
    AssumeRole, IssueCredentials as _, VerifiedWebIdentity, VerifyWebIdentity, WebIdentity, WebIdentityError,
};
use nephos_core::{BoxFuture, ContextKeys, Cx, Principal};
use nephos_iam::sts::shapes::*;

use crate::sts::{ROLE, assume, role};
use crate::world::*;

/// Takes tokens of the form `header.payload.sub` for verified, and one as expired.
struct Verifier;

impl VerifyWebIdentity for Verifier {
    fn verify_web_identity<'a>(
        &'a self,
        _: &'a Cx,
        token: &'a str,
    ) -> BoxFuture<'a, Result<VerifiedWebIdentity, WebIdentityError>> {
        Box::pin(async move {
            match token.rsplit('.').next() {
                Some("foreign") => return Err(WebIdentityError::Foreign),
                Some("forged") => return Err(WebIdentityError::Invalid("signature".into())),
                Some("old") => return Err(WebIdentityError::Expired),
                _ => {}
            }
            let mut keys = ContextKeys::new();
            keys.set("cognito-identity.amazonaws.com:aud", "us-east-1:pool");
            keys.set("cognito-identity.amazonaws.com:sub", "us-east-1:ada");
            keys.set_all("cognito-identity.amazonaws.com:amr", vec!["authenticated".into(), "idp".into()]);
            Ok(VerifiedWebIdentity {
                identity: WebIdentity { provider: "cognito-identity.amazonaws.com".into(), keys },
                issuer: "https://cognito-identity.amazonaws.com".into(),
                subject: "us-east-1:ada".into(),
                audience: "us-east-1:pool".into(),
            })
        })
    }
}

fn cognito_trust(pool: &str, amr: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"Federated":"cognito-identity.amazonaws.com"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"cognito-identity.amazonaws.com:aud":"{pool}"}},"ForAnyValue:StringLike":{{"cognito-identity.amazonaws.com:amr":"{amr}"}}}}}}}}"#
    )
}

async fn scene() -> World {
    let world = World::new().await;
    world.iam.add_web_identity_verifier(Arc::new(Verifier));
    let notes = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:Query","Resource":"*","Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["${cognito-identity.amazonaws.com:sub}"]}}}}"#;
    role(&world, "app", &cognito_trust("us-east-1:pool", "authenticated"), notes).await;
    role(&world, "guest", &cognito_trust("us-east-1:pool", "unauthenticated"), notes).await;
    role(&world, "other", &cognito_trust("us-east-1:else", "authenticated"), notes).await;
    world
}

/// Says that it is of `https://accounts.example.com/x`.
fn token(sub: &str) -> String {
    format!("h.eyJpc3MiOiJodHRwczovL2FjY291bnRzLmV4YW1wbGUuY29tL3gifQ.{sub}")
}

fn call(role: &str, token: String) -> AssumeRoleWithWebIdentityRequest {
    AssumeRoleWithWebIdentityRequest {
        role_arn: s(role),
        role_session_name: s("web"),
        web_identity_token: Some(token),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_web_identity_takes_on_a_role_that_trusts_its_pool() {
    let world = scene().await;
    let anyone = world.cx(Principal::Anonymous);
    let answer =
        world.sts::<op::AssumeRoleWithWebIdentity>(&anyone, call(ROLE, token("good"))).await.unwrap();
    assert_eq!(answer.subject_from_web_identity_token, s("us-east-1:ada"));
    assert_eq!(
        (answer.audience, answer.provider),
        (s("us-east-1:pool"), s("https://cognito-identity.amazonaws.com"))
    );
    let cx = world.cx((*world.identify(&credentials(answer.credentials)).await.unwrap()).clone());
    let query = |leading: &str| {
        nephos_core::Access::any("dynamodb:Query").keys("dynamodb:LeadingKeys", vec![leading.to_owned()])
    };
    cx.authorize(&query("us-east-1:ada")).unwrap();
    assert!(cx.authorize(&query("us-east-1:bob")).is_err(), "one user does not read another's notes");
}

#[tokio::test]
async fn tokens_and_roles_that_do_not_fit_are_refused_in_words_of_aws() {
    let world = scene().await;
    let anyone = world.cx(Principal::Anonymous);
    for (role, sub, code, text) in [
        (
            "arn:aws:iam::111111111111:role/team/guest",
            "good",
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        ),
        (
            "arn:aws:iam::111111111111:role/team/other",
            "good",
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        ),
        (
            "arn:aws:iam::111111111111:role/team/none",
            "good",
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        ),
        (
            ROLE,
            "forged",
            "InvalidIdentityToken",
            "The web identity token that was passed could not be validated",
        ),
        (
            ROLE,
            "old",
            "ExpiredTokenException",
            "Token expired: current date/time must be before the expiration date/time.",
        ),
        (
            ROLE,
            "foreign",
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for accounts.example.com/x",
        ),
    ] {
        let refused = world.sts::<op::AssumeRoleWithWebIdentity>(&anyone, call(role, token(sub))).await;
        assert_eq!(fault(refused), (code.into(), text.into()), "{role} {sub}");
    }
    let no_token = world.sts::<op::AssumeRoleWithWebIdentity>(&anyone, call(ROLE, "no-token".into())).await;
    assert_eq!(fault(no_token).0, "InvalidIdentityToken");
    // The role trusts web identities alone.
    assert_eq!(fault(world.sts::<op::AssumeRole>(&world.root(), assume(ROLE)).await).0, "AccessDenied");
}

#[tokio::test]
async fn an_identity_pool_takes_on_a_role_for_its_user_whoever_asks() {
    let world = World::new().await;
    role(&world, "app", &cognito_trust("us-east-1:pool", "authenticated"), &allow("s3:*", "*")).await;
    let mut keys = ContextKeys::new();
    keys.set("cognito-identity.amazonaws.com:aud", "us-east-1:pool");
    keys.set_all("cognito-identity.amazonaws.com:amr", vec!["authenticated".into()]);
    let request = |pool: &str| {
        let mut keys = keys.clone();
        keys.set("cognito-identity.amazonaws.com:aud", pool);
        AssumeRole {
            role_arn: ROLE.into(),
            session_name: "CognitoIdentityCredentials".into(),
            duration_seconds: 3600,
            session_policy: s(&allow("s3:GetObject", "*")),
            web_identity: Some(WebIdentity { provider: "cognito-identity.amazonaws.com".into(), keys }),
        }
    };
    let federated =
        Principal::Federated { account: account(THERE), name: "bob".into(), session: Default::default() };
    for asker in [world.cx(Principal::Anonymous), world.root_of(THERE), world.cx(federated)] {
        let assumed = world.iam.assume_role(&asker, request("us-east-1:pool")).await.unwrap();
        let cx = world.cx(assumed.principal);
        world.may(&cx, "s3:GetObject", "arn:aws:s3:::b/k").unwrap();
        assert!(world.may(&cx, "s3:PutObject", "arn:aws:s3:::b/k").is_err(), "the scope-down policy narrows");
        let refused = world.iam.assume_role(&asker, request("us-east-1:else")).await;
        assert_eq!(fault(refused).1, "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    }
}
