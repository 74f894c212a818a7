//! An application's folder: its template, the functions to build, and the website's client.

use std::path::{Path, PathBuf};

use serde_yaml_ng::Value as Yaml;

use crate::Failure;

/// The names that a template may have.
const TEMPLATES: &[&str] = &["template.yaml", "template.yml", "template.json"];

/// An application.
pub struct Project {
    /// The folder.
    pub dir: PathBuf,
    /// The template's file.
    pub template_path: PathBuf,
    /// The template's text.
    pub template: String,
    /// The functions whose code is in the folder.
    pub functions: Vec<Function>,
    /// The client, where there is one.
    pub site: Option<Site>,
}

/// A function whose code is in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name in the template.
    pub name: String,
    /// Its folder.
    pub source: PathBuf,
    /// `CodeUri` as the template spells it.
    pub code_uri: String,
    /// Its runtime.
    pub runtime: String,
}

/// The client application, as `Metadata.Nephos.Site` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The folder of its sources.
    pub source: PathBuf,
    /// The command that builds it, if any.
    pub build: Option<String>,
    /// The folder of what was built.
    pub output: PathBuf,
    /// The bucket's name in the template.
    pub bucket: String,
}

impl Project {
    /// Reads an application's folder.
    pub fn read(dir: &Path) -> Result<Project, Failure> {
        let dir = dir.canonicalize().map_err(|error| format!("{}: {error}", dir.display()))?;
        let template_path = TEMPLATES.iter().map(|name| dir.join(name)).find(|path| path.exists());
        let template_path = template_path.ok_or_else(|| {
            format!(
                "there is no template.yaml in {}; `nephos new python DIR` makes a first application",
                dir.display()
            )
        })?;
        let template = std::fs::read_to_string(&template_path)
            .map_err(|error| format!("{}: {error}", template_path.display()))?;
        let parsed: Yaml = serde_yaml_ng::from_str(&template)
            .map_err(|error| format!("{}: {error}", template_path.display()))?;
        let functions = functions(&dir, &parsed)?;
        let site = site(&dir, &parsed["Metadata"]["Nephos"]["Site"])?;
        Ok(Project { dir, template_path, template, functions, site })
    }

    /// The stack's name: the folder's, as CloudFormation allows it.
    pub fn stack_name(&self) -> String {
        let folder = self.dir.file_name().unwrap_or_default().to_string_lossy();
        let name: String = folder
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let name = name.trim_matches('-');
        if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            name.to_owned()
        } else {
            format!("app-{name}")
        }
    }

    /// Where builds and caches go.
    pub fn work(&self) -> PathBuf {
        self.dir.join(".nephos")
    }
}

fn text<'a>(value: &'a Yaml, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Yaml::as_str)
}

fn functions(dir: &Path, template: &Yaml) -> Result<Vec<Function>, Failure> {
    let globals = &template["Globals"]["Function"];
    let mut functions = Vec::new();
    for (name, resource) in template["Resources"].as_mapping().into_iter().flatten() {
        let name = name.as_str().unwrap_or_default();
        if text(resource, "Type") != Some("AWS::Serverless::Function") {
            continue;
        }
        let properties = &resource["Properties"];
        let Some(code_uri) = text(properties, "CodeUri").or_else(|| text(globals, "CodeUri")) else {
            continue;
        };
        if code_uri.starts_with("s3://") {
            continue;
        }
        let source = dir.join(code_uri);
        if !source.exists() {
            return Err(format!("{name}: CodeUri is {code_uri}, and there is no {}", source.display()));
        }
        let runtime = text(properties, "Runtime").or_else(|| text(globals, "Runtime"));
        functions.push(Function {
            name: name.to_owned(),
            source,
            code_uri: code_uri.to_owned(),
            runtime: runtime.ok_or_else(|| format!("{name}: expected a Runtime"))?.to_owned(),
        });
    }
    Ok(functions)
}

fn site(dir: &Path, site: &Yaml) -> Result<Option<Site>, Failure> {
    if site.is_null() {
        return Ok(None);
    }
    let place = "Metadata.Nephos.Site";
    let known = ["Source", "Build", "Output", "Bucket"];
    for key in site.as_mapping().into_iter().flat_map(|map| map.keys()) {
        if !key.as_str().is_some_and(|key| known.contains(&key)) {
            return Err(format!("{place} has {}; got {key:?}", known.join(", ")));
        }
    }
    let required = |name: &str| text(site, name).ok_or_else(|| format!("{place}: expected {name}"));
    let source = dir.join(required("Source")?);
    let output = text(site, "Output").map_or_else(|| source.clone(), |output| dir.join(output));
    Ok(Some(Site {
        source,
        build: text(site, "Build").map(str::to_owned),
        output,
        bucket: required("Bucket")?.to_owned(),
    }))
}
