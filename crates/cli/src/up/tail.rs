//! Streams the logs of a stack's functions, and the messages to its users.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nephos_core::{Clock, Timestamp};
use serde_json::{Value, json};

use crate::Failure;
use crate::client::Client;
use crate::stack::Stack;
use crate::style;

/// How often is looked for new lines.
const POLL: Duration = Duration::from_millis(400);
/// How many shown lines are remembered, to show none twice.
const REMEMBERED: usize = 4_000;

/// Prints until the caller stops it.
pub async fn follow(client: &Client, stack: &Stack<'_>) -> Result<(), Failure> {
    let functions = stack.resources("AWS::Lambda::Function").await?;
    let start = Clock::system().now();
    let mut tails: BTreeMap<String, Tail> = functions
        .into_iter()
        .map(|(name, id)| (name, Tail::new(format!("/aws/lambda/{id}"), start)))
        .collect();
    let mut mails = Mails { after: start };
    loop {
        for (name, tail) in &mut tails {
            for line in tail.fresh(client).await? {
                eprintln!("{} {line}", style::dim(&format!("{name:>16} │")));
            }
        }
        mails.show(client).await?;
        tokio::time::sleep(POLL).await;
    }
}

/// A log group that is being followed.
pub struct Tail {
    group: String,
    after: Timestamp,
    seen: BTreeSet<String>,
}

impl Tail {
    /// Follows a group from a moment on.
    pub fn new(group: String, after: Timestamp) -> Tail {
        Tail { group, after, seen: BTreeSet::new() }
    }

    /// The lines that were not given before. A group that does not exist yet has none.
    pub async fn fresh(&mut self, client: &Client) -> Result<Vec<String>, Failure> {
        let mut lines = Vec::new();
        let mut token = Value::Null;
        loop {
            let mut input = json!({ "logGroupName": self.group, "startTime": self.after.millis() });
            if token.is_string() {
                input["nextToken"] = token;
            }
            let page = match client.json("logs", "Logs_20140328.FilterLogEvents", &input).await {
                Ok(page) => page,
                Err(error) if error.contains("does not exist") => return Ok(lines),
                Err(error) => return Err(error),
            };
            for event in page["events"].as_array().into_iter().flatten() {
                self.take(event, &mut lines);
            }
            token = page["nextToken"].clone();
            if token.is_null() {
                return Ok(lines);
            }
        }
    }

    fn take(&mut self, event: &Value, lines: &mut Vec<String>) {
        let id = event["eventId"].as_str().unwrap_or_default().to_owned();
        if !self.seen.insert(id) {
            return;
        }
        let at = Timestamp::from_millis(event["timestamp"].as_i64().unwrap_or_default());
        // Lines of one moment may still come; a little overlap loses none.
        self.after = self.after.max(at - Duration::from_secs(5));
        if self.seen.len() > REMEMBERED {
            self.seen.pop_first();
        }
        lines.push(event["message"].as_str().unwrap_or_default().trim_end().to_owned());
    }
}

struct Mails {
    after: Timestamp,
}

impl Mails {
    async fn show(&mut self, client: &Client) -> Result<(), Failure> {
        let outbox = client.platform("outbox").await?;
        let messages = outbox["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let at = |message: &Value| Timestamp::from_millis(message["at"].as_i64().unwrap_or_default());
        for message in messages.iter().rev().filter(|message| at(message) > self.after) {
            let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
            let facts = message["facts"]["code"].as_str().map(|code| format!("  code {}", style::bold(code)));
            eprintln!(
                "{} to {}: {}{}",
                style::dim(&format!("{:>16} │", "mail")),
                text("to"),
                text("subject"),
                facts.unwrap_or_default()
            );
        }
        if let Some(newest) = messages.first() {
            self.after = self.after.max(at(newest));
        }
        Ok(())
    }
}
