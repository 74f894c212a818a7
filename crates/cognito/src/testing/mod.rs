//! What the crate's tests share: both services over a store, a clock that moves, an outbox, and an IAM that records.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nephos_core::ports::{
    AssumeRole, AssumedRole, Credentials, Deliver, IssueCredentials, Message, VerifiedWebIdentity,
    VerifyWebIdentity, WebIdentityError,
};
use nephos_core::{
    Access, AccountId, Authorize, BoxFuture, Clock, Cx, Denied, Fault, Origin, Platform, Principal, Region,
    RequestId,
};
use nephos_store::{Range, Read, Store};
use nephos_wire::{OperationShape, Service};
use zeroize::Zeroizing;

use crate::crypto::opaque;
use crate::crypto::rsa::KeyForge;
use crate::user_pools::shapes::{self as users, AttributeType, op};
use crate::{Cognito, Config, Deps, Seal};

/// The account of the tests.
pub(crate) const ACCOUNT: &str = "111122223333";
/// A password that meets the default policy.
pub(crate) const PASSWORD: &str = "Passw0rd!";

struct TestSeal;

impl Seal for TestSeal {
    fn seal(&self, aad: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        opaque::seal(&[9; 32], aad, plain)
    }

    fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        opaque::open(&[9; 32], aad, sealed)
    }
}

/// Allows everything but what it is told, and records what it was asked.
#[derive(Default)]
pub(crate) struct TestIam {
    pub(crate) denied: Mutex<BTreeSet<&'static str>>,
    pub(crate) asked: Mutex<Vec<Access>>,
    pub(crate) assumed: Mutex<Vec<AssumeRole>>,
    pub(crate) untrusted: Mutex<BTreeSet<String>>,
}

impl Authorize for TestIam {
    fn authorize(&self, _: &Cx, access: &Access) -> Result<(), Denied> {
        self.asked.lock().unwrap().push(access.clone());
        if self.denied.lock().unwrap().contains(access.action) {
            return Err(Denied { message: format!("not authorized to perform: {}", access.action) });
        }
        Ok(())
    }
}

impl IssueCredentials for TestIam {
    fn assume_role<'a>(
        &'a self,
        cx: &'a Cx,
        request: AssumeRole,
    ) -> BoxFuture<'a, Result<AssumedRole, Fault>> {
        Box::pin(async move {
            if self.untrusted.lock().unwrap().contains(&request.role_arn) {
                return Err(Fault::new("AccessDenied", "Not authorized").status(403));
            }
            self.assumed.lock().unwrap().push(request);
            Ok(AssumedRole {
                credentials: Credentials {
                    access_key_id: "ASIATEST".to_owned(),
                    secret_access_key: "secret".to_owned(),
                    session_token: "token".to_owned(),
                    expiration: cx.now() + Duration::from_secs(3600),
                },
                principal: (*cx.principal).clone(),
            })
        })
    }

    fn trusts<'a>(&'a self, _: &'a Cx, _: &'a str, _: &'static str) -> BoxFuture<'a, Result<bool, Fault>> {
        Box::pin(async { Ok(true) })
    }
}

#[derive(Default)]
pub(crate) struct Outbox(pub(crate) Mutex<Vec<Message>>);

impl Deliver for Outbox {
    fn deliver<'a>(&'a self, _: &'a Cx, message: Message) -> BoxFuture<'a, Result<(), Fault>> {
        self.0.lock().unwrap().push(message);
        Box::pin(async { Ok(()) })
    }
}

