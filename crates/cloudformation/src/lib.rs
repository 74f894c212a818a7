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
mod plan;
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
use nephos_store::{Range, Read, Store, Tx};

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
    /// stack can be updated or deleted. Call it before requests are served.
    pub async fn recover(&self, platform: &Arc<Platform>) -> Result<(), Error> {
        let places: Vec<(String, String, String)> = self.store.read(|view| {
            let found = view.range(&Range::prefix(&keys::running()))?;
            let place = |(_, place): (_, bytes::Bytes)| {
                serde_json::from_slice(&place)
                    .map_err(|error| Error::Store(format!("a running deployment's record: {error}")))
            };
            found.into_iter().map(place).collect::<Result<_, Error>>()
        })?;
        for (account, region, id) in places {
            let (Ok(account), Ok(region)) = (account.parse(), region.parse::<Region>()) else { continue };
            let cx = Cx::for_service(platform, "cloudformation.amazonaws.com", account, region);
            self.give_up(&cx, &id, "the platform stopped while the stack was being deployed").await?;
        }
        Ok(())
    }

    /// Marks a deployment that ended before its end as failed.
    async fn give_up(&self, cx: &Cx, id: &str, reason: &str) -> Result<(), Error> {
        let key = keys::stack(cx.account, &cx.region, id);
        let stack: Option<StackRecord> = self.store.read(|view| view.record(&key).map_err(Error::from))?;
        let Some(mut stack) = stack.filter(StackRecord::is_under_way) else { return Ok(()) };
        let status = match stack.status.as_str() {
            "CREATE_IN_PROGRESS" => "CREATE_FAILED",
            "ROLLBACK_IN_PROGRESS" => "ROLLBACK_FAILED",
            "DELETE_IN_PROGRESS" => "DELETE_FAILED",
            "UPDATE_IN_PROGRESS" => "UPDATE_FAILED",
            // What was to be made is made; what is left over goes with the next update.
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => "UPDATE_COMPLETE",
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" => "UPDATE_ROLLBACK_COMPLETE",
            _ => "UPDATE_ROLLBACK_FAILED",
        };
        self.set_status(cx, &mut stack, status, Some(reason.to_owned())).await
    }

    /// Runs a deployment in the background. However it ends, a panic included, its stack does not stay in progress.
    pub(crate) fn launch(
        &self,
        cx: Cx,
        id: String,
        work: impl Future<Output = Result<(), Error>> + Send + 'static,
    ) {
        let service = self.clone();
        tokio::spawn(async move {
            let why = match tokio::spawn(work).await {
                Ok(Ok(())) => return,
                // The platform stops; the next start marks the stack.
                Err(error) if error.is_cancelled() => return,
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            tracing::error!(error = why, stack = id, "a deployment ended early");
            let reason = "the deployment ended early; the platform's log says why";
            if let Err(error) = service.give_up(&cx, &id, reason).await {
                tracing::error!(%error, stack = id, "a deployment's end could not be recorded");
            }
        });
    }

    /// A stack's record by name (those that are not deleted) or by ARN (all).
    pub(crate) fn find_stack(&self, cx: &Cx, name: &str) -> Result<StackRecord, Error> {
        let missing = || Error::no_stack(name);
        let by_arn = name.starts_with("arn:");
        self.store.read(|view| {
            let id = match stack_id(name).filter(|_| by_arn) {
                Some(id) => id.to_owned(),
                None => {
                    let id =
                        view.get(&keys::stack_name(cx.account, &cx.region, name))?.ok_or_else(missing)?;
                    String::from_utf8_lossy(&id).into_owned()
                }
            };
            let record: Option<StackRecord> = view.record(&keys::stack(cx.account, &cx.region, &id))?;
            // Permissions are given on the whole ARN, so the whole ARN must be this stack's.
            let same = |stack: &StackRecord| {
                !by_arn || stack_arn(cx.account, &cx.region, &stack.name, &stack.id) == name
            };
            record.filter(same).ok_or_else(missing)
        })
    }

    /// The exports of the account and region.
    pub(crate) fn exports(&self, cx: &Cx) -> Result<BTreeMap<String, String>, Error> {
        let outputs = self.live_stacks(cx)?.into_iter().flat_map(|stack| stack.outputs);
        Ok(outputs.filter_map(|output| Some((output.export?, output.value))).collect())
    }

    /// The stacks of the account and region that are not deleted, newest first.
    pub(crate) fn live_stacks(&self, cx: &Cx) -> Result<Vec<StackRecord>, Error> {
        let mut stacks: Vec<StackRecord> = self.store.read(|view| {
            let names = view.range(&Range::prefix(&keys::stack_names(cx.account, &cx.region)))?;
            let mut stacks = Vec::with_capacity(names.len());
            for (_, id) in names {
                let key = keys::stack(cx.account, &cx.region, &String::from_utf8_lossy(&id));
                stacks.extend(view.record::<StackRecord>(&key)?);
            }
            Ok::<_, Error>(stacks)
        })?;
        stacks.sort_by_key(|stack| std::cmp::Reverse(stack.created));
        Ok(stacks)
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

    /// Saves a stack with an event, in one transaction, after `check` saw what is stored. Whether the stack is
    /// protected is not a deployment's to change, so what is stored stays.
    async fn save_checked(
        &self,
        cx: &Cx,
        stack: &StackRecord,
        event: EventRecord,
        check: impl Fn(&mut Tx, Option<&StackRecord>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (account, region): (AccountId, &Region) = (cx.account, &cx.region);
        let number = self.event_number.fetch_add(1, Ordering::Relaxed);
        let event_key = keys::event(account, region, &stack.id, Timestamp::from_millis(event.at), number);
        let running = keys::running_stack(account, region, &stack.id);
        let place = serde_json::to_vec(&(account.as_str(), region.as_str(), &stack.id)).unwrap_or_default();
        let key = keys::stack(account, region, &stack.id);
        let name_key = keys::stack_name(account, region, &stack.name);
        self.store
            .transact("cloudformation.save", |tx| {
                let stored: Option<StackRecord> = tx.record(&key)?;
                check(tx, stored.as_ref())?;
                let mut stack = stack.clone();
                stack.protected = stored.map_or(stack.protected, |stored| stored.protected);
                tx.put_record(key.clone(), &stack)?;
                tx.put_record(event_key.clone(), &event)?;
                if stack.deleted.is_none() {
                    tx.put(name_key.clone(), stack.id.clone().into_bytes());
                } else if tx.get(&name_key)?.as_deref() == Some(stack.id.as_bytes()) {
                    // Otherwise the name belongs to a newer stack already.
                    tx.delete(name_key.clone());
                }
                if stack.is_under_way() {
                    tx.put(running.clone(), place.clone());
                } else {
                    tx.delete(running.clone());
                }
                Ok(())
            })
            .await
    }

    /// Saves a stack with an event.
    pub(crate) async fn save(&self, cx: &Cx, stack: &StackRecord, event: EventRecord) -> Result<(), Error> {
        self.save_checked(cx, stack, event, |_, _| Ok(())).await
    }

    /// Puts a stack under way, unless another request did something to it since it was read as `seen`; `also` writes
    /// what goes with it.
    pub(crate) async fn begin(
        &self,
        cx: &Cx,
        stack: &mut StackRecord,
        seen: Option<&StackRecord>,
        status: &str,
        also: impl Fn(&mut Tx) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let name_key = keys::stack_name(cx.account, &cx.region, &stack.name);
        let (name, arn) = (stack.name.clone(), stack_arn(cx.account, &cx.region, &stack.name, &stack.id));
        let event = change_status(cx, stack, status, Some("User Initiated".to_owned()));
        self.save_checked(cx, stack, event, |tx, stored| {
            match (seen, stored) {
                (None, _) if tx.get(&name_key)?.is_some() => return Err(Error::AlreadyExists(name.clone())),
                (Some(seen), Some(stored))
                    if (&seen.status, seen.updated) != (&stored.status, stored.updated) =>
                {
                    return Err(Error::template(format!(
                        "Stack:{arn} is in {} state and can not be updated.",
                        stored.status
                    )));
                }
                _ => {}
            }
            also(tx)
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
        let event = change_status(cx, stack, status, reason);
        self.save(cx, stack, event).await
    }

    /// The context that a stack's resources are made in: the caller's, or the stack's role.
    pub(crate) async fn deploying(&self, cx: &Cx, role_arn: Option<&str>) -> Result<Cx, Error> {
        let Some(role_arn) = role_arn else { return Ok(cx.clone()) };
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

/// Whether the caller may hand a role to CloudFormation. Once a stack has it, whoever may change the stack uses it.
pub(crate) fn check_pass_role(cx: &Cx, role_arn: Option<&String>) -> Result<(), Error> {
    let Some(role_arn) = role_arn else { return Ok(()) };
    let arn: nephos_core::Arn = role_arn
        .parse()
        .map_err(|_| Error::template(format!("Role {role_arn} is invalid or cannot be assumed")))?;
    let pass = Access::on("iam:PassRole", &arn).key("iam:PassedToService", "cloudformation.amazonaws.com");
    cx.authorize(&pass).map_err(|denied| Error::Service(shapes::MODEL.refusal(denied.message)))
}

/// Sets a stack's status; gives the event of it.
fn change_status(cx: &Cx, stack: &mut StackRecord, status: &str, reason: Option<String>) -> EventRecord {
    let now = cx.now().millis();
    (stack.status, stack.status_reason) = (status.to_owned(), reason.clone());
    if !status.starts_with("CREATE") && !status.starts_with("REVIEW") {
        stack.updated = Some(now);
    }
    EventRecord {
        id: nephos_core::random::uuid(),
        logical_id: stack.name.clone(),
        physical_id: stack_arn(cx.account, &cx.region, &stack.name, &stack.id),
        kind: "AWS::CloudFormation::Stack".to_owned(),
        status: status.to_owned(),
        reason,
        properties: None,
        at: now,
    }
}

/// The UUID in a stack's ARN.
fn stack_id(arn: &str) -> Option<&str> {
    arn.starts_with("arn:").then(|| arn.rsplit('/').next()).flatten()
}
