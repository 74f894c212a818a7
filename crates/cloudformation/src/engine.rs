//! Carries out a deployment: resources in order of need, each with its events; on failure everything is put back.
//!
//! Invariant: the stack's record is saved after every step, so that a crash leaves a record of all that was made.

mod rollback;

use std::collections::BTreeMap;

use nephos_core::{Cx, Fault};
use serde_json::{Value, json};

use crate::CloudFormation;
use crate::error::Error;
use crate::records::{EventRecord, OutputRecord, ResourceRecord, StackRecord, stack_arn};
use crate::resources::{self, Call, Made};
use crate::template::intrinsics::{Known, Scope, scalar};
use crate::template::{Template, check, order};

/// A deployment of a stack under way.
pub struct Deployment<'a> {
    service: &'a CloudFormation,
    cx: Cx,
    stack: StackRecord,
    scope: Scope,
    /// `CREATE` or `UPDATE`.
    verb: &'static str,
    /// How to put back what was done, last first.
    undo: Vec<Undo>,
    /// Resources that a replacement left over, deleted at the end.
    leftover: Vec<(String, ResourceRecord)>,
}

/// One thing to put back.
enum Undo {
    /// Delete what was created.
    Created(String),
    /// Give back the former properties.
    Updated(String, ResourceRecord),
    /// Delete the replacement and take the former resource back.
    Replaced(String, ResourceRecord),
}

/// What values of a template are resolved against before anything is made.
pub fn scope(
    cx: &Cx,
    stack: &StackRecord,
    template: &Template,
    exports: BTreeMap<String, String>,
) -> Result<Scope, Error> {
    let mut parameters: BTreeMap<String, Value> = BTreeMap::new();
    for (name, value) in &stack.parameters {
        let kind = template
            .parameters
            .get(name)
            .and_then(|definition| definition.get("Type"))
            .and_then(Value::as_str);
        let value = match kind {
            Some("CommaDelimitedList") => json!(value.split(',').map(str::trim).collect::<Vec<_>>()),
            _ => json!(value),
        };
        parameters.insert(name.clone(), value);
    }
    for (name, value) in [
        ("AWS::AccountId", cx.account.to_string()),
        ("AWS::Partition", "aws".to_owned()),
        ("AWS::Region", cx.region.to_string()),
        ("AWS::StackId", stack_arn(cx.account, &cx.region, &stack.name, &stack.id)),
        ("AWS::StackName", stack.name.clone()),
        ("AWS::URLSuffix", "amazonaws.com".to_owned()),
    ] {
        parameters.insert(name.to_owned(), Value::String(value));
    }
    parameters.insert("AWS::NotificationARNs".to_owned(), json!([]));
    let mut scope = Scope { parameters, mappings: template.mappings.clone(), exports, ..Scope::default() };
    check::conditions(template, &mut scope)?;
    Ok(scope)
}

/// The names of the resources that are to exist: those without a condition, or with a true one.
pub fn wanted<'t>(template: &'t Template, scope: &Scope) -> Vec<&'t String> {
    let holds = |condition: &Option<String>| {
        condition.as_ref().is_none_or(|name| scope.conditions.get(name).copied().unwrap_or(false))
    };
    template
        .resources
        .iter()
        .filter(|(_, resource)| holds(&resource.condition))
        .map(|(name, _)| name)
        .collect()
}

impl<'a> Deployment<'a> {
    /// Deploys `template` into `stack`, whose parameters are set already.
    pub async fn run(service: &'a CloudFormation, cx: Cx, stack: StackRecord, template: &Template) {
        let verb = if stack.resources.is_empty() && stack.status.starts_with("CREATE") {
            "CREATE"
        } else {
            "UPDATE"
        };
        let mut deployment = Deployment {
            service,
            cx,
            stack,
            scope: Scope::default(),
            verb,
            undo: Vec::new(),
            leftover: Vec::new(),
        };
        if let Err(error) = deployment.deploy(template).await {
            tracing::error!(%error, stack = deployment.stack.name, "a deployment could not be recorded");
        }
    }

