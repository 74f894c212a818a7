//! Packages: a folder as a zip that is the same for the same content, uploaded once, named by its hash.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use nephos_core::random;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::build::Built;
use super::project::Project;
use super::shown;
use crate::Failure;
use crate::client::{Client, child, find};

/// What never belongs into a package.
const LEFT_OUT: &[&str] = &[".git", ".nephos", ".venv", "__pycache__", "node_modules", "target", ".DS_Store"];
/// The largest package, unpacked, in bytes: what Lambda takes.
const MAX_BYTES: u64 = 250 << 20;

/// Files by their names in the package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, PathBuf>);

impl Tree {
    /// A folder's files.
    pub fn of(dir: &Path) -> Result<Tree, Failure> {
        let mut tree = Tree::default();
        tree.walk(dir, "", LEFT_OUT)?;
        Ok(tree)
    }

    /// One file.
    pub fn single(path: &Path, name: &str) -> Result<Tree, Failure> {
        if !path.exists() {
            return Err(format!("the build made no {}", shown(path)));
        }
        Ok(Tree(BTreeMap::from([(name.to_owned(), path.to_owned())])))
    }

    /// Adds another folder's files below `prefix`; what is there already stays.
    pub fn add(&mut self, dir: &Path, prefix: &str) -> Result<(), Failure> {
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        self.walk(dir, &prefix, &["bin"])
    }

    fn walk(&mut self, dir: &Path, prefix: &str, left_out: &[&str]) -> Result<(), Failure> {
        let failed = |error: std::io::Error| format!("{}: {error}", shown(dir));
        for entry in fs::read_dir(dir).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if left_out.contains(&name.as_str()) && !prefix.contains("node_modules/") {
                continue;
            }
            // A link's target is packed, as npm's links into its own store need.
            let meta = fs::metadata(entry.path()).map_err(failed)?;
            if meta.is_dir() {
                self.walk(&entry.path(), &format!("{prefix}{name}/"), left_out)?;
            } else {
                self.0.entry(format!("{prefix}{name}")).or_insert_with(|| entry.path());
            }
        }
        Ok(())
    }

    /// The zip. Neither times nor the order of the file system show in it; nothing is compressed, because it goes
    /// no further than this machine.
    pub fn zip(&self) -> Result<Vec<u8>, Failure> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let mut total = 0;
        for (name, path) in &self.0 {
            let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", shown(path));
            let bytes = fs::read(path).map_err(|error| failed(&error))?;
            let executable =
                fs::metadata(path).map_err(|error| failed(&error))?.permissions().mode() & 0o111 != 0;
            total += bytes.len() as u64;
            if total > MAX_BYTES {
                return Err(format!(
                    "the package is larger than {MAX_BYTES} bytes; {name} is where it passed that"
                ));
            }
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .last_modified_time(zip::DateTime::default())
                .unix_permissions(if executable { 0o755 } else { 0o644 });
            zip.start_file(name.as_str(), options).map_err(|error| failed(&error))?;
            zip.write_all(&bytes).map_err(|error| failed(&error))?;
        }
        zip.finish().map(Cursor::into_inner).map_err(|error| error.to_string())
    }
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    let hex = nephos_sigv4::sha256_hex(bytes);
    for (byte, pair) in hash.iter_mut().zip(hex.as_str().as_bytes().chunks(2)) {
        let text = std::str::from_utf8(pair).unwrap_or("00");
        *byte = u8::from_str_radix(text, 16).unwrap_or_default();
    }
    hash
}

/// The bucket that packages go to.
pub async fn artifacts_bucket(client: &Client) -> Result<String, Failure> {
    let identity = client.query("sts", "2011-06-15", "GetCallerIdentity", &[]).await?;
    let result = find(&identity, "GetCallerIdentityResult").ok_or("the platform did not say who calls")?;
    let account = child(result, "Account").ok_or("the platform did not say whose account this is")?;
    let bucket = format!("nephos-artifacts-{account}-{}", client.region());
    client.make_bucket(&bucket).await?;
    Ok(bucket)
}

/// Uploads a package, unless it is there; gives its key.
pub async fn upload(client: &Client, bucket: &str, tree: &Tree) -> Result<String, Failure> {
    let zip = tree.zip()?;
    let key = format!("{}.zip", random::hex(&sha256(&zip)));
    if !client.has_object(bucket, &key).await? {
        client
            .put_object(bucket, &key, Bytes::from(zip), vec![("content-type", "application/zip".to_owned())])
            .await?;
    }
    Ok(key)
}

/// Uploads every package; gives the template with their places in it.
pub async fn template(project: &Project, client: &Client, built: &Built) -> Result<String, Failure> {
    let bucket = artifacts_bucket(client).await?;
    let mut places = BTreeMap::new();
    for (name, tree) in built {
        let key = upload(client, &bucket, tree).await?;
        places.insert(name.as_str(), format!("s3://{bucket}/{key}"));
    }
    let mut template: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(&project.template).map_err(|error| error.to_string())?;
    for (name, place) in places {
        template["Resources"][name]["Properties"]["CodeUri"] = place.into();
    }
    serde_yaml_ng::to_string(&template).map_err(|error| error.to_string())
}
