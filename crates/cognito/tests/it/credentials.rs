//! From a sign-in to credentials that IAM judges: the enhanced flow, guests, and the basic flow through STS.

use nephos_core::{Access, Cx};
use serde_json::{Value, json};

use crate::world::{ACCOUNT, World};

/// A user pool with ann signed in, an identity pool with its roles, and ann's identity.
struct Scene {
    world: World,
    provider: String,
    pool: String,
    id_token: String,
    identity: String,
}

fn trust(pool: &str, amr: &str) -> String {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Federated": "cognito-identity.amazonaws.com" },
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": { "cognito-identity.amazonaws.com:aud": pool },
            "ForAnyValue:StringLike": { "cognito-identity.amazonaws.com:amr": amr },
        },
    }] })
    .to_string()
}

async fn role(world: &World, name: &str, trust: &str, policy: Value) -> String {
    use nephos_iam::shapes::{CreateRoleRequest, PutRolePolicyRequest, op};
    let create = CreateRoleRequest {
        role_name: Some(name.to_owned()),
        assume_role_policy_document: Some(trust.to_owned()),
        ..Default::default()
    };
    nephos_wire::service::invoke::<op::CreateRole>(&*world.iam, &world.root(), create).await.unwrap();
    let put = PutRolePolicyRequest {
        role_name: Some(name.to_owned()),
        policy_name: Some("p".to_owned()),
        policy_document: Some(policy.to_string()),
    };
    nephos_wire::service::invoke::<op::PutRolePolicy>(&*world.iam, &world.root(), put).await.unwrap();
    format!("arn:aws:iam::{ACCOUNT}:role/{name}")
}

