//! PutLogEvents and GetLogEvents.

use std::ops::ControlFlow;
use std::time::Duration;

use nephos_core::ports::LogLine;
use nephos_core::{Cx, Timestamp};
use nephos_store::{Read, StoreError};

use crate::ingest::EVENT_OVERHEAD_BYTES;
use crate::keys::Position;
use crate::names::{Owner, group_of};
use crate::records::{GroupRecord, StoredEvent};
use crate::shapes::{
    GetLogEventsRequest, GetLogEventsResponse, InputLogEvent, OutputLogEvent, PutLogEventsRequest,
    PutLogEventsResponse, RejectedLogEventsInfo,
};
use crate::{Error, Logs, groups, ingest, keys, paging, streams};

/// The most bytes of one PutLogEvents, each event counted with its overhead; also of one event, and of one page.
pub const MAX_BATCH_BYTES: usize = 1_048_576;
const MAX_SPAN: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_AGE: Duration = Duration::from_secs(14 * 24 * 60 * 60);
const MAX_AHEAD: Duration = Duration::from_secs(2 * 60 * 60);
const MAX_PAGE: usize = 10_000;
/// How many of a group's events one call looks at, so that a group full of other streams' events bounds it, too.
const MAX_VISITED: usize = 100_000;

/// PutLogEvents.
pub async fn put_log_events(
    logs: &Logs,
    cx: &Cx,
    input: PutLogEventsRequest,
) -> Result<PutLogEventsResponse, Error> {
    let (owner, now) = (Owner::of(cx), cx.now());
    let (group, stream) =
        (input.log_group_name.unwrap_or_default(), input.log_stream_name.unwrap_or_default());
    let lines = lines(input.log_events.unwrap_or_default())?;
    logs.store
        .transact("logs-put-events", |tx| {
            let group = groups::find(tx, &owner, &group)?;
            let mut record = streams::find(tx, group.id, &stream)?;
            let (taken, rejected) = judge(&lines, &group, now);
            for line in taken {
                ingest::put_event(tx, &logs.sequence, now, (group.id, &mut record), line);
            }
            tx.put_record(keys::stream(group.id, &stream), &record)?;
            ingest::add_stored(tx, group.id, ingest::counted_bytes(taken))?;
            Ok(PutLogEventsResponse {
                next_sequence_token: Some(streams::sequence_token(&record)),
                rejected_log_events_info: rejected,
                ..PutLogEventsResponse::default()
            })
        })
        .await
}

fn lines(events: Vec<InputLogEvent>) -> Result<Vec<LogLine>, Error> {
    let lines: Vec<LogLine> = events
        .into_iter()
        .map(|event| LogLine {
            at: Timestamp::from_millis(event.timestamp.unwrap_or_default()),
            message: event.message.unwrap_or_default(),
        })
        .collect();
    let size = |line: &LogLine| line.message.len() + EVENT_OVERHEAD_BYTES;
    let total: usize = lines.iter().map(size).sum();
    let refuse = |text: String| Err(Error::InvalidParameter(text));
    if let Some(large) = lines.iter().map(size).find(|bytes| *bytes > MAX_BATCH_BYTES) {
        return refuse(format!("Log event too large: {large} bytes exceeds limit of {MAX_BATCH_BYTES}"));
    }
    if total > MAX_BATCH_BYTES {
        return refuse(format!("Upload too large: {total} bytes exceeds limit of {MAX_BATCH_BYTES}"));
    }
    if lines.windows(2).any(|pair| pair[0].at > pair[1].at) {
        return refuse(
            "Log events in a single PutLogEvents request must be in chronological order.".to_owned(),
        );
    }
    if lines.last().zip(lines.first()).is_some_and(|(last, first)| last.at - first.at > MAX_SPAN) {
        return refuse(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
                .to_owned(),
        );
    }
    Ok(lines)
}

/// The events that are neither too old nor too new, and what is said of the others.
fn judge<'l>(
    lines: &'l [LogLine],
    group: &GroupRecord,
    now: Timestamp,
) -> (&'l [LogLine], Option<RejectedLogEventsInfo>) {
    let before = |at: Timestamp| lines.partition_point(|line| line.at < at);
    let kept = Timestamp::from_millis(i64::try_from(group.kept_since(now)).unwrap_or(i64::MAX));
    let (too_old, expired) = (before(now - MAX_AGE), before(kept));
    let too_new = lines.partition_point(|line| line.at <= now + MAX_AHEAD);
    let start = too_old.max(expired);
    let index = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let rejected = (start > 0 || too_new < lines.len()).then(|| RejectedLogEventsInfo {
        too_old_log_event_end_index: (too_old > 0).then(|| index(too_old)),
        expired_log_event_end_index: (expired > 0).then(|| index(expired)),
        too_new_log_event_start_index: (too_new < lines.len()).then(|| index(too_new)),
    });
    (&lines[start.min(too_new)..too_new], rejected)
}

