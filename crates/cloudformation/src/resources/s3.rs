//! `AWS::S3::Bucket` and `AWS::S3::BucketPolicy`.

use nephos_core::{BoxFuture, Fault};
use nephos_s3::shapes::{self, op};
use serde_json::{Value, json};

use super::{Call, Kind, Made, Making, gone, shape, text};

/// A bucket.
pub struct Bucket;

impl Kind for Bucket {
    fn name(&self) -> &'static str {
        "AWS::S3::Bucket"
    }

    fn grammar(&self) -> &'static str {
        "BucketEncryption{ServerSideEncryptionConfiguration[BucketKeyEnabled, ServerSideEncryptionByDefault{KMSMasterKeyID, SSEAlgorithm}]},
         BucketName, CorsConfiguration{CorsRules[AllowedHeaders, AllowedMethods, AllowedOrigins, ExposedHeaders, Id, MaxAge]},
         NotificationConfiguration{LambdaConfigurations[Event, Function, Filter{S3Key{Rules[Name, Value]}}]},
         OwnershipControls{Rules[ObjectOwnership]},
         PublicAccessBlockConfiguration{BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets},
         Tags[Key, Value], VersioningConfiguration{Status},
         WebsiteConfiguration{ErrorDocument, IndexDocument, RedirectAllRequestsTo{HostName, Protocol},
           RoutingRules[RedirectRule{HostName, HttpRedirectCode, Protocol, ReplaceKeyPrefixWith, ReplaceKeyWith},
             RoutingRuleCondition{HttpErrorCodeReturnedEquals, KeyPrefixEquals}]}"
    }

    fn attributes(&self) -> &'static [&'static str] {
        &["Arn", "DomainName", "RegionalDomainName", "WebsiteURL"]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["BucketName"]
    }

    fn create<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let name = call.name("BucketName", 63).to_ascii_lowercase();
            let region = call.cx.region.as_str();
            let place = shapes::CreateBucketConfiguration {
                location_constraint: Some(region.to_owned()),
                ..Default::default()
            };
            let input = shapes::CreateBucketRequest {
                bucket: Some(name.clone()),
                create_bucket_configuration: (region != "us-east-1").then_some(place),
                ..Default::default()
            };
            // Creating a bucket that one owns already succeeds in us-east-1, and it would then be this stack's to delete.
            let head = shapes::HeadBucketRequest { bucket: Some(name.clone()), ..Default::default() };
            if call.invoke::<op::HeadBucket>(&call.services.s3, head).await.is_ok() {
                return Err(Fault::new("AlreadyExists", format!("{name} already exists")));
            }
            call.invoke::<op::CreateBucket>(&call.services.s3, input).await?;
            let made = made(&call, name.clone());
            call.made_so_far(&made);
            configure(&call, &name).await?;
            Ok(made)
        })
    }

    fn update<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let name = call.physical_id();
            configure(&call, &name).await?;
            Ok(made(&call, name))
        })
    }

    fn delete<'a>(&self, call: Call<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move { gone(delete_bucket(&call, &call.physical_id()).await) })
    }
}

async fn delete_bucket(call: &Call<'_>, name: &str) -> Result<(), Fault> {
    let input = shapes::DeleteBucketRequest { bucket: Some(name.to_owned()), ..Default::default() };
    call.invoke::<op::DeleteBucket>(&call.services.s3, input).await.map(drop)
}

fn made(call: &Call<'_>, name: String) -> Made {
    let origin = &call.cx.origin;
    let region = &call.cx.region;
    let host = origin.authority.strip_suffix(origin.port_suffix()).unwrap_or(&origin.authority);
    // A bucket's own host needs a name, and every `*.localhost` is this machine.
    let host = if matches!(host, "127.0.0.1" | "[::1]") { "localhost" } else { host };
    let website = format!("{}://{name}.s3-website.{host}{}", origin.scheme, origin.port_suffix());
    Made::new(name.clone())
        .with("Arn", format!("arn:aws:s3:::{name}"))
        .with("DomainName", format!("{name}.s3.{host}{}", origin.port_suffix()))
        .with("RegionalDomainName", format!("{name}.s3.{region}.{host}{}", origin.port_suffix()))
        .with("WebsiteURL", website)
}

