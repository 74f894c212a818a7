//! The operations of `cognito-identity`, called as every caller calls them.

mod basic;
mod credentials;
mod identities;
mod pools;
mod roles;

use nephos_core::Fault;

use crate::identity_pools::shapes::{self as identity, op};
use crate::testing::{Bench, map, text};

const AUTHENTICATED: &str = "arn:aws:iam::111122223333:role/signed-in";
const GUEST: &str = "arn:aws:iam::111122223333:role/guest";

/// A user pool with a user, and an identity pool that takes its users and guests.
struct Stage {
    bench: Bench,
    user_pool: String,
    client: String,
    provider: String,
    pool: String,
}

impl Stage {
    async fn new(change: impl FnOnce(&mut identity::CreateIdentityPoolInput)) -> Stage {
        let bench = Bench::new();
        let (user_pool, client) = bench.with_user("ann").await;
        let provider = format!("cognito-idp.us-east-1.amazonaws.com/{user_pool}");
        let mut input = identity::CreateIdentityPoolInput {
            identity_pool_name: text("visitors"),
            allow_unauthenticated_identities: Some(true),
            cognito_identity_providers: Some(vec![identity::CognitoIdentityProvider {
                provider_name: text(&provider),
                client_id: text(&client),
                server_side_token_check: Some(true),
            }]),
            ..Default::default()
        };
        change(&mut input);
        let pool = bench.identity::<op::CreateIdentityPool>(input).await.unwrap().identity_pool_id.unwrap();
        let input = identity::SetIdentityPoolRolesInput {
            identity_pool_id: text(&pool),
            roles: Some(map(&[("authenticated", AUTHENTICATED), ("unauthenticated", GUEST)])),
            ..Default::default()
        };
        bench.identity::<op::SetIdentityPoolRoles>(input).await.unwrap();
        Stage { bench, user_pool, client, provider, pool }
    }

    async fn id_token(&self, name: &str) -> String {
        self.bench.tokens(&self.client, name).await.unwrap().id_token.unwrap()
    }

    async fn get_id(&self, token: Option<&str>) -> Result<String, Fault> {
        let input = identity::GetIdInput {
            identity_pool_id: text(&self.pool),
            logins: token.map(|token| map(&[(&self.provider, token)])),
            ..Default::default()
        };
        self.bench.open_identity::<op::GetId>(input).await.map(|out| out.identity_id.unwrap())
    }

    async fn credentials(
        &self,
        identity: &str,
        token: Option<&str>,
    ) -> Result<identity::GetCredentialsForIdentityResponse, Fault> {
        let input = identity::GetCredentialsForIdentityInput {
            identity_id: text(identity),
            logins: token.map(|token| map(&[(&self.provider, token)])),
            ..Default::default()
        };
        self.bench.open_identity::<op::GetCredentialsForIdentity>(input).await
    }

    async fn second_user(&self, name: &str) {
        let mail = format!("{name}@example.org");
        self.bench.sign_up(&self.client, name, &[("email", &mail)]).await.unwrap();
        self.bench.confirm(&self.client, name).await.unwrap();
    }
}
