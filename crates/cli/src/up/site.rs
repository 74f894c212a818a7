//! Puts the client application into its bucket, with the stack's outputs beside it.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::project::{Project, Site};
use super::shown;
use crate::Failure;
use crate::client::Client;
use crate::stack::Stack;

/// Uploads everything that was built, and config.json.
pub async fn put(
    project: &Project,
    site: &Site,
    client: &Client,
    stack: &Stack<'_>,
    outputs: &BTreeMap<String, String>,
) -> Result<(), Failure> {
    let buckets = stack.resources("AWS::S3::Bucket").await?;
    let bucket = buckets.get(&site.bucket).ok_or_else(|| {
        format!(
            "{}: Metadata.Nephos.Site names the bucket {}, which the template does not have",
            shown(&project.template_path),
            site.bucket
        )
    })?;
    upload_folder(client, bucket, &site.output, "").await?;
    let mut config: Map<String, Value> =
        outputs.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect();
    config.insert("endpoint".to_owned(), Value::String(client.endpoint().to_owned()));
    config.entry("Region").or_insert_with(|| Value::String(client.region().to_owned()));
    let body = Bytes::from(Value::Object(config).to_string());
    client.put_object(bucket, "config.json", body, headers("config.json")).await
}

async fn upload_folder(client: &Client, bucket: &str, dir: &Path, prefix: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", shown(dir));
    let mut entries: Vec<_> =
        std::fs::read_dir(dir).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    // Folders first, so that a page never names what is not there yet.
    entries.sort_by_key(|entry| (entry.path().is_file(), entry.file_name()));
    for entry in entries {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            Box::pin(upload_folder(client, bucket, &entry.path(), &format!("{name}/"))).await?;
        } else {
            let body = std::fs::read(entry.path()).map_err(failed)?;
            client.put_object(bucket, &name, Bytes::from(body), headers(&name)).await?;
        }
    }
    Ok(())
}

fn headers(name: &str) -> Vec<(&'static str, String)> {
    let ending = name.rsplit('.').next().unwrap_or_default();
    let kind = match ending {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        "xml" => "application/xml",
        _ => "application/octet-stream",
    };
    // Built assets carry a hash in their names; everything else is asked for anew.
    let cache = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    vec![("content-type", kind.to_owned()), ("cache-control", cache.to_owned())]
}
