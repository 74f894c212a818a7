//! The service over real CloudWatch Logs, with failures that a test asks for in between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use nephos_cloudformation::resources::Services;
use nephos_cloudformation::shapes::{self, op};
use nephos_cloudformation::{CloudFormation, Deps};
use nephos_core::ports::{AssumeRole, AssumedRole, IssueCredentials, ReadObject};
use nephos_core::{
    Access, AccountId, Authorize, BoxFuture, Clock, ContextKeys, Cx, Denied, Fault, Origin, Platform,
    Principal, RequestId,
};
use nephos_logs::Logs;
use nephos_store::Store;
use nephos_wire::service::AnyShape;
use nephos_wire::{Operation, OperationShape, Request, Response, Service, ServiceModel};
use serde_json::Value;

/// What goes wrong, by the operation's name and a text in its input's debug form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// The service refuses.
    Refused,
    /// The service panics.
    Panics,
    /// The service never answers.
    Hangs,
}

/// A service with failures in between.
struct Flaky {
    inner: Arc<Logs>,
    wrong: Mutex<Vec<(&'static str, Wrong)>>,
    calls: Mutex<Vec<&'static str>>,
}

impl Service for Flaky {
    fn model(&self) -> &'static ServiceModel {
        self.inner.model()
    }

    fn call<'a>(
        &'a self,
        cx: &'a Cx,
        operation: &'static Operation,
        request: Request,
    ) -> BoxFuture<'a, Response> {
        self.inner.call(cx, operation, request)
    }

    fn invoke<'a>(
        &'a self,
        cx: &'a Cx,
        operation: &'static Operation,
        input: AnyShape,
    ) -> BoxFuture<'a, Result<AnyShape, Fault>> {
        self.calls.lock().unwrap().push(operation.name);
        let mut wrong = self.wrong.lock().unwrap();
        let at = wrong.iter().position(|(name, _)| *name == operation.name);
        match at.map(|at| wrong.remove(at).1) {
            None => self.inner.invoke(cx, operation, input),
            Some(Wrong::Refused) => Box::pin(async { Err(Fault::new("AccessDeniedException", "not today")) }),
            Some(Wrong::Panics) => Box::pin(async { panic!("as the test asked") }),
            Some(Wrong::Hangs) => Box::pin(std::future::pending()),
        }
    }
}

struct Everything;

impl Authorize for Everything {
    fn authorize(&self, _: &Cx, _: &Access) -> Result<(), Denied> {
        Ok(())
    }
}

struct Nothing;

impl ReadObject for Nothing {
    fn read_object<'a>(
        &'a self,
        _: &'a Cx,
        _: &'a str,
        _: &'a str,
        _: u64,
    ) -> BoxFuture<'a, Result<Bytes, Fault>> {
        Box::pin(async { Err(Fault::new("NoSuchKey", "The specified key does not exist.")) })
    }
}

impl IssueCredentials for Nothing {
    fn assume_role<'a>(&'a self, _: &'a Cx, _: AssumeRole) -> BoxFuture<'a, Result<AssumedRole, Fault>> {
        Box::pin(async { Err(Fault::new("AccessDenied", "nobody may")) })
    }

    fn trusts<'a>(&'a self, _: &'a Cx, _: &'a str, _: &'static str) -> BoxFuture<'a, Result<bool, Fault>> {
        Box::pin(async { Ok(false) })
    }
}

/// The service and what it stands on.
pub struct Ground {
    pub cx: Cx,
    pub cloudformation: CloudFormation,
    store: Store,
    logs: Arc<Flaky>,
}

impl Ground {
    pub fn new() -> Ground {
        let origin = Origin { scheme: "http", authority: "localhost:4566".to_owned() };
        let clock = Clock::system();
        let platform = Arc::new(Platform {
            clock: clock.clone(),
            authorizer: Arc::new(Everything),
            public_origin: origin.clone(),
        });
        let cx = Cx {
            principal: Arc::new(Principal::Root { account: AccountId::DEFAULT }),
            account: AccountId::DEFAULT,
            region: Default::default(),
            request_id: RequestId::new(),
            origin,
            keys: Arc::new(ContextKeys::new()),
            deadline: None,
            platform,
        };
        let store = Store::memory();
        let deps = nephos_logs::Deps { store: store.clone(), clock };
        let inner = Arc::new(Logs::new(nephos_logs::Config::default(), deps));
        let logs = Arc::new(Flaky { inner, wrong: Mutex::default(), calls: Mutex::default() });
        let cloudformation = CloudFormation::new(deps_of(&store, &logs));
        Ground { cx, cloudformation, store, logs }
    }

