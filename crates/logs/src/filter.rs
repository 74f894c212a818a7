//! FilterLogEvents: a group's events by time, those of some streams or all, that satisfy a pattern.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use nephos_core::Cx;
use nephos_store::{Read, StoreError};

use crate::events::MAX_BATCH_BYTES;
use crate::ingest::EVENT_OVERHEAD_BYTES;
use crate::keys::Position;
use crate::names::{Owner, group_of};
use crate::pattern::Pattern;
use crate::records::StoredEvent;
use crate::shapes::{FilterLogEventsRequest, FilterLogEventsResponse, FilteredLogEvent, SearchedLogStream};
use crate::{Error, Logs, groups, keys, paging, streams};

const MAX_PAGE: usize = 10_000;
/// How many events one call looks at before it answers with a token for the rest.
const MAX_VISITED: usize = 100_000;

/// FilterLogEvents.
pub async fn filter_log_events(
    logs: &Logs,
    cx: &Cx,
    input: FilterLogEventsRequest,
) -> Result<FilterLogEventsResponse, Error> {
    let owner = Owner::of(cx);
    let group = group_of(input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    if input.log_stream_names.is_some() && input.log_stream_name_prefix.is_some() {
        return Err(Error::InvalidParameter(
            "logStreamNamePrefix and logStreamNames are mutually exclusive parameters.".to_owned(),
        ));
    }
    let pattern = Pattern::parse(input.filter_pattern.as_deref().unwrap_or_default())?;
    logs.ingest.settle().await;
    let now = cx.now();
    logs.store.read(|view| {
        let group = groups::find(view, &owner, &group)?;
        let mut search = Search {
            group: group.id,
            pattern: &pattern,
            streams: Streams::of(view, group.id, &input)?,
            limit: paging::limit(input.limit, MAX_PAGE),
            found: Vec::new(),
            bytes: 0,
            reached: None,
        };
        let from = input.start_time.unwrap_or(0).max(0).unsigned_abs().max(group.kept_since(now));
        let to = input.end_time.map_or(u64::MAX, |end| end.max(0).unsigned_abs());
        let after = paging::decode(input.next_token.as_deref())?.map(|token| position(&token)).transpose()?;
        let complete = search.run(view, from, to, after.as_ref())?;
        Ok(search.answer(complete))
    })
}

fn position(token: &str) -> Result<Position, Error> {
    let mut numbers = token.split('.').map(str::parse::<u64>);
    match (numbers.next(), numbers.next(), numbers.next(), numbers.next()) {
        (Some(Ok(at_millis)), Some(Ok(sequence)), Some(Ok(stream)), None) => {
            Ok(Position { at_millis, sequence, stream })
        }
        _ => Err(Error::InvalidParameter("The specified nextToken is invalid.".to_owned())),
    }
}

/// Which streams are searched, and the names of those met on the way.
struct Streams {
    only: Option<HashSet<u64>>,
    prefix: String,
    names: HashMap<u64, Option<String>>,
}

impl Streams {
    fn of(read: &dyn Read, group: u64, input: &FilterLogEventsRequest) -> Result<Streams, Error> {
        let (mut names, mut only) = (HashMap::new(), None);
        for name in input.log_stream_names.iter().flatten() {
            let stream = streams::find(read, group, name)?;
            only.get_or_insert_with(HashSet::new).insert(stream.id);
            names.insert(stream.id, Some(name.clone()));
        }
        Ok(Streams { only, prefix: input.log_stream_name_prefix.clone().unwrap_or_default(), names })
    }

    /// The stream's name, unless it is deleted or not searched.
    fn name(&mut self, read: &dyn Read, group: u64, stream: u64) -> Result<Option<&str>, StoreError> {
        if self.only.as_ref().is_some_and(|only| !only.contains(&stream)) {
            return Ok(None);
        }
        if !self.names.contains_key(&stream) {
            let name = read.get(&keys::stream_name(group, stream))?;
            let name = name.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
            self.names.insert(stream, name.filter(|name| name.starts_with(&self.prefix)));
        }
        Ok(self.names.get(&stream).and_then(Option::as_deref))
    }
}

struct Search<'p> {
    group: u64,
    pattern: &'p Pattern,
    streams: Streams,
    limit: usize,
    found: Vec<FilteredLogEvent>,
    bytes: usize,
    reached: Option<Position>,
}

impl Search<'_> {
    /// Whether everything was searched.
    fn run(
        &mut self,
        read: &dyn Read,
        from_millis: u64,
        to_millis: u64,
        after: Option<&Position>,
    ) -> Result<bool, StoreError> {
        let mut range = keys::events_between(self.group, from_millis, to_millis).limit(MAX_VISITED);
        if let Some(after) = after {
            range = range.after(&keys::event(self.group, after));
        }
        let (mut visited, mut stopped, mut failed) = (0, false, None);
        read.scan(&range, &mut |key, value| {
            visited += 1;
            match self.visit(read, key, value) {
                Ok(true) => return ControlFlow::Continue(()),
                Ok(false) => stopped = true,
                Err(error) => failed = Some(error),
            }
            ControlFlow::Break(())
        })?;
        failed.map_or(Ok(!stopped && visited < MAX_VISITED), Err)
    }

    /// Whether there is room for more.
    fn visit(&mut self, read: &dyn Read, key: &[u8], value: &[u8]) -> Result<bool, StoreError> {
        let at = keys::position(key)?;
        let Some(name) = self.streams.name(read, self.group, at.stream)? else {
            self.reached = Some(at);
            return Ok(true);
        };
        let event = StoredEvent::decode(value)?;
        if self.pattern.matches(event.message) {
            self.bytes += event.message.len() + EVENT_OVERHEAD_BYTES;
            if self.found.len() == self.limit || (self.bytes > MAX_BATCH_BYTES && !self.found.is_empty()) {
                return Ok(false);
            }
            self.found.push(FilteredLogEvent {
                log_stream_name: Some(name.to_owned()),
                timestamp: Some(i64::try_from(at.at_millis).unwrap_or(i64::MAX)),
                message: Some(event.message.to_owned()),
                ingestion_time: Some(event.ingested_millis),
                event_id: Some(event_id(&at)),
            });
        }
        self.reached = Some(at);
        Ok(true)
    }

    fn answer(self, complete: bool) -> FilterLogEventsResponse {
        let names: BTreeSet<String> = self.streams.names.into_values().flatten().collect();
        let searched = names.into_iter().map(|name| SearchedLogStream {
            log_stream_name: Some(name),
            searched_completely: Some(complete),
        });
        let token = self.reached.filter(|_| !complete);
        FilterLogEventsResponse {
            events: Some(self.found),
            searched_log_streams: Some(searched.collect()),
            next_token: token
                .map(|at| paging::encode(&format!("{}.{}.{}", at.at_millis, at.sequence, at.stream))),
        }
    }
}

/// 56 digits, unique within the group, and in the order of the events.
fn event_id(at: &Position) -> String {
    format!("{:016}{:020}{:020}", at.at_millis, at.sequence, at.stream)
}
