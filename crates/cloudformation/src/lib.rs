//! CloudFormation: stacks and change sets over the other services' own operations.
//!
//! Invariants: a resource type or property that is not handled fails before anything is made, by name; a resource is
//! `CREATE_COMPLETE` only after the service that owns it said so; whatever a stack does, it does as the deploying
//! principal, authorised like any call.
//!
//! Reading order: [`template`], [`sam`], [`resources`], [`engine`], then the handlers: change_sets, stacks.

mod access;
pub mod api;
mod change_sets;
mod describe;
pub mod engine;
pub mod error;
mod events;
mod input;
mod keys;
pub mod records;
pub mod resources;
pub mod sam;
pub mod shapes;
mod stacks;
pub mod template;
mod templates;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use nephos_core::ports::{AssumeRole, IssueCredentials, ReadObject};
use nephos_core::{Access, AccountId, Cx, Platform, Region, Timestamp};
use nephos_store::{Range, Read, Store};

use crate::error::Error;
use crate::records::{EventRecord, StackRecord, stack_arn};
use crate::resources::Services;

/// What the service needs from the rest of the platform.
pub struct Deps {
    /// Where stacks are kept.
    pub store: Store,
    /// The services that resources are made with.
    pub services: Services,
    /// Reads templates that are given by URL.
    pub objects: Arc<dyn ReadObject>,
    /// Takes on the role that a stack is deployed with.
    pub credentials: Arc<dyn IssueCredentials>,
}

/// The service.
#[derive(Clone)]
pub struct CloudFormation(Arc<Inner>);

/// The service's insides, shared by its background deployments.
pub struct Inner {
    store: Store,
    services: Services,
    objects: Arc<dyn ReadObject>,
    credentials: Arc<dyn IssueCredentials>,
    event_number: AtomicU32,
}

impl std::ops::Deref for CloudFormation {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

nephos_wire::service!(CloudFormation, &shapes::MODEL, api::ROWS);

impl CloudFormation {
    /// The service. Deployments that a crash interrupted are marked as failed; call [`CloudFormation::recover`].
    pub fn new(deps: Deps) -> Self {
        let Deps { store, services, objects, credentials } = deps;
        let event_number = AtomicU32::new(0);
        CloudFormation(Arc::new(Inner { store, services, objects, credentials, event_number }))
    }

    /// Marks the deployments that were under way when the platform stopped: what they made is recorded, and the
    /// stack can be updated or deleted.
    pub async fn recover(&self, platform: &Arc<Platform>) -> Result<(), Error> {
        let running: Vec<(nephos_store::Key, StackRecord)> = self.store.read(|view| {
            let mut found = Vec::new();
            for (key, place) in view.range(&Range::prefix(&keys::running()))? {
                let place: (String, String, String) = serde_json::from_slice(&place)
                    .map_err(|error| Error::Store(format!("a running deployment's record: {error}")))?;
                let (Ok(account), Ok(region)) = (place.0.parse(), place.1.parse()) else { continue };
                let stack: Option<StackRecord> = view.record(&keys::stack(account, &region, &place.2))?;
                found.extend(stack.map(|stack| (key, stack)));
            }
            Ok::<_, Error>(found)
        })?;
        for (_, mut stack) in running {
            let (Ok(account), Ok(region)) = (stack.account.parse(), stack.region.parse::<Region>()) else {
                continue;
            };
            let cx = Cx::for_service(platform, "cloudformation.amazonaws.com", account, region);
            let status = match stack.status.as_str() {
                "CREATE_IN_PROGRESS" => "CREATE_FAILED",
                "ROLLBACK_IN_PROGRESS" => "ROLLBACK_FAILED",
                "DELETE_IN_PROGRESS" => "DELETE_FAILED",
                "UPDATE_IN_PROGRESS" | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => "UPDATE_FAILED",
                _ => "UPDATE_ROLLBACK_FAILED",
            };
            let reason = "the platform stopped while the stack was being deployed".to_owned();
            self.set_status(&cx, &mut stack, status, Some(reason)).await?;
        }
        Ok(())
    }

    /// A stack's record by name (those that are not deleted) or by ARN (all).
    pub(crate) fn find_stack(&self, cx: &Cx, name: &str) -> Result<StackRecord, Error> {
        let missing = || Error::no_stack(name);
        self.store.read(|view| {
            let id = match stack_id(name) {
                Some(id) => id.to_owned(),
                None => {
                    let id =
                        view.get(&keys::stack_name(cx.account, &cx.region, name))?.ok_or_else(missing)?;
                    String::from_utf8_lossy(&id).into_owned()
                }
            };
            let record: Option<StackRecord> = view.record(&keys::stack(cx.account, &cx.region, &id))?;
            record.ok_or_else(missing)
        })
    }

