//! Putting back a deployment that failed.

use std::sync::OnceLock;

use serde_json::Value;

use super::{Deployment, OnFailure, Undo};
use crate::error::Error;
use crate::records::{ResourceRecord, StackRecord};

impl Deployment<'_> {
    /// Puts everything back as it was `before`, and says why.
    pub(super) async fn roll_back(&mut self, before: StackRecord, reason: &str) -> Result<(), Error> {
        let creating = self.creates;
        let prefix = if creating { "ROLLBACK" } else { "UPDATE_ROLLBACK" };
        if creating && self.on_failure == OnFailure::Delete {
            self.stack_status("DELETE_IN_PROGRESS", Some(reason.to_owned())).await?;
            self.drop_retained_by_creation();
            return self.delete_all(&[]).await;
        }
        let text = if creating {
            format!("{} Rollback requested by user.", reason.trim_end())
        } else {
            reason.to_owned()
        };
        self.stack_status(&format!("{prefix}_IN_PROGRESS"), Some(text)).await?;
        let mut clean = true;
        while let Some(undo) = self.undo.pop() {
            clean &= self.put_back(undo).await?;
        }
        // A resource whose creation failed has nothing to delete.
        self.stack
            .resources
            .retain(|name, record| before.resources.contains_key(name) || !record.physical_id.is_empty());
        if !clean {
            let reason = "One or more resources could not be put back; see the events.".to_owned();
            return self.stack_status(&format!("{prefix}_FAILED"), Some(reason)).await;
        }
        if !creating {
            self.restore(before);
            self.stack_status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", None).await?;
            self.delete_leftover().await?;
        }
        self.stack_status(&format!("{prefix}_COMPLETE"), None).await
    }

    /// What the stack said of itself before.
    fn restore(&mut self, before: StackRecord) {
        let stack = &mut self.stack;
        for (name, record) in &mut stack.resources {
            let Some(former) = before.resources.get(name) else { continue };
            record.needs.clone_from(&former.needs);
            (record.retain, record.retain_on_create) = (former.retain, former.retain_on_create);
            record.retain_replaced = former.retain_replaced;
        }
        (stack.template, stack.description) = (before.template, before.description);
        (stack.parameters, stack.hidden) = (before.parameters, before.hidden);
        (stack.capabilities, stack.tags) = (before.capabilities, before.tags);
        (stack.outputs, stack.imports) = (before.outputs, before.imports);
    }

    /// `RetainExceptOnCreate` keeps nothing of a creation that failed.
    fn drop_retained_by_creation(&mut self) {
        self.stack.resources.values_mut().for_each(|record| record.retain = record.retain_on_create);
    }

    async fn put_back(&mut self, undo: Undo) -> Result<bool, Error> {
        match undo {
            Undo::Created(name) => {
                let Some(record) = self.stack.resources.get(&name).cloned() else { return Ok(true) };
                let retain = record.retain_on_create;
                let gone = self.delete(&name, &ResourceRecord { retain, ..record }).await?;
                if gone {
                    self.stack.resources.remove(&name);
                }
                Ok(gone)
            }
            Undo::Replaced(name, former) => {
                let is_former = |(of, left): &(String, ResourceRecord)| {
                    *of == name && left.physical_id == former.physical_id
                };
                self.stack.leftover.retain(|left| !is_former(left));
                match self.stack.resources.insert(name.clone(), former) {
                    Some(record) => self.delete(&name, &ResourceRecord { retain: false, ..record }).await,
                    None => Ok(true),
                }
            }
            Undo::Discard(name) => {
                let at = self.stack.leftover.iter().rposition(|(of, _)| *of == name);
                let Some((_, record)) = at.map(|at| self.stack.leftover.remove(at)) else { return Ok(true) };
                self.delete(&name, &ResourceRecord { retain: false, ..record }).await
            }
            Undo::Updated { name, former, attempted, unsure } => {
                self.give_back(&name, former, attempted, unsure).await
            }
        }
    }

    /// Updates a resource back to its former properties.
    async fn give_back(
        &mut self,
        name: &str,
        former: ResourceRecord,
        attempted: Value,
        unsure: bool,
    ) -> Result<bool, Error> {
        let Some(mut current) = self.stack.resources.get(name).cloned() else { return Ok(true) };
        current.properties = attempted;
        if !unsure {
            current.status = "UPDATE_COMPLETE".to_owned();
        }
        let mut record = former;
        record.physical_id.clone_from(&current.physical_id);
        self.resource_status(name, &mut record, "UPDATE_IN_PROGRESS", None, None).await?;
        let result = self.call(name, true, &record, Some(&current), &OnceLock::new()).await;
        let (status, reason) = match &result {
            Ok(_) => ("UPDATE_COMPLETE", None),
            Err(fault) => ("UPDATE_FAILED", Some(self.reason(&record.kind, fault))),
        };
        if let Ok(made) = &result {
            record.physical_id.clone_from(&made.physical_id);
            record.attributes.extend(made.attributes.clone());
        }
        record.status = status.to_owned();
        self.stack.resources.insert(name.to_owned(), record.clone());
        self.resource_status(name, &mut record, status, reason, None).await?;
        Ok(result.is_ok())
    }
}
