//! A platform in memory, and principals to call it as.

use std::sync::Arc;

use nephos_core::ports::{Credentials, Identify as _, IdentifyError};
use nephos_core::{
    Access, AccountId, Arn, Clock, ContextKeys, Cx, Fault, Origin, Platform, Principal, Region, RequestId,
};
use nephos_iam::seal::Sealer;
use nephos_iam::{Config, Deps, Iam, Sts};
use nephos_store::Store;
use nephos_wire::OperationShape;
use nephos_wire::service::invoke;

pub const HERE: &str = "111111111111";
pub const THERE: &str = "222222222222";

pub struct World {
    pub store: Store,
    pub sealer: Sealer,
    pub clock: Clock,
    pub iam: Arc<Iam>,
    pub sts: Sts,
    pub platform: Arc<Platform>,
}

pub fn account(id: &str) -> AccountId {
    id.parse().unwrap()
}

impl World {
    pub async fn new() -> World {
        World::with(Config { account: account(HERE), ..Config::default() }).await
    }

    pub async fn with(config: Config) -> World {
        World::over(config, Store::memory(), Sealer::ephemeral()).await
    }

    pub async fn over(config: Config, store: Store, sealer: Sealer) -> World {
        let clock = Clock::system();
        let deps = Deps { store: store.clone(), sealer: sealer.clone(), clock: clock.clone() };
        let iam = Iam::start(config, deps).await.unwrap();
        World::around(store, sealer, clock, iam)
    }

    /// A world whose IAM is there already.
    pub fn around(store: Store, sealer: Sealer, clock: Clock, iam: Arc<Iam>) -> World {
        let platform = Arc::new(Platform {
            clock: clock.clone(),
            authorizer: Arc::<Iam>::clone(&iam),
            public_origin: Origin { scheme: "http", authority: "localhost:4566".into() },
        });
        World { store, sealer, clock, sts: Sts::new(Arc::clone(&iam)), iam, platform }
    }

    /// The same data after a restart.
    pub async fn restarted(&self, config: Config) -> World {
        World::over(config, self.store.clone(), self.sealer.clone()).await
    }

    pub fn cx(&self, principal: Principal) -> Cx {
        let account = principal.account().unwrap_or(account(HERE));
        Cx {
            principal: Arc::new(principal),
            account,
            region: Region::default(),
            request_id: RequestId::new(),
            origin: self.platform.public_origin.clone(),
            keys: Arc::new(ContextKeys::new()),
            deadline: None,
            platform: Arc::clone(&self.platform),
        }
    }

    pub fn root(&self) -> Cx {
        self.cx(Principal::Root { account: account(HERE) })
    }

    pub fn root_of(&self, id: &str) -> Cx {
        self.cx(Principal::Root { account: account(id) })
    }

    /// A user that exists, as a principal.
    pub async fn user(&self, name: &str) -> Cx {
        let input = nephos_iam::shapes::GetUserRequest { user_name: Some(name.into()) };
        let user =
            self.iam::<nephos_iam::shapes::op::GetUser>(&self.root(), input).await.unwrap().user.unwrap();
        self.cx(Principal::User {
            account: account(HERE),
            path: user.path.unwrap(),
            name: user.user_name.unwrap(),
            id: user.user_id.unwrap(),
            session: None,
        })
    }

    pub async fn iam<O: OperationShape<Input: 'static, Output: 'static>>(
        &self,
        cx: &Cx,
        input: O::Input,
    ) -> Result<O::Output, Fault> {
        invoke::<O>(&*self.iam, cx, input).await
    }

    pub async fn sts<O: OperationShape<Input: 'static, Output: 'static>>(
        &self,
        cx: &Cx,
        input: O::Input,
    ) -> Result<O::Output, Fault> {
        invoke::<O>(&self.sts, cx, input).await
    }

    /// Who calls with these credentials.
    pub async fn identify(&self, credentials: &Credentials) -> Result<Arc<Principal>, IdentifyError> {
        let token = Some(credentials.session_token.as_str());
        let now = self.clock.now();
        let identity = self.iam.identify(&credentials.access_key_id, token, now).await?;
        assert_eq!(identity.secret_access_key, credentials.secret_access_key);
        Ok(identity.principal)
    }

    /// Whether the caller may do something, and if not, in which words it is refused.
    pub fn may(&self, cx: &Cx, action: &'static str, resource: &str) -> Result<(), String> {
        let access = match resource.parse::<Arn>() {
            Ok(arn) => Access::on(action, &arn),
            Err(_) => Access::any(action),
        };
        cx.authorize(&access).map_err(|denied| denied.message)
    }
}

/// Credentials as STS answers them.
pub fn credentials(answer: Option<nephos_iam::sts::shapes::Credentials>) -> Credentials {
    let answer = answer.unwrap();
    Credentials {
        access_key_id: answer.access_key_id.unwrap(),
        secret_access_key: answer.secret_access_key.unwrap(),
        session_token: answer.session_token.unwrap(),
        expiration: answer.expiration.unwrap(),
    }
}

pub fn allow(action: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}]}}"#
    )
}

pub fn trust(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}]}}"#
    )
}

pub fn s(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// The error's code and text.
pub fn fault<T>(result: Result<T, Fault>) -> (String, String) {
    match result {
        Ok(_) => panic!("expected a fault"),
        Err(fault) => (fault.code, fault.message),
    }
}