    /// The exports of the account and region.
    pub(crate) fn exports(&self, cx: &Cx) -> Result<BTreeMap<String, String>, Error> {
        let stacks = self.all_stacks(cx)?.into_iter().filter(|stack| stack.deleted.is_none());
        let outputs = stacks.flat_map(|stack| stack.outputs);
        Ok(outputs.filter_map(|output| Some((output.export?, output.value))).collect())
    }

    /// Every stack of the account and region, newest first.
    pub(crate) fn all_stacks(&self, cx: &Cx) -> Result<Vec<StackRecord>, Error> {
        let prefix = keys::stacks(cx.account, &cx.region);
        let mut stacks: Vec<StackRecord> = self.store.read(|view| {
            let found: Vec<(nephos_store::Key, StackRecord)> = view.records(&Range::prefix(&prefix))?;
            Ok::<_, Error>(found.into_iter().map(|(_, stack)| stack).collect())
        })?;
        stacks.sort_by_key(|stack| std::cmp::Reverse(stack.created));
        Ok(stacks)
    }

    /// Saves a stack with an event, in one transaction.
    pub(crate) async fn save(&self, cx: &Cx, stack: &StackRecord, event: EventRecord) -> Result<(), Error> {
        let (account, region): (AccountId, &Region) = (cx.account, &cx.region);
        let number = self.event_number.fetch_add(1, Ordering::Relaxed);
        let event_key = keys::event(account, region, &stack.id, Timestamp::from_millis(event.at), number);
        let running = keys::running_stack(account, region, &stack.id);
        let place = serde_json::to_vec(&(account.as_str(), region.as_str(), &stack.id)).unwrap_or_default();
        self.store
            .transact("cloudformation.save", |tx| {
                tx.put_record(keys::stack(account, region, &stack.id), stack)?;
                tx.put_record(event_key.clone(), &event)?;
                let name_key = keys::stack_name(account, region, &stack.name);
                if stack.deleted.is_some() {
                    // The name may belong to a newer stack already.
                    if tx.get(&name_key)?.as_deref() == Some(stack.id.as_bytes()) {
                        tx.delete(name_key);
                    }
                } else {
                    tx.put(name_key, stack.id.clone().into_bytes());
                }
                if stack.status.ends_with("_IN_PROGRESS") && stack.status != "REVIEW_IN_PROGRESS" {
                    tx.put(running.clone(), place.clone());
                } else {
                    tx.delete(running.clone());
                }
                Ok::<_, Error>(())
            })
            .await
    }

    /// Sets a stack's status, with its event.
    pub(crate) async fn set_status(
        &self,
        cx: &Cx,
        stack: &mut StackRecord,
        status: &str,
        reason: Option<String>,
    ) -> Result<(), Error> {
        let now = cx.now().millis();
        (stack.status, stack.status_reason) = (status.to_owned(), reason.clone());
        if !status.starts_with("CREATE") && !status.starts_with("REVIEW") {
            stack.updated = Some(now);
        }
        let event = EventRecord {
            id: nephos_core::random::uuid(),
            logical_id: stack.name.clone(),
            physical_id: stack_arn(cx.account, &cx.region, &stack.name, &stack.id),
            kind: "AWS::CloudFormation::Stack".to_owned(),
            status: status.to_owned(),
            reason,
            properties: None,
            at: now,
        };
        self.save(cx, stack, event).await
    }

    /// The context that a stack's resources are made in: the caller's, or the stack's role.
    pub(crate) async fn deploying(&self, cx: &Cx, role_arn: Option<&str>) -> Result<Cx, Error> {
        let Some(role_arn) = role_arn else { return Ok(cx.clone()) };
        let arn: nephos_core::Arn = role_arn
            .parse()
            .map_err(|_| Error::template(format!("Role {role_arn} is invalid or cannot be assumed")))?;
        let pass =
            Access::on("iam:PassRole", &arn).key("iam:PassedToService", "cloudformation.amazonaws.com");
        cx.authorize(&pass).map_err(|denied| Error::Service(shapes::MODEL.refusal(denied.message)))?;
        let request = AssumeRole {
            role_arn: role_arn.to_owned(),
            session_name: "AWSCloudFormation".to_owned(),
            duration_seconds: 3600,
            session_policy: None,
            web_identity: None,
        };
        let service = cx.as_service("cloudformation.amazonaws.com", role_arn);
        let assumed = self.credentials.assume_role(&service, request).await?;
        Ok(cx.as_principal(assumed.principal))
    }
}

/// The UUID in a stack's ARN.
fn stack_id(arn: &str) -> Option<&str> {
    arn.starts_with("arn:").then(|| arn.rsplit('/').next()).flatten()
}
