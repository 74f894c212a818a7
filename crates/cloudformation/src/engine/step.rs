//! One resource of a deployment: made, changed, replaced, or left as it is.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use nephos_core::{Fault, random};
use serde_json::{Value, json};

use super::{Deployment, Undo, replaces, scope};
use crate::error::Error;
use crate::records::{EventRecord, ResourceRecord};
use crate::resources::{self, Call, Made};
use crate::template::intrinsics::Known;
use crate::template::{Policy, Resource, Template};

/// What is done to a resource.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Create,
    Update,
    Replace,
}

impl Action {
    /// What a status begins with.
    fn verb(self) -> &'static str {
        if self == Action::Create { "CREATE" } else { "UPDATE" }
    }
}

impl Deployment<'_> {
    /// Makes, changes or leaves one resource.
    pub(super) async fn step(
        &mut self,
        name: &str,
        template: &Template,
        needs: Vec<String>,
    ) -> Result<(), Error> {
        let Some(resource) = template.resources.get(name) else { return Ok(()) };
        let properties = self.scope.resolve(&resource.properties)?.unwrap_or_else(|| json!({}));
        let mut record = new_record(resource, properties, needs);
        let former = self.take_former(name).await?;
        match former {
            Some(former) if is_same(&former, &record) => {
                self.stack.resources.insert(name.to_owned(), kept(former, &record));
            }
            former => {
                let action = match &former {
                    None => Action::Create,
                    Some(former) if replaces(former, &record.kind, &record.properties) => Action::Replace,
                    Some(_) => Action::Update,
                };
                record.physical_id = former.as_ref().map(|f| f.physical_id.clone()).unwrap_or_default();
                let shown = self.shown(resource);
                self.carry_out(name, action, record, former, shown).await?;
            }
        }
        if let Some(record) = self.stack.resources.get(name) {
            let known =
                Known { physical_id: record.physical_id.clone(), attributes: record.attributes.clone() };
            self.scope.resources.insert(name.to_owned(), known);
        }
        Ok(())
    }

    /// What there is of a resource. One whose creation failed is deleted, to be made anew.
    async fn take_former(&mut self, name: &str) -> Result<Option<ResourceRecord>, Error> {
        let Some(former) = self.stack.resources.get(name).cloned() else { return Ok(None) };
        if former.status != "CREATE_FAILED" {
            return Ok(Some(former));
        }
        if !former.physical_id.is_empty() {
            self.delete(name, &ResourceRecord { retain: false, ..former }).await?;
        }
        self.stack.resources.remove(name);
        Ok(None)
    }

    /// The properties as events show them.
    fn shown(&self, resource: &Resource) -> Option<String> {
        let resolved = if self.stack.hidden.is_empty() {
            self.scope.resolve(&resource.properties)
        } else {
            scope::masked(&self.scope, &self.stack.hidden).resolve(&resource.properties)
        };
        resolved.ok().flatten().map(|value| value.to_string())
    }

    async fn carry_out(
        &mut self,
        name: &str,
        action: Action,
        mut record: ResourceRecord,
        former: Option<ResourceRecord>,
        shown: Option<String>,
    ) -> Result<(), Error> {
        let verb = action.verb();
        let reason = (action == Action::Replace).then(|| {
            "Requested update requires the creation of a new physical resource; hence creating one."
                .to_owned()
        });
        self.resource_status(name, &mut record, &format!("{verb}_IN_PROGRESS"), reason, shown.clone())
            .await?;
        let so_far = OnceLock::new();
        let result = self.call(name, action == Action::Update, &record, former.as_ref(), &so_far).await;
        let (made, fault) = match result {
            Ok(made) => (Some(made), None),
            Err(fault) => (so_far.into_inner(), Some(fault)),
        };
        if let Some(made) = made {
            (record.physical_id, record.attributes) = (made.physical_id, made.attributes);
        } else if action != Action::Update {
            record.physical_id.clear();
        }
        let failed = fault.is_some();
        record.status = format!("{verb}_{}", if failed { "FAILED" } else { "COMPLETE" });
        self.note(name, action, &record, former, failed);
        let status = record.status.clone();
        let reason = fault.as_ref().map(|fault| self.reason(&record.kind, fault));
        self.resource_status(name, &mut record, &status, reason, shown).await?;
        if !failed {
            return Ok(());
        }
        let what = if action == Action::Create { "create" } else { "update" };
        Err(Error::template(format!("The following resource(s) failed to {what}: [{name}]. ")))
    }

    /// Keeps what was done, and how to put it back.
    fn note(
        &mut self,
        name: &str,
        action: Action,
        record: &ResourceRecord,
        former: Option<ResourceRecord>,
        failed: bool,
    ) {
        let owned = name.to_owned();
        match (action, former) {
            (Action::Update, Some(former)) => {
                let attempted = record.properties.clone();
                let kept = if failed {
                    // Which properties the resource has now is not known; the former ones are what it is made of.
                    ResourceRecord { status: record.status.clone(), ..former.clone() }
                } else {
                    record.clone()
                };
                self.stack.resources.insert(owned.clone(), kept);
                self.undo.push(Undo::Updated { name: owned, former, attempted, unsure: failed });
            }
            (_, Some(former)) if failed => {
                // The former resource stays; what was made of its replacement is nobody's.
                if !record.physical_id.is_empty() {
                    self.stack.leftover.push((owned.clone(), record.clone()));
                    self.undo.push(Undo::Discard(owned.clone()));
                }
                self.stack.resources.insert(owned, former);
            }
            (_, Some(former)) => {
                let retain_replaced = former.retain_replaced || record.retain_replaced;
                let left = ResourceRecord { retain_replaced, ..former.clone() };
                self.stack.leftover.push((owned.clone(), left));
                self.stack.resources.insert(owned.clone(), record.clone());
                self.undo.push(Undo::Replaced(owned, former));
            }
            (_, None) => {
                self.stack.resources.insert(owned.clone(), record.clone());
                self.undo.push(Undo::Created(owned));
            }
        }
    }

    /// Calls the resource's handler.
    pub(super) async fn call(
        &self,
        name: &str,
        in_place: bool,
        record: &ResourceRecord,
        former: Option<&ResourceRecord>,
        so_far: &OnceLock<Made>,
    ) -> Result<Made, Fault> {
        let kind = resources::find(&record.kind).ok_or_else(Fault::internal)?;
        let made = former.map(|former| Made {
            physical_id: former.physical_id.clone(),
            attributes: former.attributes.clone(),
        });
        let call = Call {
            services: &self.service.services,
            cx: &self.cx,
            stack: &self.stack.name,
            logical_id: name,
            properties: &record.properties,
            made: made.as_ref().filter(|_| in_place),
            previous: former.map(|former| &former.properties).filter(|_| in_place),
            unsure: in_place && former.is_some_and(|former| !former.status.ends_with("_COMPLETE")),
            so_far,
        };
        if in_place { kind.update(call).await } else { kind.create(call).await }
    }

    /// Why a resource failed, as CloudFormation tells it.
    pub(super) fn reason(&self, kind: &str, fault: &Fault) -> String {
        let service = kind.split("::").nth(1).unwrap_or_default();
        let code = match fault.code.as_str() {
            code if code.contains("AccessDenied") || code.contains("NotAuthorized") => "AccessDenied",
            code if code.contains("AlreadyExists") || code.contains("AlreadyOwned") => "AlreadyExists",
            code if code.contains("NotFound") || code.starts_with("NoSuch") => "NotFound",
            code if code.contains("Throttl") => "Throttling",
            code if code.contains("LimitExceeded") => "ServiceLimitExceeded",
            _ if fault.status >= 500 => "ServiceInternalError",
            _ => "InvalidRequest",
        };
        format!(
            "Resource handler returned message: \"{} (Service: {service}, Status Code: {}, Request ID: {})\" (RequestToken: {}, HandlerErrorCode: {code})",
            fault.message,
            fault.status,
            self.cx.request_id,
            random::uuid()
        )
    }

    /// Sets a resource's status, in its record and the stack's, with its event.
    pub(super) async fn resource_status(
        &mut self,
        name: &str,
        record: &mut ResourceRecord,
        status: &str,
        reason: Option<String>,
        properties: Option<String>,
    ) -> Result<(), Error> {
        let now = self.cx.now().millis();
        (record.status, record.reason, record.changed) = (status.to_owned(), reason.clone(), now);
        let of_this = |kept: &&mut ResourceRecord| kept.physical_id == record.physical_id;
        if let Some(kept) = self.stack.resources.get_mut(name).filter(of_this) {
            (kept.status, kept.reason, kept.changed) = (status.to_owned(), reason.clone(), now);
        }
        let event = EventRecord {
            id: format!("{name}-{status}-{}", random::uuid()),
            logical_id: name.to_owned(),
            physical_id: record.physical_id.clone(),
            kind: record.kind.clone(),
            status: status.to_owned(),
            reason,
            properties,
            at: now,
        };
        self.service.save(&self.cx, &self.stack, event).await
    }
}

fn new_record(resource: &Resource, properties: Value, needs: Vec<String>) -> ResourceRecord {
    ResourceRecord {
        kind: resource.kind.clone(),
        physical_id: String::new(),
        attributes: BTreeMap::new(),
        properties,
        status: String::new(),
        reason: None,
        changed: 0,
        retain: resource.deletion_policy != Policy::Delete,
        retain_on_create: resource.deletion_policy == Policy::Retain,
        retain_replaced: resource.update_replace_policy == Policy::Retain,
        needs,
    }
}

/// Whether a resource is as it should be.
fn is_same(former: &ResourceRecord, wanted: &ResourceRecord) -> bool {
    former.kind == wanted.kind
        && former.properties == wanted.properties
        && former.status.ends_with("_COMPLETE")
}

/// A resource that stays as it is, with what the template says of keeping it.
fn kept(former: ResourceRecord, wanted: &ResourceRecord) -> ResourceRecord {
    ResourceRecord {
        retain: wanted.retain,
        retain_on_create: wanted.retain_on_create,
        retain_replaced: wanted.retain_replaced,
        needs: wanted.needs.clone(),
        ..former
    }
}
