//! Which functions hear of which events of a bucket.

use nephos_core::{Arn, random};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How many targets a bucket may have.
pub const MAX_TARGETS: usize = 100;

/// The events that a configuration may name.
const KNOWN: [&str; 31] = [
    "s3:ReducedRedundancyLostObject",
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationNotTracked",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:ObjectAcl:Put",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
    "s3:ObjectAnnotation:*",
    "s3:ObjectAnnotation:Put",
    "s3:ObjectAnnotation:Delete",
    "s3:TestEvent",
];

/// Something that happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Happening {
    /// PutObject.
    Put,
    /// A browser's form.
    Post,
    /// CopyObject.
    Copy,
    /// CompleteMultipartUpload.
    Completed,
    /// DeleteObject or DeleteObjects.
    Deleted,
    /// PutObjectTagging.
    Tagged,
    /// DeleteObjectTagging.
    Untagged,
}

impl Happening {
    /// The event's name as configurations spell it.
    pub fn name(self) -> &'static str {
        match self {
            Happening::Put => "s3:ObjectCreated:Put",
            Happening::Post => "s3:ObjectCreated:Post",
            Happening::Copy => "s3:ObjectCreated:Copy",
            Happening::Completed => "s3:ObjectCreated:CompleteMultipartUpload",
            Happening::Deleted => "s3:ObjectRemoved:Delete",
            Happening::Tagged => "s3:ObjectTagging:Put",
            Happening::Untagged => "s3:ObjectTagging:Delete",
        }
    }
}

/// A function, the events that it hears of, and the keys that they are about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationTarget {
    /// The configuration's id, which the event carries.
    pub id: String,
    /// The function's ARN.
    pub function: String,
    /// The events, a `*` at the end standing for all of a kind.
    pub events: Vec<String>,
    /// How the key must begin.
    pub prefix: Option<String>,
    /// How the key must end.
    pub suffix: Option<String>,
}

impl NotificationTarget {
    /// Checks one target as PutBucketNotificationConfiguration does. `filters` are names and values of filter rules.
    pub fn parse(
        id: Option<String>,
        function: String,
        events: Vec<String>,
        filters: Vec<(String, String)>,
    ) -> Result<NotificationTarget, Error> {
        if let Some(event) = events.iter().find(|event| !KNOWN.contains(&event.as_str())) {
            return Err(Error::argument(
                "A specified event is not supported for notifications.",
                "Event",
                event.clone(),
            ));
        }
        if events.is_empty() {
            return Err(Error::MalformedXml);
        }
        let lambda = function.parse::<Arn>().is_ok_and(|arn| {
            arn.service == "lambda" && arn.account_id().is_some() && arn.resource.starts_with("function:")
        });
        if !lambda {
            return Err(Error::argument("The ARN could not be parsed", "CloudFunction", function));
        }
        let (mut prefix, mut suffix) = (None, None);
        for (name, value) in filters {
            let (slot, article) = match name.to_ascii_lowercase().as_str() {
                "prefix" => (&mut prefix, "prefix"),
                "suffix" => (&mut suffix, "suffix"),
                _ => {
                    let text = "filter rule name must be either prefix or suffix";
                    return Err(Error::argument(text, "FilterRule.Name", name));
                }
            };
            if slot.replace(value.clone()).is_some() {
                let text = format!("Cannot specify more than one {article} rule in a filter.");
                return Err(Error::argument(text, "FilterRule.Value", value));
            }
        }
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(random::uuid);
        Ok(NotificationTarget { id, function, events, prefix, suffix })
    }

