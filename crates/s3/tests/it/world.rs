//! A platform with nothing but S3, and clients that speak to it.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body::Frame;
use nephos_blobs::Blobs;
use nephos_core::{
    Access, AccountId, Authorize, Clock, ContextKeys, Cx, Denied, Origin, Platform, Principal, Region,
    RequestId,
};
use nephos_iam::policy::{Caller, Kind, Policies, Policy, PolicySet, Question, decide};
use nephos_s3::{Config, Deps, MODEL, S3};
use nephos_store::Store;
use nephos_wire::route::{Found, rest};
use nephos_wire::{Body, BodyError, HostHandler, Request, Response, Service, Visit, form};
use tempfile::TempDir;

/// Decides by the real engine; identity policies are given by user name.
#[derive(Default)]
pub struct Engine {
    users: Mutex<HashMap<String, PolicySet>>,
}

impl Authorize for Engine {
    fn authorize(&self, cx: &Cx, access: &Access) -> Result<(), Denied> {
        let caller = Caller::from(&*cx.principal);
        let mut keys = (*cx.keys).clone();
        keys.merge(&access.keys);
        let question = Question::new(&caller, access.action, &access.resource, &keys);
        let resource = access.resource_policy.as_ref();
        let resource =
            resource.map(|it| PolicySet::of("bucket", Policy::parse(&it.json, Kind::Resource).unwrap()));
        let users = self.users.lock().unwrap();
        let all = PolicySet::of("root", identity(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#));
        let own = match &*cx.principal {
            Principal::Root { .. } => Some(&all),
            Principal::User { name, .. } => users.get(name),
            _ => None,
        };
        let none = PolicySet::default();
        let policies = Policies {
            identity: Some(own.unwrap_or(&none)),
            resource: resource.as_ref(),
            ..Policies::default()
        };
        let decision = decide(&question, access.owner.unwrap_or(cx.account), policies);
        if decision.is_allowed() {
            return Ok(());
        }
        Err(Denied { message: decision.message(&caller.name, access.action, &access.resource) })
    }
}

fn identity(statement: &str) -> Policy {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    Policy::parse(&text, Kind::Identity).unwrap()
}

/// The platform.
pub struct World {
    pub s3: Arc<S3>,
    pub store: Store,
    pub platform: Arc<Platform>,
    pub clock: Clock,
    pub folder: TempDir,
    engine: Arc<Engine>,
}

pub const OWNER: &str = "111111111111";
pub const OTHER: &str = "222222222222";

impl World {
    pub fn new() -> World {
        let (store, folder) = (Store::memory(), tempfile::tempdir().unwrap());
        World::over(store, folder)
    }

    /// A platform over what is there already.
    pub fn over(store: Store, folder: TempDir) -> World {
        let config =
            Config { garbage_grace: Duration::ZERO, orphan_age: Duration::ZERO, ..Config::default() };
        let blobs = Blobs::open(folder.path()).unwrap();
        let s3 = Arc::new(S3::new(config, Deps { store: store.clone(), blobs }));
        let engine = Arc::<Engine>::default();
        let clock = Clock::system();
        let platform = Arc::new(Platform {
            clock: clock.clone(),
            authorizer: engine.clone(),
            public_origin: Origin { scheme: "http", authority: "localhost:4566".to_owned() },
        });
        World { s3, store, platform, clock, folder, engine }
    }

    /// Gives a user one statement of its own.
    pub fn allow(&self, user: &str, statement: &str) {
        self.engine.users.lock().unwrap().insert(user.to_owned(), PolicySet::of("own", identity(statement)));
    }

    pub fn root(&self) -> Client<'_> {
        self.root_of(OWNER)
    }

    pub fn root_of(&self, account: &str) -> Client<'_> {
        self.client(Principal::Root { account: account.parse().unwrap() })
    }

