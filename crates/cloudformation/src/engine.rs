//! Carries out a deployment: resources in order of need, each with its events; on failure everything is put back.
//!
//! Invariants: the stack's record is saved after every step, so that a crash leaves a record of all that was made;
//! what a replacement leaves over is in the record until it is deleted.

mod delete;
mod rollback;
mod scope;
mod step;

use std::collections::{BTreeMap, BTreeSet};

use nephos_core::Cx;
use serde_json::Value;

use crate::CloudFormation;
use crate::error::Error;
use crate::records::{OutputRecord, ResourceRecord, StackRecord};
use crate::resources;
use crate::template::intrinsics::{Scope, scalar};
use crate::template::{Template, order};

pub use delete::deletion_order;
pub use scope::{scope, wanted};

/// What becomes of a deployment that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// It is put back.
    #[default]
    RollBack,
    /// What was made stays.
    DoNothing,
    /// A stack that was to be made is deleted; a change is put back.
    Delete,
}

impl OnFailure {
    /// From `DisableRollback` and `OnFailure` or `OnStackFailure`.
    pub fn parse(disable_rollback: Option<bool>, on_failure: Option<&str>) -> OnFailure {
        match (disable_rollback, on_failure) {
            (Some(true), _) | (_, Some("DO_NOTHING")) => OnFailure::DoNothing,
            (_, Some("DELETE")) => OnFailure::Delete,
            _ => OnFailure::RollBack,
        }
    }
}

/// A deployment of a stack under way.
pub struct Deployment<'a> {
    service: &'a CloudFormation,
    cx: Cx,
    stack: StackRecord,
    scope: Scope,
    /// Whether it makes the stack.
    creates: bool,
    on_failure: OnFailure,
    /// How to put back what was done, last first.
    undo: Vec<Undo>,
}

/// One thing to put back.
enum Undo {
    /// Delete what was created.
    Created(String),
    /// Give back the former properties.
    Updated {
        name: String,
        former: ResourceRecord,
        attempted: Value,
        /// Whether the change failed half-way.
        unsure: bool,
    },
    /// Delete the replacement and take the former resource back.
    Replaced(String, ResourceRecord),
    /// Delete what was made of a replacement that failed.
    Discard(String),
}

impl<'a> Deployment<'a> {
    fn new(service: &'a CloudFormation, cx: Cx, stack: StackRecord, on_failure: OnFailure) -> Self {
        let creates = stack.status == "CREATE_IN_PROGRESS";
        Deployment { service, cx, stack, scope: Scope::default(), creates, on_failure, undo: Vec::new() }
    }

    /// Deploys `template` into `stack`, whose parameters are set already and which was `before`.
    pub async fn run(
        service: &'a CloudFormation,
        cx: Cx,
        stack: StackRecord,
        before: StackRecord,
        template: &Template,
        on_failure: OnFailure,
    ) -> Result<(), Error> {
        Deployment::new(service, cx, stack, on_failure).deploy(template, before).await
    }

    async fn deploy(&mut self, template: &Template, before: StackRecord) -> Result<(), Error> {
        let reason = match self.make_all(template).await {
            Ok(()) if self.creates => return self.stack_status("CREATE_COMPLETE", None).await,
            Ok(()) => return self.finish(template).await,
            // What could not be recorded can't be put back in the record either.
            Err(error @ Error::Store(_)) => return Err(error),
            Err(reason) => reason.to_string(),
        };
        if self.on_failure == OnFailure::DoNothing {
            let verb = if self.creates { "CREATE" } else { "UPDATE" };
            return self.stack_status(&format!("{verb}_FAILED"), Some(reason)).await;
        }
        self.roll_back(before, &reason).await
    }

    /// Deletes what the update no longer needs. What can't be deleted does not undo the update.
    async fn finish(&mut self, template: &Template) -> Result<(), Error> {
        self.stack_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None).await?;
        let wanted = wanted(template, &self.scope).into_iter().cloned().collect();
        let reason = (!self.clean_up(&wanted).await?)
            .then(|| "Update successful. One or more resources could not be deleted.".to_owned());
        self.stack_status("UPDATE_COMPLETE", reason).await
    }

    async fn make_all(&mut self, template: &Template) -> Result<(), Error> {
        let exports = self.service.exports(&self.cx)?;
        self.scope = scope(&self.cx, &self.stack, template, exports)?;
        self.stack.imports = self.imports(template);
        let needs = order::dependencies(template);
        for name in order::creation_order(template)? {
            if self.scope.absent.contains(&name) {
                continue;
            }
            let needs = needs.get(&name).map(|needs| needs.iter().cloned().collect()).unwrap_or_default();
            self.step(&name, template, needs).await?;
        }
        let outputs = self.outputs(template)?;
        self.check_exports(&outputs)?;
        self.stack.outputs = outputs;
        Ok(())
    }

    fn imports(&self, template: &Template) -> BTreeSet<String> {
        let mut imports = BTreeSet::new();
        let made = template.resources.iter().filter(|(name, _)| !self.scope.absent.contains(*name));
        made.for_each(|(_, resource)| scope::imports(&resource.properties, &self.scope, &mut imports));
        template.outputs.values().for_each(|output| scope::imports(output, &self.scope, &mut imports));
        imports
    }

    fn outputs(&self, template: &Template) -> Result<Vec<OutputRecord>, Error> {
        let mut outputs = Vec::new();
        for (key, definition) in &template.outputs {
            let condition = definition.get("Condition").and_then(Value::as_str);
            if condition.is_some_and(|name| self.scope.conditions.get(name) != Some(&true)) {
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

    /// An export has one stack, and what others took stays as it is.
    fn check_exports(&self, outputs: &[OutputRecord]) -> Result<(), Error> {
        let mut wanted = BTreeMap::new();
        for output in outputs {
            let Some(name) = output.export.clone() else { continue };
            if wanted.insert(name.clone(), output.value.clone()).is_some() {
                return Err(Error::template(format!("Duplicate Export names: [{name}]")));
            }
        }
        for other in self.others()? {
            let mut theirs = other.outputs.iter().filter_map(|output| output.export.as_ref());
            if let Some(name) = theirs.find(|name| wanted.contains_key(*name)) {
                let text = format!("Export with name {name} is already exported by stack {}.", other.name);
                return Err(Error::template(text));
            }
        }
        self.exports_in_use(&wanted)?.map_or(Ok(()), |text| Err(Error::template(text)))
    }

    /// What to tell of an export of this stack that another takes and that `wanted` does not have as it is.
    fn exports_in_use(&self, wanted: &BTreeMap<String, String>) -> Result<Option<String>, Error> {
        let others = self.others()?;
        for output in &self.stack.outputs {
            let Some(name) = &output.export else { continue };
            let change = match wanted.get(name) {
                Some(value) if *value == output.value => continue,
                Some(_) => "update",
                None => "delete",
            };
            if let Some(user) = others.iter().find(|stack| stack.imports.contains(name)) {
                return Ok(Some(format!("Cannot {change} export {name} as it is in use by {}", user.name)));
            }
        }
        Ok(None)
    }

    fn others(&self) -> Result<Vec<StackRecord>, Error> {
        let mut others = self.service.live_stacks(&self.cx)?;
        others.retain(|stack| stack.id != self.stack.id);
        Ok(others)
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