    /// Whether the target hears of this.
    pub fn hears(&self, happening: Happening, key: &str) -> bool {
        self.events.iter().any(|pattern| covers(pattern, happening.name()))
            && self.prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix))
            && self.suffix.as_deref().is_none_or(|suffix| key.ends_with(suffix))
    }

    /// Whether one event of one key could go to both.
    fn overlaps(&self, other: &NotificationTarget) -> bool {
        let shared = self
            .events
            .iter()
            .any(|mine| other.events.iter().any(|theirs| covers(mine, theirs) || covers(theirs, mine)));
        let (mine, theirs) = (self.prefix.as_deref().unwrap_or(""), other.prefix.as_deref().unwrap_or(""));
        let prefixes = mine.starts_with(theirs) || theirs.starts_with(mine);
        let (mine, theirs) = (self.suffix.as_deref().unwrap_or(""), other.suffix.as_deref().unwrap_or(""));
        shared && prefixes && (mine.ends_with(theirs) || theirs.ends_with(mine))
    }
}

fn covers(pattern: &str, event: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(kind) => event.starts_with(kind),
        None => pattern == event,
    }
}

/// Checks a whole configuration: ids differ, and no event can go two ways.
pub fn check(targets: &[NotificationTarget]) -> Result<(), Error> {
    if targets.len() > MAX_TARGETS {
        return Err(Error::argument(
            "Number of configurations exceeds the allowed maximum",
            "CloudFunctionConfiguration",
            targets.len().to_string(),
        ));
    }
    for (index, target) in targets.iter().enumerate() {
        for other in &targets[..index] {
            if target.id == other.id {
                let text = "Same ID used for multiple configurations. IDs must be unique";
                return Err(Error::argument(text, "Id", target.id.clone()));
            }
            if target.overlaps(other) {
                return Err(Error::argument(
                    "Configurations overlap. Configurations on the same bucket cannot share a common event type.",
                    "CloudFunctionConfiguration",
                    target.id.clone(),
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(events: &[&str], filters: &[(&str, &str)]) -> Result<NotificationTarget, Error> {
        let events = events.iter().map(|e| (*e).to_owned()).collect();
        let filters = filters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        NotificationTarget::parse(
            None,
            "arn:aws:lambda:us-east-1:000000000000:function:f".into(),
            events,
            filters,
        )
    }

    #[test]
    fn targets_hear_what_they_asked_for() {
        let images = target(&["s3:ObjectCreated:*"], &[("Prefix", "in/"), ("suffix", ".png")]).unwrap();
        assert!(images.hears(Happening::Put, "in/a.png"));
        assert!(images.hears(Happening::Completed, "in/.png"));
        for (happening, key) in
            [(Happening::Deleted, "in/a.png"), (Happening::Put, "out/a.png"), (Happening::Put, "in/a.jpg")]
        {
            assert!(!images.hears(happening, key), "{key}");
        }
        let one = target(&["s3:ObjectRemoved:Delete"], &[]).unwrap();
        assert!(one.hears(Happening::Deleted, "x") && !one.hears(Happening::Put, "x"));
    }

    #[test]
    fn what_is_no_target_is_refused() {
        assert!(target(&["s3:ObjectEaten:*"], &[]).is_err());
        assert!(target(&["s3:ObjectCreated:*"], &[("infix", "x")]).is_err());
        assert!(target(&["s3:ObjectCreated:*"], &[("prefix", "x"), ("Prefix", "y")]).is_err());
        let queue = "arn:aws:sqs:us-east-1:000000000000:q".to_owned();
        assert!(NotificationTarget::parse(None, queue, vec!["s3:ObjectCreated:*".into()], vec![]).is_err());
    }

    #[test]
    fn overlapping_configurations_are_refused() {
        let created = target(&["s3:ObjectCreated:*"], &[("prefix", "a/")]).unwrap();
        let put = target(&["s3:ObjectCreated:Put"], &[("prefix", "a/b/"), ("suffix", ".x")]).unwrap();
        let elsewhere = target(&["s3:ObjectCreated:Put"], &[("prefix", "b/")]).unwrap();
        let removed = target(&["s3:ObjectRemoved:*"], &[]).unwrap();
        assert!(check(&[created.clone(), put]).is_err());
        assert!(check(&[created.clone(), elsewhere, removed]).is_ok());
        assert!(check(&[created.clone(), created]).is_err());
    }
}
