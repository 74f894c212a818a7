//! Log streams.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use nephos_core::Cx;
use nephos_store::Read;

use crate::groups::starting_with;
use crate::names::{Owner, group_of};
use crate::records::{DoomedRecord, StreamRecord};
use crate::shapes::{
    CreateLogStreamRequest, DeleteLogStreamRequest, DescribeLogStreamsRequest, DescribeLogStreamsResponse,
    LogStream, Unit,
};
use crate::{Error, Logs, groups, ingest, keys, paging};

const DEFAULT_PAGE: usize = 50;
const ORDERED_BY_TIME: &str = "LastEventTime";

/// Finds a stream's record.
pub fn find(read: &dyn Read, group: u64, name: &str) -> Result<StreamRecord, Error> {
    (&read).record(&keys::stream(group, name))?.ok_or(Error::NoStream)
}

/// CreateLogStream.
pub async fn create_log_stream(logs: &Logs, cx: &Cx, input: CreateLogStreamRequest) -> Result<Unit, Error> {
    let (owner, now) = (Owner::of(cx), cx.now());
    let (group, name) = (input.log_group_name.unwrap_or_default(), input.log_stream_name.unwrap_or_default());
    logs.store
        .transact("logs-create-stream", |tx| {
            let group = groups::find(tx, &owner, &group)?;
            if tx.get(&keys::stream(group.id, &name))?.is_some() {
                return Err(Error::StreamExists);
            }
            ingest::new_stream(tx, group.id, &name, now)?;
            Ok(())
        })
        .await?;
    Ok(Unit::default())
}

/// DeleteLogStream. Its events are out of sight at once and swept by the worker.
pub async fn delete_log_stream(logs: &Logs, cx: &Cx, input: DeleteLogStreamRequest) -> Result<Unit, Error> {
    let owner = Owner::of(cx);
    let (group, name) = (input.log_group_name.unwrap_or_default(), input.log_stream_name.unwrap_or_default());
    logs.ingest.settle().await;
    logs.store
        .transact("logs-delete-stream", |tx| {
            let group = groups::find(tx, &owner, &group)?;
            let stream = find(tx, group.id, &name)?;
            tx.delete(keys::stream(group.id, &name));
            tx.delete(keys::stream_name(group.id, stream.id));
            let Some((first, last)) = stream.first_event_millis.zip(stream.last_event_millis) else {
                return Ok(());
            };
            let (from_millis, to_millis) = (first.max(0).unsigned_abs(), last.max(0).unsigned_abs());
            let doomed = DoomedRecord { whole_group: false, from_millis, to_millis };
            Ok::<_, Error>(tx.put_record(keys::doomed(group.id, stream.id), &doomed)?)
        })
        .await?;
    logs.sweep_soon();
    Ok(Unit::default())
}

/// DescribeLogStreams.
pub async fn describe_log_streams(
    logs: &Logs,
    cx: &Cx,
    input: DescribeLogStreamsRequest,
) -> Result<DescribeLogStreamsResponse, Error> {
    let owner = Owner::of(cx);
    let group = group_of(input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let by_time = input.order_by.as_deref() == Some(ORDERED_BY_TIME);
    if by_time && input.log_stream_name_prefix.is_some() {
        return Err(Error::InvalidParameter(
            "Cannot order by LastEventTime with a logStreamNamePrefix.".to_owned(),
        ));
    }
    let query = Query {
        prefix: input.log_stream_name_prefix.unwrap_or_default(),
        descending: input.descending.unwrap_or_default(),
        after: paging::decode(input.next_token.as_deref())?,
        limit: paging::limit(input.limit, DEFAULT_PAGE) + 1,
    };
    logs.ingest.settle().await;
    let mut page = logs.store.read(|view| {
        let group = groups::find(view, &owner, &group)?;
        if by_time { query.by_time(view, group.id) } else { query.by_name(view, group.id) }
    })?;
    let more = page.len() == query.limit;
    page.truncate(query.limit - 1);
    let next_token = page.last().filter(|_| more).map(|(name, stream)| match by_time {
        true => paging::encode(&format!("{}/{name}", last_event(stream))),
        false => paging::encode(name),
    });
    let log_streams =
        page.into_iter().map(|(name, stream)| describe(&owner, &group, name, &stream)).collect();
    Ok(DescribeLogStreamsResponse { log_streams: Some(log_streams), next_token })
}

struct Query {
    prefix: String,
    descending: bool,
    after: Option<String>,
    limit: usize,
}

impl Query {
    fn by_name(&self, read: &dyn Read, group: u64) -> Result<Vec<(String, StreamRecord)>, Error> {
        let mut range = starting_with(&keys::streams(group), &self.prefix).limit(self.limit);
        match (&self.after, self.descending) {
            (Some(after), false) => range = range.after(&keys::stream(group, after)),
            (Some(after), true) => range = range.before(&keys::stream(group, after)),
            (None, _) => {}
        }
        if self.descending {
            range = range.reverse();
        }
        let page = (&read).records::<StreamRecord>(&range)?;
        page.into_iter().map(|(key, stream)| Ok((keys::stream_in(key.as_bytes())?, stream))).collect()
    }

    /// Keeps no more than a page of the group's streams at a time.
    fn by_time(&self, read: &dyn Read, group: u64) -> Result<Vec<(String, StreamRecord)>, Error> {
        let after = self.after.as_deref().map(time_token).transpose()?;
        let range = nephos_store::Range::prefix(&keys::streams(group));
        let mut page = BTreeMap::new();
        paging::walk(read, range, &mut |key, stream: StreamRecord| {
            let order = (last_event(&stream), keys::stream_in(key.as_bytes())?);
            let past = match (&after, self.descending) {
                (None, _) => true,
                (Some(after), false) => order > *after,
                (Some(after), true) => order < *after,
            };
            if past {
                let name = order.1.clone();
                let rank = if self.descending { (Some(Reverse(order)), None) } else { (None, Some(order)) };
                page.insert(rank, (name, stream));
                if page.len() > self.limit {
                    page.pop_last();
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(page.into_values().collect())
    }
}

fn last_event(stream: &StreamRecord) -> i64 {
    stream.last_event_millis.unwrap_or(0)
}

fn time_token(token: &str) -> Result<(i64, String), Error> {
    token
        .split_once('/')
        .and_then(|(at, name)| Some((at.parse().ok()?, name.to_owned())))
        .ok_or_else(|| Error::InvalidParameter("The specified nextToken is invalid.".to_owned()))
}

fn describe(owner: &Owner, group: &str, name: String, stream: &StreamRecord) -> LogStream {
    LogStream {
        arn: Some(owner.stream_arn(group, &name).to_string()),
        log_stream_name: Some(name),
        creation_time: Some(stream.created_millis),
        first_event_timestamp: stream.first_event_millis,
        last_event_timestamp: stream.last_event_millis,
        last_ingestion_time: stream.last_ingestion_millis,
        upload_sequence_token: Some(sequence_token(stream)),
        // The service stopped counting streams' bytes in 2019 and answers 0 since.
        stored_bytes: Some(0),
    }
}

/// Tokens are accepted and ignored since 2023, and still given.
pub fn sequence_token(stream: &StreamRecord) -> String {
    format!("49{:054}", stream.id)
}