    /// The service as after a restart: what ran is gone, what was recorded is there.
    pub async fn restart(self) -> Ground {
        let cloudformation = CloudFormation::new(deps_of(&self.store, &self.logs));
        cloudformation.recover(&self.cx.platform).await.unwrap();
        Ground { cloudformation, ..self }
    }

    /// The next call of an operation goes wrong.
    pub fn next(&self, operation: &'static str, wrong: Wrong) {
        self.logs.wrong.lock().unwrap().push((operation, wrong));
    }

    /// The calls of Logs since the last time.
    pub fn calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.logs.calls.lock().unwrap())
    }

    pub async fn ask<O: OperationShape>(&self, input: O::Input) -> Result<O::Output, Fault>
    where
        O::Input: 'static,
        O::Output: 'static,
    {
        nephos_wire::service::invoke::<O>(&self.cloudformation, &self.cx, input).await
    }

    pub async fn create(&self, name: &str, template: &Value) -> Result<(), Fault> {
        let input = shapes::CreateStackInput {
            stack_name: Some(name.to_owned()),
            template_body: Some(template.to_string()),
            ..Default::default()
        };
        self.ask::<op::CreateStack>(input).await.map(drop)
    }

    pub async fn update(&self, name: &str, template: &Value) -> Result<(), Fault> {
        let input = shapes::UpdateStackInput {
            stack_name: Some(name.to_owned()),
            template_body: Some(template.to_string()),
            ..Default::default()
        };
        self.ask::<op::UpdateStack>(input).await.map(drop)
    }

    pub async fn delete(&self, name: &str) -> Result<(), Fault> {
        let input = shapes::DeleteStackInput { stack_name: Some(name.to_owned()), ..Default::default() };
        self.ask::<op::DeleteStack>(input).await.map(drop)
    }

    pub async fn stack(&self, name: &str) -> Result<shapes::Stack, Fault> {
        let input = shapes::DescribeStacksInput { stack_name: Some(name.to_owned()), ..Default::default() };
        Ok(self.ask::<op::DescribeStacks>(input).await?.stacks.unwrap().remove(0))
    }

    /// The status that a stack comes to rest in, by its ARN where it may be deleted.
    pub async fn rests(&self, stack: &str) -> String {
        for _ in 0..500 {
            let status = self.stack(stack).await.unwrap().stack_status.unwrap();
            if !status.ends_with("_IN_PROGRESS") {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{stack} does not come to rest");
    }

    /// Each event as `NAME STATUS`, oldest first.
    pub async fn events(&self, stack: &str) -> Vec<String> {
        let input =
            shapes::DescribeStackEventsInput { stack_name: Some(stack.to_owned()), ..Default::default() };
        let events = self.ask::<op::DescribeStackEvents>(input).await.unwrap().stack_events.unwrap();
        let text = |event: shapes::StackEvent| {
            format!("{} {}", event.logical_resource_id.unwrap(), event.resource_status.unwrap())
        };
        events.into_iter().rev().map(text).collect()
    }

    /// The log groups that there are, with their retention.
    pub async fn groups(&self) -> BTreeMap<String, Option<i32>> {
        let input = nephos_logs::shapes::DescribeLogGroupsRequest::default();
        let output = nephos_wire::service::invoke::<nephos_logs::shapes::op::DescribeLogGroups>(
            &*self.logs.inner,
            &self.cx,
            input,
        );
        let groups = output.await.unwrap().log_groups.unwrap_or_default();
        groups.into_iter().map(|group| (group.log_group_name.unwrap(), group.retention_in_days)).collect()
    }
}

fn deps_of(store: &Store, logs: &Arc<Flaky>) -> Deps {
    let any = || Arc::clone(logs) as Arc<dyn Service>;
    Deps {
        store: store.clone(),
        services: Services {
            s3: any(),
            iam: any(),
            dynamodb: any(),
            lambda: any(),
            user_pools: any(),
            identity_pools: any(),
            logs: any(),
        },
        objects: Arc::new(Nothing),
        credentials: Arc::new(Nothing),
    }
}
