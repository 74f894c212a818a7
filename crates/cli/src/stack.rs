//! Stacks, through the CloudFormation API: the road that `sam deploy` takes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nephos_wire::xml::Element;

use crate::Failure;
use crate::client::{Client, child, find};
use crate::style;

const VERSION: &str = "2010-05-15";
/// How often a stack's state is asked for.
const POLL: Duration = Duration::from_millis(40);

/// A stack by name.
pub struct Stack<'a> {
    /// The client.
    pub client: &'a Client,
    /// The name.
    pub name: &'a str,
}

/// What a deployment came to.
pub enum Deployed {
    /// The stack was changed.
    Changed,
    /// There was nothing to change.
    Unchanged,
}

impl Stack<'_> {
    async fn ask(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Element, Failure> {
        let mut all = vec![("StackName", self.name)];
        all.extend_from_slice(parameters);
        self.client.query("cloudformation", VERSION, action, &all).await
    }

    /// The stack's status; none if there is no such stack.
    pub async fn status(&self) -> Result<Option<String>, Failure> {
        match self.ask("DescribeStacks", &[]).await {
            Ok(root) => Ok(find(&root, "StackStatus").map(|status| status.text.clone())),
            Err(error) if error.ends_with("does not exist") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The stack's outputs.
    pub async fn outputs(&self) -> Result<BTreeMap<String, String>, Failure> {
        let root = self.ask("DescribeStacks", &[]).await?;
        let outputs = find(&root, "Outputs").map(|outputs| outputs.children.as_slice()).unwrap_or_default();
        let pair = |output: &Element| {
            Some((child(output, "OutputKey")?.to_owned(), child(output, "OutputValue")?.to_owned()))
        };
        Ok(outputs.iter().filter_map(pair).collect())
    }

    /// The physical ids of the stack's resources of a type, by their names in the template.
    pub async fn resources(&self, kind: &str) -> Result<BTreeMap<String, String>, Failure> {
        let root = self.ask("DescribeStackResources", &[]).await?;
        let resources =
            find(&root, "StackResources").map(|list| list.children.as_slice()).unwrap_or_default();
        let of_kind = resources.iter().filter(|resource| child(resource, "ResourceType") == Some(kind));
        let pair = |resource: &Element| {
            Some((
                child(resource, "LogicalResourceId")?.to_owned(),
                child(resource, "PhysicalResourceId")?.to_owned(),
            ))
        };
        Ok(of_kind.filter_map(pair).collect())
    }

    /// Deploys a template, telling each resource as it is made.
    pub async fn deploy(&self, template: &str) -> Result<Deployed, Failure> {
        let status = self.status().await?;
        if matches!(
            status.as_deref(),
            Some("ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | "DELETE_FAILED")
        ) {
            eprintln!(
                "  the stack failed before ({}); deleting what is left of it",
                status.as_deref().unwrap_or_default()
            );
            self.delete().await?;
        }
        let creates =
            !matches!(self.status().await?.as_deref(), Some(status) if status != "REVIEW_IN_PROGRESS");
        let kind = if creates { "CREATE" } else { "UPDATE" };
        let name = format!("nephos-{}", nephos_core::random::text(b"0123456789abcdef", 12));
        let made = self
            .ask(
                "CreateChangeSet",
                &[
                    ("ChangeSetName", &name),
                    ("ChangeSetType", kind),
                    ("TemplateBody", template),
                    ("Capabilities.member.1", "CAPABILITY_NAMED_IAM"),
                    ("Capabilities.member.2", "CAPABILITY_AUTO_EXPAND"),
                ],
            )
            .await?;
        let id = find(&made, "Id").map(|id| id.text.clone()).unwrap_or(name);
        let described = self.ask("DescribeChangeSet", &[("ChangeSetName", &id)]).await?;
        if find(&described, "Status").is_some_and(|status| status.text == "FAILED") {
            let reason =
                find(&described, "StatusReason").map(|reason| reason.text.clone()).unwrap_or_default();
            self.ask("DeleteChangeSet", &[("ChangeSetName", &id)]).await?;
            return if reason.contains("didn't contain changes") {
                Ok(Deployed::Unchanged)
            } else {
                Err(reason)
            };
        }
        let seen = self.event_ids().await?;
        self.ask("ExecuteChangeSet", &[("ChangeSetName", &id)]).await?;
        self.follow(seen).await
    }

    /// Deletes the stack and waits until it is gone.
    pub async fn delete(&self) -> Result<(), Failure> {
        self.ask("DeleteStack", &[]).await?;
        loop {
            match self.status().await?.as_deref() {
                None | Some("DELETE_COMPLETE") => return Ok(()),
                Some("DELETE_FAILED") => {
                    let root = self.ask("DescribeStacks", &[]).await?;
                    let reason = find(&root, "StackStatusReason").map(|reason| reason.text.clone());
                    return Err(reason.unwrap_or_else(|| "the stack could not be deleted".to_owned()));
                }
                Some(_) => tokio::time::sleep(POLL).await,
            }
        }
    }

    async fn events(&self) -> Result<Vec<Element>, Failure> {
        let root = self.ask("DescribeStackEvents", &[]).await?;
        let events = find(&root, "StackEvents").map(|events| events.children.clone()).unwrap_or_default();
        Ok(events.into_iter().rev().collect())
    }

    async fn event_ids(&self) -> Result<BTreeSet<String>, Failure> {
        let events = self.events().await?;
        Ok(events.iter().filter_map(|event| child(event, "EventId")).map(str::to_owned).collect())
    }

    async fn follow(&self, mut seen: BTreeSet<String>) -> Result<Deployed, Failure> {
        let mut reasons = Vec::new();
        loop {
            let status = self.status().await?.unwrap_or_default();
            for event in self.events().await? {
                let text = |name| child(&event, name).unwrap_or_default().to_owned();
                if !seen.insert(text("EventId")) || text("ResourceType") == "AWS::CloudFormation::Stack" {
                    continue;
                }
                let (state, name, kind) =
                    (text("ResourceStatus"), text("LogicalResourceId"), text("ResourceType"));
                if state.ends_with("_COMPLETE") {
                    eprintln!("  {} {name} {}", style::green("✓"), style::dim(&kind));
                } else if state.ends_with("_FAILED") {
                    let reason = text("ResourceStatusReason");
                    eprintln!("  {} {name} {} {reason}", style::red("✗"), style::dim(&kind));
                    reasons.push(format!("{name}: {reason}"));
                }
            }
            match status.as_str() {
                "CREATE_COMPLETE" | "UPDATE_COMPLETE" => return Ok(Deployed::Changed),
                status if status.ends_with("_IN_PROGRESS") => tokio::time::sleep(POLL).await,
                status => {
                    let why =
                        if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) };
                    return Err(format!("the stack {} ended as {status}{why}", self.name));
                }
            }
        }
    }
}