    async fn deploy(&mut self, template: &Template) -> Result<(), Error> {
        let before = self.stack.clone();
        let verb = self.verb;
        let failed = match self.make_all(template).await {
            Ok(()) => None,
            Err(reason) => Some(reason.to_string()),
        };
        match failed {
            None if verb == "CREATE" => self.stack_status("CREATE_COMPLETE", None).await,
            None => {
                self.stack_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None).await?;
                self.clean_up(template).await?;
                self.stack_status("UPDATE_COMPLETE", None).await
            }
            Some(reason) if self.stack.disable_rollback => {
                self.stack_status(&format!("{verb}_FAILED"), Some(reason)).await
            }
            Some(reason) => self.roll_back(before, reason).await,
        }
    }

    async fn make_all(&mut self, template: &Template) -> Result<(), Error> {
        let exports = self.service.exports(&self.cx)?;
        self.scope = scope(&self.cx, &self.stack, template, exports)?;
        let wanted: Vec<String> = wanted(template, &self.scope).into_iter().cloned().collect();
        let needs = order::dependencies(template);
        for name in order::creation_order(template)? {
            if !wanted.contains(&name) {
                self.scope.absent.insert(name);
                continue;
            }
            let needs = needs.get(&name).map(|needs| needs.iter().cloned().collect()).unwrap_or_default();
            self.step(&name, template, needs).await?;
        }
        self.stack.outputs = self.outputs(template)?;
        Ok(())
    }

    /// Makes, changes or leaves one resource.
    async fn step(&mut self, name: &str, template: &Template, needs: Vec<String>) -> Result<(), Error> {
        let Some(resource) = template.resources.get(name) else { return Ok(()) };
        let properties = self.scope.resolve(&resource.properties)?.unwrap_or_else(|| json!({}));
        let former = self.stack.resources.get(name).cloned();
        let retain = resource.deletion_policy.as_deref() == Some("Retain");
        let record = match former {
            Some(mut former) if former.kind == resource.kind && former.properties == properties => {
                (former.needs, former.retain) = (needs, retain);
                former
            }
            former => {
                let replaces =
                    former.as_ref().is_some_and(|former| replaces(former, &resource.kind, &properties));
                let action = match &former {
                    Some(_) if !replaces => "UPDATE",
                    Some(_) => "REPLACE",
                    None => "CREATE",
                };
                let mut record = ResourceRecord {
                    kind: resource.kind.clone(),
                    physical_id: former.as_ref().map(|f| f.physical_id.clone()).unwrap_or_default(),
                    attributes: BTreeMap::new(),
                    properties,
                    status: String::new(),
                    reason: None,
                    changed: 0,
                    retain,
                    needs,
                };
                self.carry_out(name, action, &mut record, former).await?;
                record
            }
        };
        let known = Known { physical_id: record.physical_id.clone(), attributes: record.attributes.clone() };
        self.scope.resources.insert(name.to_owned(), known);
        self.stack.resources.insert(name.to_owned(), record);
        Ok(())
    }

    async fn carry_out(
        &mut self,
        name: &str,
        action: &'static str,
        record: &mut ResourceRecord,
        former: Option<ResourceRecord>,
    ) -> Result<(), Error> {
        let shown = if action == "CREATE" { "CREATE" } else { "UPDATE" };
        if action == "REPLACE" {
            let reason =
                "Requested update requires the creation of a new physical resource; hence creating one.";
            self.resource_status(name, record, "UPDATE_IN_PROGRESS", Some(reason.to_owned())).await?;
        } else {
            self.resource_status(name, record, &format!("{shown}_IN_PROGRESS"), None).await?;
        }
        match self.call(name, action, record, former.as_ref()).await {
            Ok(made) => {
                (record.physical_id, record.attributes) = (made.physical_id, made.attributes);
                match (action, former) {
                    ("UPDATE", Some(former)) => self.undo.push(Undo::Updated(name.to_owned(), former)),
                    (_, Some(former)) => {
                        self.leftover.push((name.to_owned(), former.clone()));
                        self.undo.push(Undo::Replaced(name.to_owned(), former));
                    }
                    (_, None) => self.undo.push(Undo::Created(name.to_owned())),
                }
                self.stack.resources.insert(name.to_owned(), record.clone());
                self.resource_status(name, record, &format!("{shown}_COMPLETE"), None).await
            }
            Err(fault) => {
                let service = record.kind.split("::").nth(1).unwrap_or_default();
                let reason = format!(
                    "Resource handler returned message: \"{} (Service: {service}, Status Code: {}, Request ID: {})\" (HandlerErrorCode: {})",
                    fault.message, fault.status, self.cx.request_id, fault.code
                );
                self.resource_status(name, record, &format!("{shown}_FAILED"), Some(reason)).await?;
                let text =
                    format!("The following resource(s) failed to {}: [{name}]. ", shown.to_lowercase());
                Err(Error::template(text))
            }
        }
    }

    async fn call(
        &self,
        name: &str,
        action: &str,
        record: &ResourceRecord,
        former: Option<&ResourceRecord>,
    ) -> Result<Made, Fault> {
        let kind = resources::find(&record.kind).ok_or_else(Fault::internal)?;
        let made = former.map(|former| Made {
            physical_id: former.physical_id.clone(),
            attributes: former.attributes.clone(),
        });
        let in_place = action == "UPDATE";
        let call = Call {
            services: &self.service.services,
            cx: &self.cx,
            stack: &self.stack.name,
            logical_id: name,
            properties: &record.properties,
            made: made.as_ref().filter(|_| in_place),
            previous: former.map(|former| &former.properties).filter(|_| in_place),
        };
        if in_place { kind.update(call).await } else { kind.create(call).await }
    }

    /// Deletes what the template no longer names and what replacements left over.
    async fn clean_up(&mut self, template: &Template) -> Result<(), Error> {
        let gone: Vec<String> = deletion_order(&self.stack.resources)
            .into_iter()
            .filter(|name| !template.resources.contains_key(name) || self.scope.absent.contains(name))
            .collect();
        for (name, former) in std::mem::take(&mut self.leftover) {
            self.delete(&name, &former).await?;
        }
        for name in gone {
            if let Some(record) = self.stack.resources.remove(&name) {
                self.delete(&name, &record).await?;
            }
        }
        Ok(())
    }

    /// Deletes a resource unless it is to be kept; gives whether it worked.
    async fn delete(&mut self, name: &str, record: &ResourceRecord) -> Result<bool, Error> {
        let mut record = record.clone();
        if record.retain {
            self.resource_status(name, &mut record, "DELETE_SKIPPED", None).await?;
            return Ok(true);
        }
        self.resource_status(name, &mut record, "DELETE_IN_PROGRESS", None).await?;
        let result = match resources::find(&record.kind) {
            None => Err(Fault::internal()),
            Some(kind) => {
                let made =
                    Made { physical_id: record.physical_id.clone(), attributes: record.attributes.clone() };
                let call = Call {
                    services: &self.service.services,
                    cx: &self.cx,
                    stack: &self.stack.name,
                    logical_id: name,
                    properties: &record.properties,
                    made: Some(&made),
                    previous: None,
                };
                kind.delete(call).await
            }
        };
        let (status, reason) = match &result {
            Ok(()) => ("DELETE_COMPLETE", None),
            Err(fault) => ("DELETE_FAILED", Some(fault.message.clone())),
        };
        self.resource_status(name, &mut record, status, reason).await?;
        Ok(result.is_ok())
    }

    /// Deletes the whole stack.
    pub async fn tear_down(
        service: &'a CloudFormation,
        cx: Cx,
        stack: StackRecord,
        keep: &[String],
    ) -> Result<(), Error> {
        let mut deployment = Deployment {
            service,
            cx,
            stack,
            scope: Scope::default(),
            verb: "DELETE",
            undo: Vec::new(),
            leftover: Vec::new(),
        };
        deployment.stack_status("DELETE_IN_PROGRESS", None).await?;
        let mut failed = Vec::new();
        for name in deletion_order(&deployment.stack.resources) {
            let Some(mut record) = deployment.stack.resources.get(&name).cloned() else { continue };
            record.retain |= keep.contains(&name);
            if deployment.delete(&name, &record).await? {
                deployment.stack.resources.remove(&name);
            } else {
                failed.push(name);
            }
        }
        if failed.is_empty() {
            deployment.stack.deleted = Some(deployment.cx.now().millis());
            return deployment.stack_status("DELETE_COMPLETE", None).await;
        }
        let reason = format!("The following resource(s) failed to delete: [{}]. ", failed.join(", "));
        deployment.stack_status("DELETE_FAILED", Some(reason)).await
    }

    fn outputs(&self, template: &Template) -> Result<Vec<OutputRecord>, Error> {
        let mut outputs = Vec::new();
        for (key, definition) in &template.outputs {
            let condition = definition.get("Condition").and_then(Value::as_str);
            if condition.is_some_and(|name| self.scope.conditions.get(name) == Some(&false)) {
                continue;
            }
            let text = |value: Option<&Value>| -> Result<Option<String>, Error> {
                let Some(value) = value else { return Ok(None) };
                Ok(self.scope.resolve(value)?.as_ref().and_then(scalar))
            };
            let value = text(definition.get("Value"))?.ok_or_else(|| {
                Error::template(format!("Template format error: Output {key} is malformed. The Value field of every Outputs member must evaluate to a String."))
            })?;
            let description = text(definition.get("Description"))?;
            let export = text(definition.get("Export").and_then(|export| export.get("Name")))?;
            outputs.push(OutputRecord { key: key.clone(), value, description, export });
        }
        Ok(outputs)
    }

    async fn resource_status(
        &mut self,
        name: &str,
        record: &mut ResourceRecord,
        status: &str,
        reason: Option<String>,
    ) -> Result<(), Error> {
        let now = self.cx.now().millis();
        (record.status, record.reason, record.changed) = (status.to_owned(), reason.clone(), now);
        if let Some(kept) = self.stack.resources.get_mut(name) {
            (kept.status, kept.reason, kept.changed) = (status.to_owned(), reason.clone(), now);
        }
        let event = EventRecord {
            id: format!("{name}-{status}-{}", nephos_core::random::uuid()),
            logical_id: name.to_owned(),
            physical_id: record.physical_id.clone(),
            kind: record.kind.clone(),
            status: status.to_owned(),
            reason,
            properties: Some(record.properties.to_string()),
            at: now,
        };
        self.service.save(&self.cx, &self.stack, event).await
    }

    async fn stack_status(&mut self, status: &str, reason: Option<String>) -> Result<(), Error> {
        self.service.set_status(&self.cx, &mut self.stack, status, reason).await
    }
}

/// Whether the change needs a new resource in place of the former.
pub fn replaces(former: &ResourceRecord, kind: &str, properties: &Value) -> bool {
    former.kind != kind
        || resources::find(kind).is_some_and(|kind| {
            kind.replacing().iter().any(|name| former.properties.get(name) != properties.get(name))
        })
}

/// The names in an order that has every resource before those that it needs.
pub fn deletion_order(resources: &BTreeMap<String, ResourceRecord>) -> Vec<String> {
    let mut order: Vec<String> = Vec::with_capacity(resources.len());
    while order.len() < resources.len() {
        let free = |name: &String| {
            let mut waiting = resources.iter().filter(|(other, _)| !order.contains(other));
            !waiting.any(|(other, record)| other != name && record.needs.contains(name))
        };
        let ready: Vec<String> =
            resources.keys().filter(|name| !order.contains(name) && free(name)).cloned().collect();
        if ready.is_empty() {
            // Needs that changed over time may be circular; any order is as good then.
            order.extend(resources.keys().filter(|name| !order.contains(name)).cloned().collect::<Vec<_>>());
        }
        order.extend(ready);
    }
    order
}