/// Puts every sub-resource that the properties name and changed; removes those that they named before.
async fn configure(call: &Call<'_>, name: &str) -> Result<(), Fault> {
    let removed =
        |property: &str| call.property(property).is_none() && call.changed(property) && call.made.is_some();
    public_access(call, name, removed("PublicAccessBlockConfiguration")).await?;
    ownership(call, name, removed("OwnershipControls")).await?;
    encryption(call, name, removed("BucketEncryption")).await?;
    versioning(call, name, removed("VersioningConfiguration")).await?;
    if call.changed("WebsiteConfiguration") {
        website(call, name, removed("WebsiteConfiguration")).await?;
    }
    if call.changed("CorsConfiguration") {
        cors(call, name, removed("CorsConfiguration")).await?;
    }
    tagging(call, name, removed("Tags")).await?;
    let notified = "NotificationConfiguration";
    if call.changed(notified) && (call.property(notified).is_some() || call.made.is_some()) {
        let input = shapes::PutBucketNotificationConfigurationRequest {
            bucket: Some(name.to_owned()),
            notification_configuration: Some(notifications(call.property(notified))?),
            ..Default::default()
        };
        call.invoke::<op::PutBucketNotificationConfiguration>(&call.services.s3, input).await?;
    }
    Ok(())
}

async fn public_access(call: &Call<'_>, name: &str, removed: bool) -> Result<(), Fault> {
    let (s3, bucket, property) = (&call.services.s3, Some(name.to_owned()), "PublicAccessBlockConfiguration");
    if removed {
        let input = shapes::DeletePublicAccessBlockRequest { bucket, ..Default::default() };
        return call.invoke::<op::DeletePublicAccessBlock>(s3, input).await.map(drop);
    }
    let Some(block) = call.property(property).filter(|_| call.changed(property)) else { return Ok(()) };
    let input = shapes::PutPublicAccessBlockRequest {
        bucket,
        public_access_block_configuration: Some(shape(block)?),
        ..Default::default()
    };
    call.invoke::<op::PutPublicAccessBlock>(s3, input).await.map(drop)
}

async fn ownership(call: &Call<'_>, name: &str, removed: bool) -> Result<(), Fault> {
    let (s3, bucket, property) = (&call.services.s3, Some(name.to_owned()), "OwnershipControls");
    if removed {
        let input = shapes::DeleteBucketOwnershipControlsRequest { bucket, ..Default::default() };
        return call.invoke::<op::DeleteBucketOwnershipControls>(s3, input).await.map(drop);
    }
    let Some(rules) = call.property(property).filter(|_| call.changed(property)) else { return Ok(()) };
    let input = shapes::PutBucketOwnershipControlsRequest {
        bucket,
        ownership_controls: Some(shape(rules)?),
        ..Default::default()
    };
    call.invoke::<op::PutBucketOwnershipControls>(s3, input).await.map(drop)
}

async fn encryption(call: &Call<'_>, name: &str, removed: bool) -> Result<(), Fault> {
    let (s3, bucket, property) = (&call.services.s3, Some(name.to_owned()), "BucketEncryption");
    if removed {
        let input = shapes::DeleteBucketEncryptionRequest { bucket, ..Default::default() };
        return call.invoke::<op::DeleteBucketEncryption>(s3, input).await.map(drop);
    }
    let Some(given) = call.property(property).filter(|_| call.changed(property)) else { return Ok(()) };
    // The template's names differ from the API's.
    let rule = |rule: &Value| {
        json!({
            "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
            "BucketKeyEnabled": rule["BucketKeyEnabled"],
        })
    };
    let given = given["ServerSideEncryptionConfiguration"].as_array().into_iter().flatten();
    let rules = json!({ "Rules": given.map(rule).collect::<Vec<_>>() });
    let input = shapes::PutBucketEncryptionRequest {
        bucket,
        server_side_encryption_configuration: Some(shape(&rules)?),
        ..Default::default()
    };
    call.invoke::<op::PutBucketEncryption>(s3, input).await.map(drop)
}

async fn versioning(call: &Call<'_>, name: &str, removed: bool) -> Result<(), Fault> {
    let property = "VersioningConfiguration";
    let given = match call.property(property).filter(|_| call.changed(property)) {
        Some(given) => given.clone(),
        // A bucket that was versioned can only be suspended.
        None if removed => json!({ "Status": "Suspended" }),
        None => return Ok(()),
    };
    let input = shapes::PutBucketVersioningRequest {
        bucket: Some(name.to_owned()),
        versioning_configuration: Some(shape(&given)?),
        ..Default::default()
    };
    call.invoke::<op::PutBucketVersioning>(&call.services.s3, input).await.map(drop)
}

async fn tagging(call: &Call<'_>, name: &str, removed: bool) -> Result<(), Fault> {
    let (s3, bucket) = (&call.services.s3, Some(name.to_owned()));
    if removed {
        let input = shapes::DeleteBucketTaggingRequest { bucket, ..Default::default() };
        return call.invoke::<op::DeleteBucketTagging>(s3, input).await.map(drop);
    }
    let Some(tags) = call.property("Tags").filter(|_| call.changed("Tags")) else { return Ok(()) };
    let input = shapes::PutBucketTaggingRequest {
        bucket,
        tagging: Some(shapes::Tagging { tag_set: Some(shape(tags)?) }),
        ..Default::default()
    };
    call.invoke::<op::PutBucketTagging>(s3, input).await.map(drop)
}

