//! What this crate's unit tests share.

use std::io::{Cursor, Write};
use std::sync::Arc;

use nephos_core::{
    Access, AccountId, Authorize, Clock, ContextKeys, Cx, Denied, Origin, Platform, Principal, RequestId,
};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

struct Everything;

impl Authorize for Everything {
    fn authorize(&self, _: &Cx, _: &Access) -> Result<(), Denied> {
        Ok(())
    }
}

/// A context of the default account's root user, who may do everything.
pub fn cx() -> Cx {
    let origin = Origin { scheme: "http", authority: "localhost:4566".to_owned() };
    let platform =
        Platform { clock: Clock::system(), authorizer: Arc::new(Everything), public_origin: origin.clone() };
    Cx {
        principal: Arc::new(Principal::Root { account: AccountId::DEFAULT }),
        account: AccountId::DEFAULT,
        region: Default::default(),
        request_id: RequestId::new(),
        origin,
        keys: Arc::new(ContextKeys::new()),
        deadline: None,
        platform: Arc::new(platform),
    }
}

/// A zip in the making.
pub struct Zip(ZipWriter<Cursor<Vec<u8>>>);

impl Zip {
    pub fn file(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.0.start_file(name, SimpleFileOptions::default().unix_permissions(mode)).unwrap();
        self.0.write_all(content).unwrap();
    }

    pub fn link(&mut self, name: &str, target: &str) {
        self.0.add_symlink(name, target, SimpleFileOptions::default()).unwrap();
    }
}

/// A zip of what `fill` puts in.
pub fn zip_with(fill: impl FnOnce(&mut Zip)) -> Vec<u8> {
    let mut zip = Zip(ZipWriter::new(Cursor::new(Vec::new())));
    fill(&mut zip);
    zip.0.finish().unwrap().into_inner()
}

/// A zip of plain files.
pub fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    zip_with(|zip| files.iter().for_each(|(name, content)| zip.file(name, 0o644, content)))
}

/// Credentials that open nothing.
pub fn credentials() -> nephos_core::ports::Credentials {
    nephos_core::ports::Credentials {
        access_key_id: "ASIA".into(),
        secret_access_key: "secret".into(),
        session_token: "token".into(),
        expiration: nephos_core::Timestamp::from_secs(4_000_000_000),
    }
}

/// A version of a function `f`.
pub fn spec(runtime: &str) -> crate::plane::FunctionSpec {
    use crate::records::{CodeRecord, Variables, VersionRecord};
    let owner = crate::names::Owner { account: AccountId::DEFAULT, region: Default::default() };
    crate::plane::FunctionSpec {
        function: crate::names::FunctionId { owner, name: "f".into() },
        version: VersionRecord {
            number: 0,
            description: String::new(),
            runtime: runtime.into(),
            handler: "app.handler".into(),
            role: "arn:aws:iam::000000000000:role/r".into(),
            timeout: 3,
            memory_mb: 128,
            tmp_mb: 512,
            environment: Variables::default(),
            architecture: "x86_64".into(),
            tracing: "PassThrough".into(),
            log_group: None,
            code: CodeRecord {
                sha256: String::new(),
                size: 0,
                unzipped_size: 0,
                blob: "00000000000000000000000000000000".parse().unwrap(),
            },
            modified_millis: 0,
            revision: "r".into(),
        },
    }
}
