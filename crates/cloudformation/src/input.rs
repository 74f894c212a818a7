//! What CreateStack, UpdateStack and CreateChangeSet have in common: a template, parameters, capabilities, tags.

use std::collections::{BTreeMap, BTreeSet};

use nephos_core::Cx;

use crate::CloudFormation;
use crate::error::Error;
use crate::records::StackRecord;
use crate::sam;
use crate::shapes::{Parameter, RollbackConfiguration, Tag};
use crate::template::read::MAX_TEMPLATE_BYTES;
use crate::template::{Template, check, parameter};

/// A request to deploy, read.
pub struct Request {
    /// The template's text as it was given.
    pub text: String,
    /// The template with its transforms carried out.
    pub template: Template,
    /// The parameters' values.
    pub parameters: BTreeMap<String, String>,
    /// The acknowledged capabilities.
    pub capabilities: Vec<String>,
    /// The stack's tags.
    pub tags: BTreeMap<String, String>,
    /// The parameters whose values are shown to nobody.
    pub hidden: BTreeSet<String>,
}

/// The members that the three operations share.
pub struct Given<'a> {
    /// `TemplateBody`
    pub body: Option<&'a String>,
    /// `TemplateURL`
    pub url: Option<&'a String>,
    /// `UsePreviousTemplate`
    pub previous: bool,
    /// `Parameters`
    pub parameters: Option<&'a Vec<Parameter>>,
    /// `Capabilities`
    pub capabilities: Option<&'a Vec<String>>,
    /// `Tags`
    pub tags: Option<&'a Vec<Tag>>,
}

impl CloudFormation {
    /// Reads and checks a request to deploy; `stack` is what there is already.
    pub(crate) async fn read_request(
        &self,
        cx: &Cx,
        given: Given<'_>,
        stack: Option<&StackRecord>,
    ) -> Result<Request, Error> {
        let text = match stack.filter(|_| given.previous) {
            Some(stack) => stack.template.clone(),
            None => self.template_text(cx, given.body, given.url).await?,
        };
        let template = sam::transform(Template::parse(&text)?)?;
        check::structure(&template)?;
        let capabilities = given.capabilities.cloned().unwrap_or_default();
        check_capabilities(&template, &capabilities)?;
        let mut values = BTreeMap::new();
        for parameter in given.parameters.into_iter().flatten() {
            let key = parameter.parameter_key.clone().unwrap_or_default();
            let keep = parameter.use_previous_value == Some(true);
            values.insert(key, parameter.parameter_value.clone().filter(|_| !keep));
        }
        let previous = stack.map(|stack| stack.parameters.clone()).unwrap_or_default();
        let parameters = check::parameters(&template, &values, &previous)?;
        let pair = |tag: &Tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default()));
        let tags = match given.tags {
            Some(tags) => tags.iter().filter_map(pair).collect(),
            // What is not said stays.
            None => stack.map(|stack| stack.tags.clone()).unwrap_or_default(),
        };
        let hidden = template.parameters.iter().filter(|(_, definition)| parameter::is_hidden(definition));
        let hidden = hidden.map(|(name, _)| name.clone()).collect();
        Ok(Request { text, template, parameters, capabilities, tags, hidden })
    }

    /// A template's text, given whole or by an S3 URL. Any S3 host means the platform's own store.
    pub(crate) async fn template_text(
        &self,
        cx: &Cx,
        body: Option<&String>,
        url: Option<&String>,
    ) -> Result<String, Error> {
        match (body, url) {
            (Some(body), None) => Ok(body.clone()),
            (None, Some(url)) => {
                let (bucket, key) = s3_object(url).ok_or_else(|| {
                    Error::template("S3 error: Domain name specified in TemplateURL is not a valid S3 domain")
                })?;
                let bytes = self.objects.read_object(cx, &bucket, &key, MAX_TEMPLATE_BYTES as u64).await.map_err(|fault| {
                    Error::template(format!("S3 error: {}\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html", fault.message))
                })?;
                String::from_utf8(bytes.to_vec())
                    .map_err(|_| Error::template("Template format error: the template is not UTF-8"))
            }
            _ => Err(Error::template("Either Template URL or Template Body must be specified.")),
        }
    }
}