/// Both services and what is around them.
pub(crate) struct Bench {
    pub(crate) cognito: Cognito,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) iam: Arc<TestIam>,
    pub(crate) outbox: Arc<Outbox>,
    platform: Arc<Platform>,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        Bench::over(Store::memory())
    }

    pub(crate) fn over(store: Store) -> Bench {
        let (iam, outbox, clock) =
            (Arc::new(TestIam::default()), Arc::new(Outbox::default()), Clock::system());
        let deps = Deps {
            store: store.clone(),
            seal: Arc::new(TestSeal),
            deliver: Arc::clone(&outbox) as Arc<dyn Deliver>,
            credentials: Arc::clone(&iam) as Arc<dyn IssueCredentials>,
        };
        let origin = Origin { scheme: "http", authority: "localhost:4566".to_owned() };
        let authorizer = Arc::clone(&iam) as Arc<dyn Authorize>;
        let platform = Arc::new(Platform { clock: clock.clone(), authorizer, public_origin: origin });
        let cognito = Cognito::with_forge(Config::default(), deps, KeyForge::for_tests());
        Bench { cognito, store, clock, iam, outbox, platform }
    }

    /// An administrator of the tests' account.
    pub(crate) fn admin(&self) -> Cx {
        self.admin_of(ACCOUNT, "us-east-1")
    }

    pub(crate) fn admin_of(&self, account: &str, region: &str) -> Cx {
        let account: AccountId = account.parse().unwrap();
        self.cx(Principal::Root { account }, account, region)
    }

    /// Somebody without credentials, who comes in at the default account and another region.
    pub(crate) fn anybody(&self) -> Cx {
        self.cx(Principal::Anonymous, AccountId::DEFAULT, "eu-west-1")
    }

    fn cx(&self, principal: Principal, account: AccountId, region: &str) -> Cx {
        Cx {
            principal: Arc::new(principal),
            account,
            region: region.parse::<Region>().unwrap(),
            request_id: RequestId::new(),
            origin: self.platform.public_origin.clone(),
            keys: Arc::default(),
            deadline: None,
            platform: Arc::clone(&self.platform),
        }
    }

    /// A call of `cognito-idp` with credentials.
    pub(crate) async fn idp<O: OperationShape>(&self, input: O::Input) -> Result<O::Output, Fault>
    where
        O::Input: 'static,
        O::Output: 'static,
    {
        call::<O>(&*self.cognito.user_pools, &self.admin(), input).await
    }

    /// A call of `cognito-idp` without credentials.
    pub(crate) async fn open<O: OperationShape>(&self, input: O::Input) -> Result<O::Output, Fault>
    where
        O::Input: 'static,
        O::Output: 'static,
    {
        call::<O>(&*self.cognito.user_pools, &self.anybody(), input).await
    }

    /// A call of `cognito-identity` with credentials.
    pub(crate) async fn identity<O: OperationShape>(&self, input: O::Input) -> Result<O::Output, Fault>
    where
        O::Input: 'static,
        O::Output: 'static,
    {
        call::<O>(&*self.cognito.identity_pools, &self.admin(), input).await
    }

    /// A call of `cognito-identity` without credentials.
    pub(crate) async fn open_identity<O: OperationShape>(&self, input: O::Input) -> Result<O::Output, Fault>
    where
        O::Input: 'static,
        O::Output: 'static,
    {
        call::<O>(&*self.cognito.identity_pools, &self.anybody(), input).await
    }

    pub(crate) async fn web_identity(&self, token: &str) -> Result<VerifiedWebIdentity, WebIdentityError> {
        self.cognito.identity_pools.verify_web_identity(&self.anybody(), token).await
    }

    /// The code or temporary password that was delivered last.
    pub(crate) fn last_code(&self) -> String {
        self.outbox.0.lock().unwrap().last().unwrap().facts["code"].clone()
    }

    /// How many messages were delivered.
    pub(crate) fn sent(&self) -> usize {
        self.outbox.0.lock().unwrap().len()
    }

    /// Everything the store holds, in one piece.
    pub(crate) fn stored(&self) -> Vec<u8> {
        let mut all = Vec::new();
        let dump = |key: &[u8], value: &[u8]| {
            all.extend_from_slice(key);
            all.extend_from_slice(value);
            ControlFlow::Continue(())
        };
        self.store.read(|view| view.scan(&Range::all(), &mut { dump })).unwrap();
        all
    }

    /// Whether these bytes stand anywhere in the store.
    pub(crate) fn stores(&self, secret: &str) -> bool {
        self.stored().windows(secret.len()).any(|window| window == secret.as_bytes())
    }

    /// A pool with e-mail verified automatically, changed by `change`, and its id.
    pub(crate) async fn pool(&self, change: impl FnOnce(&mut users::CreateUserPoolRequest)) -> String {
        let mut input = users::CreateUserPoolRequest {
            pool_name: text("people"),
            auto_verified_attributes: Some(vec!["email".to_owned()]),
            ..Default::default()
        };
        change(&mut input);
        self.idp::<op::CreateUserPool>(input).await.unwrap().user_pool.unwrap().id.unwrap()
    }

    /// A client that allows passwords, SRP and refreshing, changed by `change`.
    pub(crate) async fn client(
        &self,
        pool: &str,
        change: impl FnOnce(&mut users::CreateUserPoolClientRequest),
    ) -> users::UserPoolClientType {
        let flows = ["SRP_AUTH", "PASSWORD_AUTH"].map(|flow| format!("ALLOW_USER_{flow}"));
        let more = ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH"].map(str::to_owned);
        let mut input = users::CreateUserPoolClientRequest {
            user_pool_id: text(pool),
            client_name: text("app"),
            explicit_auth_flows: Some(flows.into_iter().chain(more).collect()),
            ..Default::default()
        };
        change(&mut input);
        self.idp::<op::CreateUserPoolClient>(input).await.unwrap().user_pool_client.unwrap()
    }

    /// A pool with a client, and a user who signed up and confirmed: pool and client.
    pub(crate) async fn with_user(&self, name: &str) -> (String, String) {
        let pool = self.pool(|_| {}).await;
        let client = self.client(&pool, |_| {}).await.client_id.unwrap();
        self.sign_up(&client, name, &[("email", "ann@example.org")]).await.unwrap();
        self.confirm(&client, name).await.unwrap();
        (pool, client)
    }

    pub(crate) async fn sign_up(
        &self,
        client: &str,
        name: &str,
        given: &[(&str, &str)],
    ) -> Result<users::SignUpResponse, Fault> {
        let input = users::SignUpRequest {
            client_id: text(client),
            username: text(name),
            password: text(PASSWORD),
            user_attributes: Some(attributes(given)),
            ..Default::default()
        };
        self.open::<op::SignUp>(input).await
    }

    /// Confirms with the code that was delivered last.
    pub(crate) async fn confirm(&self, client: &str, name: &str) -> Result<(), Fault> {
        self.confirm_with(client, name, &self.last_code()).await
    }

    pub(crate) async fn confirm_with(&self, client: &str, name: &str, code: &str) -> Result<(), Fault> {
        let input = users::ConfirmSignUpRequest {
            client_id: text(client),
            username: text(name),
            confirmation_code: text(code),
            ..Default::default()
        };
        self.open::<op::ConfirmSignUp>(input).await.map(drop)
    }

    pub(crate) async fn initiate(
        &self,
        client: &str,
        flow: &str,
        parameters: &[(&str, &str)],
    ) -> Result<users::InitiateAuthResponse, Fault> {
        let input = users::InitiateAuthRequest {
            client_id: text(client),
            auth_flow: text(flow),
            auth_parameters: Some(map(parameters)),
            ..Default::default()
        };
        self.open::<op::InitiateAuth>(input).await
    }

    /// Signs in with a password in clear.
    pub(crate) async fn password(
        &self,
        client: &str,
        name: &str,
        password: &str,
    ) -> Result<users::InitiateAuthResponse, Fault> {
        self.initiate(client, "USER_PASSWORD_AUTH", &[("USERNAME", name), ("PASSWORD", password)]).await
    }

    /// Signs in with a password in clear, and gives the tokens.
    pub(crate) async fn tokens(
        &self,
        client: &str,
        name: &str,
    ) -> Result<users::AuthenticationResultType, Fault> {
        self.password(client, name, PASSWORD).await.map(|answer| answer.authentication_result.unwrap())
    }

    /// The claims of a token, after its pool's keys verified it.
    pub(crate) fn claims(&self, token: &str) -> serde_json::Map<String, serde_json::Value> {
        let verified = self.store.read(|view| self.cognito.user_pools.verify(view, token)).unwrap();
        verified.unwrap().claims
    }
}

/// A call on the typed road, validated and authorised as every call is.
pub(crate) async fn call<O: OperationShape>(
    service: &dyn Service,
    cx: &Cx,
    input: O::Input,
) -> Result<O::Output, Fault>
where
    O::Input: 'static,
    O::Output: 'static,
{
    nephos_wire::service::invoke::<O>(service, cx, input).await
}

pub(crate) fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

pub(crate) fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn attributes(pairs: &[(&str, &str)]) -> Vec<AttributeType> {
    pairs.iter().map(|(name, value)| AttributeType { name: text(name), value: text(value) }).collect()
}

/// The fault's code and text.
pub(crate) fn said<T: std::fmt::Debug>(outcome: Result<T, Fault>) -> String {
    match outcome {
        Ok(value) => panic!("expected a fault, got {value:?}"),
        Err(fault) => format!("{}: {}", fault.code, fault.message),
    }
}
