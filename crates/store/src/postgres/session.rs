//! One connection and the SQL that it runs.

use std::ops::Bound;

use bytes::Bytes;
use postgres::error::SqlState;
use postgres::{Client, Config, NoTls, Statement};

use crate::snapshot::Writes;
use crate::{Range, StoreError};

const FORMAT: &[u8] = b"nephos-store 1";
/// Where the format's version stands. No key of a service begins with this byte, and no scan reaches it.
const FORMAT_KEY: &[u8] = &[RESERVED, b'f'];
const RESERVED: u8 = 0xFF;
const FIRST_PAGE: usize = 64;
const MAX_PAGE: usize = 1024;
/// A page that was larger than this has no larger one after it.
const PAGE_BYTES: usize = 1024 * 1024;

pub(super) type Rows = Vec<(Bytes, Bytes)>;

/// Why a statement failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Other transactions got in the way: the whole transaction is to be run again.
    Conflict,
    /// The connection is gone.
    Broken(String),
    /// Anything else.
    Other(String),
}

impl Failure {
    pub(super) fn broken(why: &str) -> Failure {
        Failure::Broken(format!("the connection was lost: {why}"))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> StoreError {
        match failure {
            Failure::Conflict => StoreError::Conflict { name: "unknown", attempts: 1 },
            Failure::Broken(text) | Failure::Other(text) => StoreError::Remote(text),
        }
    }
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Failure {
        if matches!(
            error.code(),
            Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED)
        ) {
            return Failure::Conflict;
        }
        match error.as_db_error() {
            Some(said) if ends_session(said.code()) => Failure::broken(said.message()),
            // The server's detail may quote a row, so only its message is passed on.
            Some(said) => Failure::Other(format!("{} ({})", said.message(), said.code().code())),
            None => Failure::broken(&error.to_string()),
        }
    }
}

/// Whether the server says with this code that it has closed the connection.
fn ends_session(code: &SqlState) -> bool {
    let shutdown = [&SqlState::ADMIN_SHUTDOWN, &SqlState::CRASH_SHUTDOWN, &SqlState::CANNOT_CONNECT_NOW];
    shutdown.contains(&code) || code.code().starts_with("08")
}

/// How a transaction sees others.
#[derive(Debug, Clone, Copy)]
pub(super) enum Isolation {
    Serializable,
    /// A consistent state, for reading only.
    Snapshot,
}

/// A connection with its prepared statements.
pub(super) struct Session {
    client: Client,
    statements: Option<Statements>,
}

struct Statements {
    get: Statement,
    get_many: Statement,
    /// Forward and reverse.
    scan: [Statement; 2],
    put: Statement,
    delete: Statement,
}

impl Session {
    pub(super) fn connect(config: &Config) -> Result<Session, StoreError> {
        let mut client = config.connect(NoTls).map_err(Failure::from)?;
        // A table that is read from end to end counts as read entirely, and everything would conflict with everything.
        // A server that does not know the setting does not work that way either.
        if let Err(error) = client.batch_execute("SET enable_seqscan = off") {
            tracing::debug!(%error, "the server has no setting enable_seqscan");
        }
        Ok(Session { client, statements: None })
    }

    /// Makes the table and checks its format.
    pub(super) fn set_up(&mut self) -> Result<(), Failure> {
        let create = "CREATE TABLE IF NOT EXISTS nephos_kv (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)";
        // Two nodes that create it at once: the later one fails, and finds it there.
        if self.client.batch_execute(create).is_err() {
            self.client.batch_execute(create)?;
        }
        self.write_format()?;
        match self.get(FORMAT_KEY)? {
            Some(found) if found == FORMAT => Ok(()),
            found => {
                let found = found.unwrap_or_default();
                Err(Failure::Other(format!("the table nephos_kv has format {}", found.escape_ascii())))
            }
        }
    }

    fn write_format(&mut self) -> Result<(), Failure> {
        let insert = "INSERT INTO nephos_kv (k, v) VALUES ($1, $2) ON CONFLICT (k) DO NOTHING";
        self.client.execute(insert, &[&FORMAT_KEY, &FORMAT])?;
        Ok(())
    }

    pub(super) fn begin(&mut self, isolation: Isolation) -> Result<(), Failure> {
        if self.client.is_closed() {
            return Err(Failure::broken("the server closed it"));
        }
        let begin = match isolation {
            Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
            Isolation::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        };
        Ok(self.client.batch_execute(begin)?)
    }

    /// Ends a transaction that was not committed.
    pub(super) fn end(&mut self) {
        // Outside of a transaction this is a warning; a lost connection is noticed by the next user.
        drop(self.client.batch_execute("ROLLBACK"));
    }