/// Bucket and key of an object's URL in path style or virtual-host style.
fn s3_object(url: &str) -> Option<(String, String)> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/')?;
    let path = path.split(['?', '#']).next()?;
    let name = host.split(':').next()?;
    // `bucket.s3.region.amazonaws.com`, `bucket.s3.localhost`, ...
    let virtual_host = name.find(".s3.").or_else(|| name.find(".s3-")).map(|at| &name[..at]);
    let (bucket, key) = match virtual_host {
        Some(bucket) => (bucket.to_owned(), path),
        None => path.split_once('/').map(|(bucket, key)| (bucket.to_owned(), key))?,
    };
    Some((bucket, nephos_wire::form::decode_path(key)))
        .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
}

/// What only CreateStack and UpdateStack ask: that the caller knows of the transforms.
pub fn check_expansion(request: &Request) -> Result<(), Error> {
    let acknowledged = request.capabilities.iter().any(|one| one == "CAPABILITY_AUTO_EXPAND");
    if request.template.transforms.is_empty() || acknowledged {
        return Ok(());
    }
    Err(Error::InsufficientCapabilities("CAPABILITY_AUTO_EXPAND"))
}

/// What a request may ask for besides, and what Nephos would have to leave undone.
pub struct Besides<'a> {
    /// `NotificationARNs`
    pub notifications: Option<&'a Vec<String>>,
    /// `RollbackConfiguration`
    pub rollback: Option<&'a RollbackConfiguration>,
    /// `ResourceTypes`
    pub types: Option<&'a Vec<String>>,
    /// Whether a stack policy is given.
    pub policy: bool,
    /// `RetainExceptOnCreate`
    pub retain_except_on_create: Option<bool>,
}

impl Besides<'_> {
    /// Refuses by name what would be left undone.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |what: &str| Err(Error::template(format!("Nephos does not handle {what}")));
        let triggers = self.rollback.and_then(|rollback| rollback.rollback_triggers.as_ref());
        match () {
            () if self.notifications.is_some_and(|arns| !arns.is_empty()) => refuse("NotificationARNs"),
            () if triggers.is_some_and(|triggers| !triggers.is_empty()) => refuse("RollbackTriggers"),
            () if self.types.is_some_and(|types| !types.is_empty()) => refuse("ResourceTypes"),
            () if self.policy => refuse("stack policies"),
            () if self.retain_except_on_create == Some(true) => {
                refuse("RetainExceptOnCreate for a whole stack; say it as DeletionPolicy of each resource")
            }
            () => Ok(()),
        }
    }
}

/// A new stack's name, as AWS takes it.
pub fn check_stack_name(name: &str) -> Result<(), Error> {
    let invalid = |constraint: &str| {
        Err(Error::template(format!(
            "1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must {constraint}"
        )))
    };
    let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !letters || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return invalid("satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*");
    }
    if name.len() > 128 {
        return invalid("have length less than or equal to 128");
    }
    Ok(())
}

fn check_capabilities(template: &Template, capabilities: &[String]) -> Result<(), Error> {
    let acknowledged = |name: &str| capabilities.iter().any(|one| one == name);
    let mut roles =
        template.resources.values().filter(|resource| resource.kind.starts_with("AWS::IAM::")).peekable();
    if roles.peek().is_none() || acknowledged("CAPABILITY_NAMED_IAM") {
        return Ok(());
    }
    if roles.any(|resource| resource.properties.get("RoleName").is_some()) {
        return Err(Error::InsufficientCapabilities("CAPABILITY_NAMED_IAM"));
    }
    if acknowledged("CAPABILITY_IAM") {
        Ok(())
    } else {
        Err(Error::InsufficientCapabilities("CAPABILITY_IAM"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn template_urls_name_objects_whatever_their_host() {
        let object = Some(("b".to_owned(), "k/t.yaml".to_owned()));
        for url in [
            "https://s3.amazonaws.com/b/k/t.yaml",
            "https://s3.eu-west-1.amazonaws.com/b/k/t.yaml?versionId=1",
            "https://b.s3.eu-west-1.amazonaws.com/k/t.yaml",
            "http://b.s3.localhost:4566/k/t.yaml",
            "http://127.0.0.1:4566/b/k%2Ft.yaml",
        ] {
            assert_eq!(s3_object(url), object, "{url}");
        }
        assert_eq!(s3_object("ftp://b/k"), None);
        assert_eq!(s3_object("https://s3.amazonaws.com/b"), None);
    }
}
