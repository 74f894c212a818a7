//! PutBucketWebsite and its kin.

use nephos_core::Cx;

use crate::S3;
use crate::error::{Error, Missing};
use crate::shapes::{
    Condition, DeleteBucketWebsiteRequest, ErrorDocument, GetBucketWebsiteOutput, GetBucketWebsiteRequest,
    IndexDocument, PutBucketWebsiteRequest, Redirect, RedirectAllRequestsTo, RoutingRule, Unit,
    WebsiteConfiguration,
};
use crate::website::config::{Pages, Protocol, RawRule, Rewrite, Rule, Website};

fn parse(given: WebsiteConfiguration) -> Result<Website, Error> {
    let WebsiteConfiguration { error_document, index_document, redirect_all_requests_to, routing_rules } =
        given;
    if let Some(redirect) = redirect_all_requests_to {
        if error_document.is_some() || index_document.is_some() || routing_rules.is_some() {
            let text = "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.";
            return Err(Error::argument(text, "RedirectAllRequestsTo", "not null"));
        }
        return Website::elsewhere(redirect.host_name, redirect.protocol.as_deref());
    }
    let error = match error_document {
        None => None,
        Some(document) => Some(document.key.ok_or(Error::MalformedXml)?),
    };
    if routing_rules.as_ref().is_some_and(Vec::is_empty) {
        return Err(Error::MalformedXml);
    }
    let rules = routing_rules.unwrap_or_default().into_iter().map(raw).collect::<Result<_, _>>()?;
    Website::pages(index_document.and_then(|it| it.suffix), error, rules)
}

fn raw(rule: RoutingRule) -> Result<RawRule, Error> {
    let redirect = rule.redirect.ok_or(Error::MalformedXml)?;
    let has_condition = rule.condition.is_some();
    let condition = rule.condition.unwrap_or_default();
    Ok(RawRule {
        prefix: condition.key_prefix_equals,
        error: condition.http_error_code_returned_equals,
        has_condition,
        host: redirect.host_name,
        protocol: redirect.protocol,
        code: redirect.http_redirect_code,
        replace_prefix: redirect.replace_key_prefix_with,
        replace_whole: redirect.replace_key_with,
    })
}

fn named(protocol: Option<Protocol>) -> Option<String> {
    protocol.map(|protocol| protocol.name().to_owned())
}

fn shown_rule(rule: &Rule) -> RoutingRule {
    let condition = (rule.prefix.is_some() || rule.error.is_some()).then(|| Condition {
        http_error_code_returned_equals: rule.error.map(|code| code.to_string()),
        key_prefix_equals: rule.prefix.clone(),
    });
    let (prefix, whole) = match &rule.rewrite {
        Some(Rewrite::Prefix(text)) => (Some(text.clone()), None),
        Some(Rewrite::Whole(text)) => (None, Some(text.clone())),
        None => (None, None),
    };
    RoutingRule {
        condition,
        redirect: Some(Redirect {
            host_name: rule.host.clone(),
            http_redirect_code: rule.code.map(|code| code.to_string()),
            protocol: named(rule.protocol),
            replace_key_prefix_with: prefix,
            replace_key_with: whole,
        }),
    }
}

fn shown(website: &Website) -> GetBucketWebsiteOutput {
    match website {
        Website::Elsewhere { host, protocol } => GetBucketWebsiteOutput {
            redirect_all_requests_to: Some(RedirectAllRequestsTo {
                host_name: Some(host.clone()),
                protocol: named(*protocol),
            }),
            ..GetBucketWebsiteOutput::default()
        },
        Website::Pages(Pages { index, error, rules }) => GetBucketWebsiteOutput {
            index_document: Some(IndexDocument { suffix: Some(index.clone()) }),
            error_document: error.clone().map(|key| ErrorDocument { key: Some(key) }),
            routing_rules: (!rules.is_empty()).then(|| rules.iter().map(shown_rule).collect()),
            ..GetBucketWebsiteOutput::default()
        },
    }
}

/// Makes the bucket a website.
pub async fn put_bucket_website(s3: &S3, _: &Cx, input: PutBucketWebsiteRequest) -> Result<Unit, Error> {
    let website = parse(input.website_configuration.unwrap_or_default())?;
    s3.change_bucket("s3 put bucket website", &input.bucket.unwrap_or_default(), |bucket| {
        bucket.website = Some(website.clone());
        Ok(())
    })
    .await?;
    Ok(Unit::default())
}

/// The website.
pub async fn get_bucket_website(
    s3: &S3,
    _: &Cx,
    input: GetBucketWebsiteRequest,
) -> Result<GetBucketWebsiteOutput, Error> {
    let bucket = s3.bucket(&input.bucket.unwrap_or_default())?;
    let missing = || Error::NoSuchConfiguration(Missing::Website, bucket.name.clone());
    Ok(shown(bucket.website.as_ref().ok_or_else(missing)?))
}

/// Makes the bucket a website no longer.
pub async fn delete_bucket_website(
    s3: &S3,
    _: &Cx,
    input: DeleteBucketWebsiteRequest,
) -> Result<Unit, Error> {
    s3.change_bucket("s3 delete bucket website", &input.bucket.unwrap_or_default(), |bucket| {
        bucket.website = None;
        Ok(())
    })
    .await?;
    Ok(Unit::default())
}
