//! Policy documents, and questions to those that are accepted.

use nephos_core::{AccountId, ContextKeys, Principal};
use nephos_iam::policy::{Caller, Kind, Policy, PolicySet, Question, counted_length};

/// Parses a document for every place, and asks it.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    counted_length(&text);
    let caller = Caller::from(&Principal::Root { account: AccountId::DEFAULT });
    let mut context = ContextKeys::new();
    context.set("aws:SourceIp", "10.0.0.1");
    context.set("aws:username", "someone*?${");
    context.set("aws:CurrentTime", "2026-11-22T12:34:56Z");
    for kind in [Kind::Identity, Kind::Resource, Kind::Trust] {
        let Ok(policy) = Policy::parse(&text, kind) else { continue };
        policy.is_public();
        let set = PolicySet::of("inline policy fuzz", policy);
        for (action, resource) in
            [("s3:GetObject", "arn:aws:s3:::bucket/key"), ("sts:AssumeRole", "*"), ("dynamodb:PutItem", "x")]
        {
            let question = Question::new(&caller, action, resource, &context);
            let _ = set.verdict(&question);
        }
    }
}