    pub fn user(&self, account: &str, name: &str) -> Client<'_> {
        self.client(Principal::User {
            account: account.parse().unwrap(),
            path: "/".to_owned(),
            name: name.to_owned(),
            id: "AIDA0000000000000000".to_owned(),
            session: None,
        })
    }

    pub fn anybody(&self) -> Client<'_> {
        self.client(Principal::Anonymous)
    }

    pub fn client(&self, principal: Principal) -> Client<'_> {
        let account = principal.account().unwrap_or(AccountId::DEFAULT);
        let mut keys = ContextKeys::new();
        keys.set("aws:SourceIp", "192.0.2.7");
        let cx = Cx {
            principal: Arc::new(principal),
            account,
            region: Region::default(),
            request_id: RequestId::new(),
            origin: Origin { scheme: "http", authority: "localhost:4566".to_owned() },
            keys: Arc::new(keys),
            deadline: None,
            platform: Arc::clone(&self.platform),
        };
        Client { world: self, cx }
    }

    /// How many blobs are on the disk.
    pub fn blobs(&self) -> usize {
        count(&self.folder.path().join("objects"))
    }

    /// Collects until nothing is left to collect.
    pub async fn collect(&self) {
        while self.s3.collect_garbage(self.clock.now() + Duration::from_secs(1)).await.unwrap() > 0 {}
    }

    /// A request to a bucket's website.
    pub async fn browse(&self, method: &str, bucket: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let visit = Visit {
            name: bucket.to_owned(),
            region: None,
            base: String::new(),
            method: method.parse().unwrap(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: map(headers),
            body: Body::Empty,
        };
        let websites = nephos_s3::website::Websites::new(self.s3.clone());
        let mut cx = self.anybody().cx;
        cx.origin.authority = format!("{bucket}.s3-website.localhost:4566");
        Answer::of(websites.visit(&cx, visit).await).await
    }
}

fn count(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
}

/// Somebody who speaks to S3.
pub struct Client<'w> {
    world: &'w World,
    pub cx: Cx,
}

impl Client<'_> {
    pub fn in_region(mut self, region: &str) -> Self {
        self.cx.region = region.parse().unwrap();
        self
    }

    pub async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let method: Method = method.parse().unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (query, headers) = (form::parse(query), map(headers));
        let found = rest(&MODEL, &method, path, &query, &headers);
        let Found::Operation(operation, labels) = found else { panic!("{method} {target} is {found:?}") };
        let request = Request { method, path: path.to_owned(), query, headers, labels, body: body.into() };
        Answer::of(self.world.s3.call(&self.cx, operation, request).await).await
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[], Body::Empty).await
    }

    pub async fn put(&self, target: &str, body: impl Into<Body>) -> Answer {
        self.send("PUT", target, &[], body).await
    }

    pub async fn delete(&self, target: &str) -> Answer {
        self.send("DELETE", target, &[], Body::Empty).await
    }

    pub async fn post(&self, target: &str, body: impl Into<Body>) -> Answer {
        self.send("POST", target, &[], body).await
    }

    /// A POST whose body is vouched for by its MD5, as some documents must be.
    pub async fn post_document(&self, target: &str, document: &str) -> Answer {
        let md5 = md5_of(document.as_bytes());
        self.send("POST", target, &[("content-md5", &md5)], document.to_owned()).await
    }
}

pub fn md5_of(bytes: &[u8]) -> String {
    use base64::Engine;
    use md5::Digest;
    base64::engine::general_purpose::STANDARD.encode(md5::Md5::digest(bytes))
}

fn map(headers: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    headers.iter().map(pair).collect()
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub async fn of(response: Response) -> Answer {
        let (head, body) = response.into_parts();
        let body = body.collect(1 << 30).await.unwrap();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The text of the first element of that name.
    pub fn element(&self, name: &str) -> Option<String> {
        self.elements(name).into_iter().next()
    }

    /// The texts of all elements of that name.
    pub fn elements(&self, name: &str) -> Vec<String> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let pieces = self.text().split(&open).skip(1);
        pieces.map(|piece| piece.split(&close).next().unwrap_or_default().to_owned()).collect()
    }

    /// Checks for success.
    #[track_caller]
    pub fn ok(self) -> Answer {
        assert!(
            (200..300).contains(&self.status),
            "{} {:?}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        self
    }

    /// Checks for an error.
    #[track_caller]
    pub fn fails(self, status: u16, code: &str) -> Answer {
        let body = String::from_utf8_lossy(&self.body).into_owned();
        assert_eq!(self.status, status, "{body}");
        assert_eq!(self.element("Code").as_deref(), Some(code), "{body}");
        self
    }
}

/// A body that comes in chunks, perhaps with trailers.
pub fn chunked(chunks: Vec<Bytes>, trailers: &[(&str, &str)]) -> Body {
    let mut frames: VecDeque<_> = chunks.into_iter().map(Frame::data).collect();
    if !trailers.is_empty() {
        frames.push_back(Frame::trailers(map(trailers)));
    }
    Body::stream(Chunked { frames, breaks: false })
}

/// A body whose sender goes away.
pub fn broken(chunks: Vec<Bytes>) -> Body {
    Body::stream(Chunked { frames: chunks.into_iter().map(Frame::data).collect(), breaks: true })
}

struct Chunked {
    frames: VecDeque<Frame<Bytes>>,
    breaks: bool,
}

impl http_body::Body for Chunked {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.frames.pop_front() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None if std::mem::take(&mut self.breaks) => Poll::Ready(Some(Err(BodyError::Incomplete))),
            None => Poll::Ready(None),
        }
    }
}

/// Bytes that look like nothing, the same each time.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}
