//! Log groups and their retention.

use std::ops::ControlFlow;

use nephos_core::Cx;
use nephos_store::{Range, Read, Tx};

use crate::names::{Owner, group_of};
use crate::records::{DoomedRecord, GroupRecord};
use crate::shapes::{
    CreateLogGroupRequest, DeleteLogGroupRequest, DeleteRetentionPolicyRequest, DescribeLogGroupsRequest,
    DescribeLogGroupsResponse, LogGroup, PutRetentionPolicyRequest, Unit,
};
use crate::{Error, Logs, ingest, keys, paging};

/// The retentions that the service knows, in days.
const RETENTION_DAYS: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
const DEFAULT_PAGE: usize = 50;

/// Finds a group's record.
pub fn find(read: &dyn Read, owner: &Owner, name: &str) -> Result<GroupRecord, Error> {
    (&read).record(&keys::group(owner, name))?.ok_or(Error::NoGroup)
}

/// CreateLogGroup.
pub async fn create_log_group(logs: &Logs, cx: &Cx, input: CreateLogGroupRequest) -> Result<Unit, Error> {
    let (owner, name) = (Owner::of(cx), input.log_group_name.unwrap_or_default());
    if input.kms_key_id.is_some() {
        return Err(Error::Unsupported("Nephos does not implement kmsKeyId for log groups.".to_owned()));
    }
    let mut group = GroupRecord::new(cx.now());
    group.tags = input.tags.unwrap_or_default();
    group.protected = input.deletion_protection_enabled.unwrap_or_default();
    if let Some(class) = input.log_group_class {
        group.class = class;
    }
    logs.store
        .transact("logs-create-group", |tx| {
            let key = keys::group(&owner, &name);
            if tx.get(&key)?.is_some() {
                return Err(Error::GroupExists);
            }
            Ok(tx.put_record(key, &group)?)
        })
        .await?;
    Ok(Unit::default())
}

/// DeleteLogGroup. What hangs on the group is out of sight at once and swept by the worker.
pub async fn delete_log_group(logs: &Logs, cx: &Cx, input: DeleteLogGroupRequest) -> Result<Unit, Error> {
    let (owner, name) = (Owner::of(cx), input.log_group_name.unwrap_or_default());
    logs.ingest.settle().await;
    logs.store
        .transact("logs-delete-group", |tx| {
            let group = find(tx, &owner, &name)?;
            if group.protected {
                return Err(Error::Validation(
                    "Log group deletion is disabled. Disable deletion protection to delete the log group."
                        .to_owned(),
                ));
            }
            tx.delete(keys::group(&owner, &name));
            let doomed = DoomedRecord { whole_group: true, from_millis: 0, to_millis: u64::MAX };
            Ok(tx.put_record(keys::doomed(group.id, 0), &doomed)?)
        })
        .await?;
    logs.sweep_soon();
    Ok(Unit::default())
}

/// DescribeLogGroups.
pub async fn describe_log_groups(
    logs: &Logs,
    cx: &Cx,
    input: DescribeLogGroupsRequest,
) -> Result<DescribeLogGroupsResponse, Error> {
    let wanted = Wanted::of(&input)?;
    let owner = Owner::of(cx);
    let limit = paging::limit(input.limit, DEFAULT_PAGE);
    let after = paging::decode(input.next_token.as_deref())?;
    let page = logs.store.read(|view| wanted.page(view, &owner, after, limit + 1))?;
    let mut found = Vec::with_capacity(page.len());
    for (name, group) in page.iter().take(limit) {
        found.push(describe(logs, &owner, name, group)?);
    }
    let next_token = match found.last() {
        Some(last) if page.len() > limit => last.log_group_name.as_deref().map(paging::encode),
        _ => None,
    };
    Ok(DescribeLogGroupsResponse { log_groups: Some(found), next_token })
}

/// Which groups a caller asked for.
#[derive(Default)]
struct Wanted {
    prefix: Option<String>,
    pattern: Option<String>,
    class: Option<String>,
    names: Option<Vec<String>>,
}