/// GetLogEvents.
pub async fn get_log_events(
    logs: &Logs,
    cx: &Cx,
    input: GetLogEventsRequest,
) -> Result<GetLogEventsResponse, Error> {
    let owner = Owner::of(cx);
    let group = group_of(input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let stream = input.log_stream_name.clone().unwrap_or_default();
    logs.ingest.settle().await;
    let now = cx.now();
    logs.store.read(|view| {
        let group = groups::find(view, &owner, &group)?;
        let stream = streams::find(view, group.id, &stream)?;
        let token = input.next_token.as_deref().map(Token::parse).transpose()?;
        let forward = token.as_ref().map_or(input.start_from_head.unwrap_or_default(), |token| token.forward);
        let page = Page {
            group: group.id,
            stream: stream.id,
            from_millis: input.start_time.unwrap_or(0).max(0).unsigned_abs().max(group.kept_since(now)),
            // The end is exclusive.
            to_millis: input.end_time.map_or(u64::MAX, |end| end.max(0).unsigned_abs().saturating_sub(1)),
            forward,
            start: token.map(|token| token.at),
            limit: paging::limit(input.limit, MAX_PAGE),
        };
        Ok(page.read(view)?)
    })
}

/// A place in a stream, and the direction in which to read on from there.
struct Token {
    forward: bool,
    at: Position,
}

impl Token {
    fn parse(text: &str) -> Result<Token, Error> {
        let invalid = || Error::InvalidParameter("The specified nextToken is invalid.".to_owned());
        let (direction, digits) = text.split_once('/').ok_or_else(invalid)?;
        let number =
            |part: std::ops::Range<usize>| digits.get(part).and_then(|d| u64::from_str_radix(d, 16).ok());
        match (direction, number(0..16), number(16..32), number(32..48), digits.len()) {
            ("f" | "b", Some(at_millis), Some(sequence), Some(stream), 48) => {
                Ok(Token { forward: direction == "f", at: Position { at_millis, sequence, stream } })
            }
            _ => Err(invalid()),
        }
    }

    fn show(forward: bool, at: &Position) -> String {
        let direction = if forward { 'f' } else { 'b' };
        format!("{direction}/{:016x}{:016x}{:016x}", at.at_millis, at.sequence, at.stream)
    }
}

/// One page of one stream's events, read out of its group's.
struct Page {
    group: u64,
    stream: u64,
    from_millis: u64,
    to_millis: u64,
    forward: bool,
    start: Option<Position>,
    limit: usize,
}

impl Page {
    fn read(&self, read: &dyn Read) -> Result<GetLogEventsResponse, StoreError> {
        let mut range = keys::events_between(self.group, self.from_millis, self.to_millis);
        if let Some(start) = &self.start {
            let key = keys::event(self.group, start);
            range = if self.forward { range.after(&key) } else { range.before(&key) };
        }
        if !self.forward {
            range = range.reverse();
        }
        let (mut found, mut bytes, mut reached, mut failed) = (Vec::new(), 0, None, None);
        let mut visit = |key: &[u8], value: &[u8]| -> Result<bool, StoreError> {
            let at = keys::position(key)?;
            if at.stream == self.stream {
                let event = StoredEvent::decode(value)?;
                bytes += event.message.len() + EVENT_OVERHEAD_BYTES;
                if bytes > MAX_BATCH_BYTES && !found.is_empty() {
                    return Ok(false);
                }
                found.push((at, output(&at, &event)));
            }
            reached = Some(at);
            Ok(found.len() < self.limit)
        };
        read.scan(&range.limit(MAX_VISITED), &mut |key, value| match visit(key, value) {
            Ok(true) => ControlFlow::Continue(()),
            Ok(false) => ControlFlow::Break(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })?;
        failed.map_or_else(|| Ok(self.answer(found, reached)), Err)
    }

    /// The tokens stand before the first and after the last event of what was seen; where nothing new was seen they
    /// are the ones that were given, which tells the caller that this is the end.
    fn answer(
        &self,
        mut found: Vec<(Position, OutputLogEvent)>,
        reached: Option<Position>,
    ) -> GetLogEventsResponse {
        if !self.forward {
            found.reverse();
        }
        let stay = self.start.unwrap_or(Position { at_millis: self.from_millis, ..Position::START });
        let far = reached.unwrap_or(stay);
        let near = if self.forward { found.first() } else { found.last() }.map_or(stay, |(at, _)| *at);
        let (last, first) = if self.forward { (far, near) } else { (near, far) };
        GetLogEventsResponse {
            next_forward_token: Some(Token::show(true, &last)),
            next_backward_token: Some(Token::show(false, &first)),
            events: Some(found.into_iter().map(|(_, event)| event).collect()),
        }
    }
}

fn output(at: &Position, event: &StoredEvent<'_>) -> OutputLogEvent {
    OutputLogEvent {
        timestamp: Some(i64::try_from(at.at_millis).unwrap_or(i64::MAX)),
        message: Some(event.message.to_owned()),
        ingestion_time: Some(event.ingested_millis),
    }
}