async fn website(call: &Call<'_>, name: &str, removed: bool) -> Result<(), Fault> {
    let s3 = &call.services.s3;
    let bucket = Some(name.to_owned());
    let Some(given) = call.property("WebsiteConfiguration") else {
        if removed {
            let input = shapes::DeleteBucketWebsiteRequest { bucket, ..Default::default() };
            call.invoke::<op::DeleteBucketWebsite>(s3, input).await?;
        }
        return Ok(());
    };
    // The template's names differ from the API's.
    let mut plain = json!({});
    if let Some(key) = given.get("ErrorDocument") {
        plain["ErrorDocument"] = json!({ "Key": key });
    }
    if let Some(suffix) = given.get("IndexDocument") {
        plain["IndexDocument"] = json!({ "Suffix": suffix });
    }
    if let Some(redirect) = given.get("RedirectAllRequestsTo") {
        plain["RedirectAllRequestsTo"] = redirect.clone();
    }
    if let Some(Value::Array(rules)) = given.get("RoutingRules") {
        let rule = |rule: &Value| json!({ "Condition": rule["RoutingRuleCondition"], "Redirect": rule["RedirectRule"] });
        plain["RoutingRules"] = Value::Array(rules.iter().map(rule).collect());
    }
    let input = shapes::PutBucketWebsiteRequest {
        bucket,
        website_configuration: Some(shape(&plain)?),
        ..Default::default()
    };
    call.invoke::<op::PutBucketWebsite>(s3, input).await.map(drop)
}

async fn cors(call: &Call<'_>, name: &str, removed: bool) -> Result<(), Fault> {
    let s3 = &call.services.s3;
    let bucket = Some(name.to_owned());
    let Some(rules) = call.property("CorsConfiguration").and_then(|given| given["CorsRules"].as_array())
    else {
        if removed {
            let input = shapes::DeleteBucketCorsRequest { bucket, ..Default::default() };
            call.invoke::<op::DeleteBucketCors>(s3, input).await?;
        }
        return Ok(());
    };
    let rule = |rule: &Value| {
        json!({
            "ID": rule["Id"], "AllowedHeaders": rule["AllowedHeaders"], "AllowedMethods": rule["AllowedMethods"],
            "AllowedOrigins": rule["AllowedOrigins"], "ExposeHeaders": rule["ExposedHeaders"], "MaxAgeSeconds": rule["MaxAge"],
        })
    };
    let plain = json!({ "CORSRules": rules.iter().map(rule).collect::<Vec<_>>() });
    let input = shapes::PutBucketCorsRequest {
        bucket,
        cors_configuration: Some(shape(&plain)?),
        ..Default::default()
    };
    call.invoke::<op::PutBucketCors>(s3, input).await.map(drop)
}

fn notifications(given: Option<&Value>) -> Result<shapes::NotificationConfiguration, Fault> {
    let configurations = given.and_then(|given| given["LambdaConfigurations"].as_array());
    let plain = |configuration: &Value| {
        let rules = &configuration["Filter"]["S3Key"]["Rules"];
        let mut plain =
            json!({ "LambdaFunctionArn": configuration["Function"], "Events": [configuration["Event"]] });
        if rules.is_array() {
            plain["Filter"] = json!({ "Key": { "FilterRules": rules } });
        }
        plain
    };
    let list: Vec<Value> = configurations.into_iter().flatten().map(plain).collect();
    shape(&json!({ "LambdaFunctionConfigurations": list }))
}

/// A bucket's policy.
pub struct BucketPolicy;

impl Kind for BucketPolicy {
    fn name(&self) -> &'static str {
        "AWS::S3::BucketPolicy"
    }

    fn grammar(&self) -> &'static str {
        "Bucket, PolicyDocument"
    }

    fn attributes(&self) -> &'static [&'static str] {
        &[]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["Bucket"]
    }

    fn create<'a>(&self, call: Call<'a>) -> Making<'a> {
        Box::pin(async move {
            let bucket = call.required("Bucket")?;
            let document = call.property("PolicyDocument").ok_or_else(|| super::missing("PolicyDocument"))?;
            let input = shapes::PutBucketPolicyRequest {
                bucket: Some(bucket.clone()),
                policy: Some(text(document).unwrap_or_else(|| document.to_string())),
                ..Default::default()
            };
            call.invoke::<op::PutBucketPolicy>(&call.services.s3, input).await?;
            Ok(Made::new(bucket))
        })
    }

    fn update<'a>(&self, call: Call<'a>) -> Making<'a> {
        self.create(call)
    }

    fn delete<'a>(&self, call: Call<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let input =
                shapes::DeleteBucketPolicyRequest { bucket: Some(call.physical_id()), ..Default::default() };
            gone(call.invoke::<op::DeleteBucketPolicy>(&call.services.s3, input).await)
        })
    }
}
