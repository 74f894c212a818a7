//! Deleting: what a deployment left over, what a template no longer names, and whole stacks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use nephos_core::{Cx, Fault};

use super::{Deployment, OnFailure};
use crate::CloudFormation;
use crate::error::Error;
use crate::records::{ResourceRecord, StackRecord};
use crate::resources::{self, Call, Made};
use crate::template::order;

impl<'a> Deployment<'a> {
    /// Deletes what replacements left over and what the template no longer names; gives whether all of it went.
    pub(super) async fn clean_up(&mut self, wanted: &BTreeSet<String>) -> Result<bool, Error> {
        let mut clean = self.delete_leftover().await?;
        for name in deletion_order(&self.stack.resources) {
            if wanted.contains(&name) {
                continue;
            }
            let Some(record) = self.stack.resources.remove(&name) else { continue };
            clean &= self.delete(&name, &record).await?;
        }
        Ok(clean)
    }

    /// Deletes what replacements left over, last first.
    pub(super) async fn delete_leftover(&mut self) -> Result<bool, Error> {
        let mut clean = true;
        while let Some((name, former)) = self.stack.leftover.pop() {
            let retain = former.retain_replaced;
            clean &= self.delete(&name, &ResourceRecord { retain, ..former }).await?;
        }
        Ok(clean)
    }

    /// Deletes a resource unless it is to be kept; gives whether it worked.
    pub(super) async fn delete(&mut self, name: &str, record: &ResourceRecord) -> Result<bool, Error> {
        let mut record = record.clone();
        if record.physical_id.is_empty() {
            return Ok(true);
        }
        if record.retain {
            self.resource_status(name, &mut record, "DELETE_SKIPPED", None, None).await?;
            return Ok(true);
        }
        self.resource_status(name, &mut record, "DELETE_IN_PROGRESS", None, None).await?;
        let result = self.call_delete(name, &record).await;
        let (status, reason) = match &result {
            Ok(()) => ("DELETE_COMPLETE", None),
            Err(fault) => ("DELETE_FAILED", Some(self.reason(&record.kind, fault))),
        };
        self.resource_status(name, &mut record, status, reason, None).await?;
        Ok(result.is_ok())
    }

    async fn call_delete(&self, name: &str, record: &ResourceRecord) -> Result<(), Fault> {
        let kind = resources::find(&record.kind).ok_or_else(Fault::internal)?;
        let made = Made { physical_id: record.physical_id.clone(), attributes: record.attributes.clone() };
        let call = Call {
            services: &self.service.services,
            cx: &self.cx,
            stack: &self.stack.name,
            logical_id: name,
            properties: &record.properties,
            made: Some(&made),
            previous: None,
            unsure: false,
            so_far: &OnceLock::new(),
        };
        kind.delete(call).await
    }

    /// Deletes a whole stack that is `DELETE_IN_PROGRESS` already, but for the resources in `keep`.
    pub async fn tear_down(
        service: &'a CloudFormation,
        cx: Cx,
        stack: StackRecord,
        keep: &[String],
    ) -> Result<(), Error> {
        Deployment::new(service, cx, stack, OnFailure::RollBack).delete_all(keep).await
    }

    pub(super) async fn delete_all(&mut self, keep: &[String]) -> Result<(), Error> {
        if let Some(text) = self.exports_in_use(&BTreeMap::new())? {
            let reason = format!("Delete canceled. {text}");
            return self.stack_status("DELETE_FAILED", Some(reason)).await;
        }
        let mut failed = Vec::new();
        for name in deletion_order(&self.stack.resources) {
            let Some(mut record) = self.stack.resources.get(&name).cloned() else { continue };
            record.retain |= keep.contains(&name);
            if self.delete(&name, &record).await? {
                self.stack.resources.remove(&name);
            } else {
                failed.push(name);
            }
        }
        self.delete_leftover().await?;
        if failed.is_empty() {
            self.stack.deleted = Some(self.cx.now().millis());
            self.stack.outputs.clear();
            self.service.forget_change_sets(&self.cx, &self.stack.id).await?;
            return self.stack_status("DELETE_COMPLETE", None).await;
        }
        let reason = format!("The following resource(s) failed to delete: [{}]. ", failed.join(", "));
        self.stack_status("DELETE_FAILED", Some(reason)).await
    }
}

/// The names in an order that has every resource before those that it needs.
pub fn deletion_order(resources: &BTreeMap<String, ResourceRecord>) -> Vec<String> {
    let needs = |name: &String, record: &ResourceRecord| {
        record.needs.iter().filter(|need| *need != name).cloned().collect()
    };
    let graph = resources.iter().map(|(name, record)| (name.clone(), needs(name, record))).collect();
    // Needs that changed over time may be circular; any order is as good then.
    let (mut order, circular) = order::sorted(&graph);
    order.extend(circular);
    order.reverse();
    order
}