impl Wanted {
    fn of(input: &DescribeLogGroupsRequest) -> Result<Wanted, Error> {
        let (prefix, pattern) = (input.log_group_name_prefix.clone(), input.log_group_name_pattern.clone());
        if prefix.is_some() && pattern.is_some() {
            return Err(Error::InvalidParameter(
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
                    .to_owned(),
            ));
        }
        let names = input.log_group_identifiers.as_ref();
        let names = names.map(|list| list.iter().map(|id| group_of(None, Some(id))).collect()).transpose()?;
        Ok(Wanted { prefix, pattern, class: input.log_group_class.clone(), names })
    }

    fn has(&self, name: &str, group: &GroupRecord) -> bool {
        let pattern = self.pattern.as_deref().unwrap_or_default().to_ascii_lowercase();
        name.to_ascii_lowercase().contains(&pattern)
            && self.class.as_ref().is_none_or(|class| *class == group.class)
            && self.names.as_ref().is_none_or(|names| names.iter().any(|wanted| wanted == name))
    }

    fn page(
        &self,
        read: &dyn Read,
        owner: &Owner,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<(String, GroupRecord)>, Error> {
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let mut range = starting_with(&keys::groups(owner), prefix);
        if let Some(after) = after {
            range = range.after(&keys::group(owner, &after));
        }
        let mut page = Vec::new();
        paging::walk(read, range, &mut |key, group: GroupRecord| {
            let name = keys::group_name(key.as_bytes())?;
            if self.has(&name, &group) {
                page.push((name, group));
            }
            Ok(if page.len() == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(page)
    }
}

/// The keys under `parent` whose next text begins with `prefix`.
pub fn starting_with(parent: &nephos_store::Key, prefix: &str) -> Range {
    // Without a text's end, the encoded prefix begins every longer text.
    Range::prefix(&parent.clone().raw(prefix.as_bytes()))
}

fn describe(logs: &Logs, owner: &Owner, name: &str, group: &GroupRecord) -> Result<LogGroup, Error> {
    let arn = owner.group_arn(name).to_string();
    let stored = logs.store.read(|view| ingest::stored_bytes(view, group.id))?;
    Ok(LogGroup {
        log_group_name: Some(name.to_owned()),
        creation_time: Some(group.created_millis),
        retention_in_days: group.retention_days,
        metric_filter_count: Some(0),
        arn: Some(format!("{arn}:*")),
        stored_bytes: Some(i64::try_from(stored).unwrap_or(i64::MAX)),
        log_group_class: Some(group.class.clone()),
        log_group_arn: Some(arn),
        deletion_protection_enabled: Some(group.protected),
        ..LogGroup::default()
    })
}

/// PutRetentionPolicy.
pub async fn put_retention_policy(
    logs: &Logs,
    cx: &Cx,
    input: PutRetentionPolicyRequest,
) -> Result<Unit, Error> {
    let days = input.retention_in_days.unwrap_or_default();
    if !RETENTION_DAYS.contains(&days) {
        let known: Vec<String> = RETENTION_DAYS.iter().map(i32::to_string).collect();
        return Err(Error::InvalidParameter(format!(
            "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member must \
             satisfy enum value set: [{}]",
            known.join(", ")
        )));
    }
    change(logs, cx, input.log_group_name, |group| group.retention_days = Some(days)).await?;
    logs.sweep_soon();
    Ok(Unit::default())
}

/// DeleteRetentionPolicy.
pub async fn delete_retention_policy(
    logs: &Logs,
    cx: &Cx,
    input: DeleteRetentionPolicyRequest,
) -> Result<Unit, Error> {
    change(logs, cx, input.log_group_name, |group| group.retention_days = None).await?;
    Ok(Unit::default())
}

/// Changes a group's record.
pub async fn change(
    logs: &Logs,
    cx: &Cx,
    name: Option<String>,
    change: impl Fn(&mut GroupRecord),
) -> Result<(), Error> {
    let (owner, name) = (Owner::of(cx), name.unwrap_or_default());
    logs.store
        .transact("logs-change-group", |tx: &mut Tx| {
            let mut group = find(tx, &owner, &name)?;
            change(&mut group);
            Ok(tx.put_record(keys::group(&owner, &name), &group)?)
        })
        .await
}