    pub(super) fn commit(&mut self, writes: &Writes) -> Result<(), Failure> {
        let (mut keys, mut values, mut deleted) = (Vec::new(), Vec::new(), Vec::new());
        for (key, value) in writes {
            match value {
                Some(value) => {
                    keys.push(&key[..]);
                    values.push(&value[..]);
                }
                None => deleted.push(&key[..]),
            }
        }
        if !keys.is_empty() {
            let put = self.statements()?.put.clone();
            self.client.execute(&put, &[&keys, &values])?;
        }
        if !deleted.is_empty() {
            let delete = self.statements()?.delete.clone();
            self.client.execute(&delete, &[&deleted])?;
        }
        Ok(self.client.batch_execute("COMMIT")?)
    }

    pub(super) fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Failure> {
        let get = self.statements()?.get.clone();
        let row = self.client.query_opt(&get, &[&key])?;
        Ok(row.map(|row| Bytes::from(row.get::<_, Vec<u8>>(0))))
    }

    pub(super) fn get_many(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Option<Bytes>>, Failure> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let get = self.statements()?.get_many.clone();
        let rows = self.client.query(&get, &[&keys])?;
        let found: std::collections::HashMap<Vec<u8>, Bytes> =
            rows.iter().map(|row| (row.get(0), row.get::<_, Vec<u8>>(1).into())).collect();
        Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
    }

    pub(super) fn page(&mut self, page: &Page) -> Result<Rows, Failure> {
        let scan = self.statements()?.scan[usize::from(page.reverse)].clone();
        let count = i64::try_from(page.count).unwrap_or(i64::MAX);
        let rows = self.client.query(&scan, &[&page.from, &page.to, &count])?;
        let entry = |row: &postgres::Row| (row.get::<_, Vec<u8>>(0).into(), row.get::<_, Vec<u8>>(1).into());
        Ok(rows.iter().map(entry).collect())
    }

    pub(super) fn clear(&mut self) -> Result<(), Failure> {
        self.client.batch_execute("TRUNCATE nephos_kv")?;
        self.write_format()
    }

    fn statements(&mut self) -> Result<&Statements, Failure> {
        let prepared = match self.statements.take() {
            Some(statements) => statements,
            None => prepare(&mut self.client)?,
        };
        Ok(self.statements.insert(prepared))
    }
}

fn prepare(client: &mut Client) -> Result<Statements, Failure> {
    let scan =
        |order| format!("SELECT k, v FROM nephos_kv WHERE k >= $1 AND k < $2 ORDER BY k {order} LIMIT $3");
    let put = "INSERT INTO nephos_kv (k, v) SELECT * FROM unnest($1::BYTEA[], $2::BYTEA[]) \
               ON CONFLICT (k) DO UPDATE SET v = excluded.v";
    Ok(Statements {
        get: client.prepare("SELECT v FROM nephos_kv WHERE k = $1")?,
        get_many: client.prepare("SELECT k, v FROM nephos_kv WHERE k = ANY($1::BYTEA[])")?,
        scan: [client.prepare(&scan("ASC"))?, client.prepare(&scan("DESC"))?],
        put: client.prepare(put)?,
        delete: client.prepare("DELETE FROM nephos_kv WHERE k = ANY($1::BYTEA[])")?,
    })
}

/// A part of a scan: the keys from `from` up to but without `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    from: Vec<u8>,
    to: Vec<u8>,
    reverse: bool,
    count: usize,
    /// How many rows are wanted from this page on.
    left: usize,
}

impl Page {
    /// A scan's first page; none if it has nothing to visit.
    pub(super) fn first(range: &Range) -> Option<Page> {
        let (start, end) = range.bounds()?;
        let from = match start {
            Bound::Unbounded => Vec::new(),
            Bound::Included(key) => key.to_vec(),
            Bound::Excluded(key) => just_after(key),
        };
        let to = match end {
            Bound::Unbounded => vec![RESERVED],
            Bound::Included(key) => just_after(key),
            Bound::Excluded(key) => key.to_vec(),
        };
        let to = to.min(vec![RESERVED]);
        let left = range.limit.unwrap_or(usize::MAX);
        let count = if range.limit.is_some() { left.min(MAX_PAGE) } else { FIRST_PAGE };
        Some(Page { from, to, reverse: range.reverse, count, left })
    }

    /// The page after this one, which gave `rows`; none if those were the last.
    pub(super) fn next(&self, rows: &Rows) -> Option<Page> {
        let (last, _) = rows.last()?;
        if rows.len() < self.count || rows.len() >= self.left {
            return None;
        }
        let bytes: usize = rows.iter().map(|(key, value)| key.len() + value.len()).sum();
        let grown = if bytes > PAGE_BYTES { self.count } else { (self.count * 4).min(MAX_PAGE) };
        let left = self.left - rows.len();
        let mut next = Page { count: grown.min(left), left, ..self.clone() };
        if self.reverse {
            next.to = last.to_vec();
        } else {
            next.from = just_after(last);
        }
        Some(next)
    }
}

/// The first key after `key`.
fn just_after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}