impl Scene {
    async fn new() -> Scene {
        let world = World::new().await;
        let (root, anybody) = (world.root(), world.anybody());
        let made = world.idp(&root, "CreateUserPool", json!({ "PoolName": "people" })).await;
        let user_pool = made["UserPool"]["Id"].as_str().unwrap().to_owned();
        let client = json!({
            "UserPoolId": user_pool, "ClientName": "app", "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
        });
        let client =
            world.idp(&root, "CreateUserPoolClient", client).await["UserPoolClient"]["ClientId"].clone();
        let sign_up = json!({ "ClientId": client, "Username": "ann", "Password": "Passw0rd!" });
        world.idp(&anybody, "SignUp", sign_up).await;
        let confirm = json!({ "UserPoolId": user_pool, "Username": "ann" });
        world.idp(&root, "AdminConfirmSignUp", confirm).await;
        let sign_in = json!({
            "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": { "USERNAME": "ann", "PASSWORD": "Passw0rd!" },
        });
        let tokens = world.idp(&anybody, "InitiateAuth", sign_in).await;
        let id_token = tokens["AuthenticationResult"]["IdToken"].as_str().unwrap().to_owned();

        let provider = format!("cognito-idp.us-east-1.amazonaws.com/{user_pool}");
        let pool = json!({
            "IdentityPoolName": "visitors", "AllowUnauthenticatedIdentities": true, "AllowClassicFlow": true,
            "CognitoIdentityProviders": [{ "ProviderName": provider, "ClientId": client }],
        });
        let pool = world.identity(&root, "CreateIdentityPool", pool).await["IdentityPoolId"].clone();
        let pool = pool.as_str().unwrap().to_owned();
        let own = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::files/${cognito-identity.amazonaws.com:sub}/*" },
            { "Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*" },
        ] });
        let signed_in = role(&world, "signed-in", &trust(&pool, "authenticated"), own.clone()).await;
        let guest = role(&world, "guest", &trust(&pool, "unauthenticated"), own).await;
        let roles = json!({ "IdentityPoolId": pool, "Roles": { "authenticated": signed_in, "unauthenticated": guest } });
        world.identity(&root, "SetIdentityPoolRoles", roles).await;
        let get = json!({ "IdentityPoolId": pool, "Logins": { &provider: id_token } });
        let identity = world.identity(&anybody, "GetId", get).await["IdentityId"].clone();
        let identity = identity.as_str().unwrap().to_owned();
        Scene { world, provider, pool, id_token, identity }
    }

    /// The principal of an identity's credentials.
    async fn enter(&self, identity: &str, logins: Value) -> Cx {
        let input = json!({ "IdentityId": identity, "Logins": logins });
        let out = self.world.identity(&self.world.anybody(), "GetCredentialsForIdentity", input).await;
        let part = |name: &str| out["Credentials"][name].as_str().unwrap().to_owned();
        assert!(out["Credentials"]["Expiration"].is_number() && part("AccessKeyId").starts_with("ASIA"));
        self.world.identify(&part("AccessKeyId"), &part("SessionToken")).await
    }
}

fn may(cx: &Cx, action: &'static str, resource: &str) -> bool {
    cx.authorize(&Access::on(action, &resource.parse().unwrap()).owned_by(ACCOUNT.parse().unwrap())).is_ok()
}

#[tokio::test]
async fn a_signed_in_user_reaches_its_own_and_nobody_elses() {
    let scene = Scene::new().await;
    let ann = scene.enter(&scene.identity, json!({ &scene.provider: scene.id_token })).await;
    let arn = ann.principal.arn().unwrap().to_string();
    assert_eq!(arn, format!("arn:aws:sts::{ACCOUNT}:assumed-role/signed-in/CognitoIdentityCredentials"));
    assert!(may(&ann, "s3:PutObject", &format!("arn:aws:s3:::files/{}/note", scene.identity)));
    assert!(!may(&ann, "s3:PutObject", "arn:aws:s3:::files/us-east-1:somebody/note"));
    assert!(ann.authorize(&Access::any("iam:ListRoles")).is_ok());
}

#[tokio::test]
async fn a_guests_role_is_narrowed_to_what_guests_may_have() {
    let scene = Scene::new().await;
    let get = json!({ "IdentityPoolId": scene.pool });
    let guest = scene.world.identity(&scene.world.anybody(), "GetId", get).await["IdentityId"].clone();
    let guest = guest.as_str().unwrap();
    let cx = scene.enter(guest, json!({})).await;
    assert!(may(&cx, "s3:PutObject", &format!("arn:aws:s3:::files/{guest}/note")));
    assert!(!may(&cx, "s3:PutObject", &format!("arn:aws:s3:::files/{}/note", scene.identity)));
    // The role allows it; the session policy of guests does not.
    assert!(cx.authorize(&Access::any("iam:ListRoles")).is_err());
}

#[tokio::test]
async fn sts_takes_the_token_of_an_identity_and_no_other() {
    use nephos_iam::sts::shapes::{AssumeRoleWithWebIdentityRequest, op};
    let scene = Scene::new().await;
    let input = json!({ "IdentityId": scene.identity, "Logins": { &scene.provider: scene.id_token } });
    let token = scene.world.identity(&scene.world.anybody(), "GetOpenIdToken", input).await["Token"].clone();
    let assume = |role: &str, token: &str| AssumeRoleWithWebIdentityRequest {
        role_arn: Some(format!("arn:aws:iam::{ACCOUNT}:role/{role}")),
        role_session_name: Some("ann".to_owned()),
        web_identity_token: Some(token.to_owned()),
        ..Default::default()
    };
    let (sts, anybody) = (&scene.world.sts, scene.world.anybody());
    let call = |input| nephos_wire::service::invoke::<op::AssumeRoleWithWebIdentity>(sts, &anybody, input);
    let token = token.as_str().unwrap();
    let out = call(assume("signed-in", token)).await.unwrap();
    assert_eq!(out.subject_from_web_identity_token.as_deref(), Some(scene.identity.as_str()));
    let credentials = out.credentials.unwrap();
    let (key, session) = (credentials.access_key_id.unwrap(), credentials.session_token.unwrap());
    let ann = scene.world.identify(&key, &session).await;
    assert!(may(&ann, "s3:PutObject", &format!("arn:aws:s3:::files/{}/note", scene.identity)));
    assert!(!may(&ann, "s3:PutObject", "arn:aws:s3:::files/us-east-1:somebody/note"));
    assert!(call(assume("guest", token)).await.is_err());
    assert!(call(assume("signed-in", &scene.id_token)).await.is_err());
}
