//! JSON as clients send it and get it.

use serde_json::json;

use crate::world::{World, call};

#[tokio::test]
async fn sign_up_to_tokens_in_json() {
    let world = World::new().await;
    let (root, anybody) = (world.root(), world.anybody());
    let pool = world.idp(
        &root,
        "CreateUserPool",
        json!({ "PoolName": "people", "AutoVerifiedAttributes": ["email"] }),
    );
    let pool = pool.await["UserPool"].clone();
    assert!(pool["CreationDate"].is_number() && pool["Policies"]["PasswordPolicy"]["RequireSymbols"] == true);
    let pool = pool["Id"].clone();
    let client = json!({
        "UserPoolId": pool, "ClientName": "app",
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    });
    let client = world.idp(&root, "CreateUserPoolClient", client).await["UserPoolClient"]["ClientId"].clone();
    let sign_up = json!({
        "ClientId": client, "Username": "ann", "Password": "Passw0rd!",
        "UserAttributes": [{ "Name": "email", "Value": "ann@example.org" }],
    });
    let signed_up = world.idp(&anybody, "SignUp", sign_up).await;
    assert_eq!(signed_up["UserConfirmed"], false);
    assert_eq!(
        signed_up["CodeDeliveryDetails"],
        json!({ "Destination": "a***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email" })
    );
    let confirm = json!({ "ClientId": client, "Username": "ann", "ConfirmationCode": world.last_code() });
    assert_eq!(world.idp(&anybody, "ConfirmSignUp", confirm).await, json!({}));
    let sign_in = json!({
        "ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": "ann", "PASSWORD": "Passw0rd!" },
    });
    let tokens = world.idp(&anybody, "InitiateAuth", sign_in).await;
    assert_eq!(tokens["ChallengeParameters"], json!({}));
    let tokens = &tokens["AuthenticationResult"];
    assert_eq!((&tokens["TokenType"], &tokens["ExpiresIn"]), (&json!("Bearer"), &json!(3600)));
    let me = world.idp(&anybody, "GetUser", json!({ "AccessToken": tokens["AccessToken"] })).await;
    assert_eq!(me["Username"], "ann");
}

#[tokio::test]
async fn faults_have_cognitos_form() {
    let world = World::new().await;
    let pools = &*world.cognito.user_pools;
    let anybody = world.anybody();
    let nobody = json!({ "ClientId": "nobody", "AuthFlow": "USER_SRP_AUTH" });
    let (status, fault) = call(pools, &anybody, "InitiateAuth", nobody).await;
    assert_eq!((status, &fault["__type"]), (400, &json!("ResourceNotFoundException")));
    assert_eq!(fault["message"], "User pool client nobody does not exist.");

    let (status, fault) = call(pools, &anybody, "SignUp", json!({ "ClientId": "x y", "Username": "" })).await;
    assert_eq!((status, &fault["__type"]), (400, &json!("InvalidParameterException")));
    assert!(fault["message"].as_str().unwrap().starts_with("3 validation errors detected: "), "{fault}");

    let (status, fault) = call(pools, &anybody, "ListUserPools", json!({ "MaxResults": 1 })).await;
    assert_eq!((status, &fault["__type"]), (400, &json!("MissingAuthenticationTokenException")));

    let user = nephos_core::Principal::User {
        account: crate::world::ACCOUNT.parse().unwrap(),
        path: "/".to_owned(),
        name: "nobody".to_owned(),
        id: "AIDANOBODY".to_owned(),
        session: None,
    };
    let (status, fault) =
        call(pools, &world.cx(user), "DescribeUserPool", json!({ "UserPoolId": "us-east-1_x" })).await;
    assert_eq!((status, &fault["__type"]), (400, &json!("AccessDeniedException")));
    let text = fault["Message"].as_str().or(fault["message"].as_str()).unwrap();
    assert!(text.contains("is not authorized to perform: cognito-idp:DescribeUserPool on resource: arn:aws:cognito-idp:us-east-1:111111111111:userpool/us-east-1_x"), "{text}");
}

#[tokio::test]
async fn what_is_absent_is_said_to_be() {
    let world = World::new().await;
    let input = json!({
        "PoolName": "people",
        "LambdaConfig": { "PostConfirmation": "arn:aws:lambda:us-east-1:111111111111:function:f" },
    });
    let (status, fault) = call(&*world.cognito.user_pools, &world.root(), "CreateUserPool", input).await;
    assert_eq!((status, &fault["__type"]), (501, &json!("NotImplemented")));
    assert!(fault["message"].as_str().unwrap().contains("PostConfirmation"), "{fault}");
}
