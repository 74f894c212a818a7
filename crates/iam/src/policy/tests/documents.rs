//! Documents that are refused, and in which words.

use crate::policy::{Kind, Policy};

const REFUSED: &[(&str, &str)] = &[
    ("", "Syntax errors in policy."),
    ("[]", "Syntax errors in policy."),
    ("{}", "Syntax errors in policy."),
    (r#"{"Version":"2012-10-17","Statement":[]}"#, "Syntax errors in policy."),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"},"Extra":1}"#,
        "Syntax errors in policy.",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Extra":1}}"#,
        "Syntax errors in policy.",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"allow","Action":"s3:*","Resource":"*"}}"#,
        "Syntax errors in policy.",
    ),
    (r#"{"Version":"2012-10-17","Statement":{"Action":"s3:*","Resource":"*"}}"#, "Syntax errors in policy."),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","NotAction":"s3:*","Resource":"*"}}"#,
        "Syntax errors in policy.",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Effect":"Deny","Action":"s3:*","Resource":"*"}}"#,
        "Syntax errors in policy.",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringMatches":{"aws:x":"y"}}}}"#,
        "Syntax errors in policy.",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"aws:x":{}}}}}"#,
        "Syntax errors in policy.",
    ),
    (
        r#"{"Version":"2013-01-01","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#,
        "Syntax errors in policy.",
    ),
    (
        r#"{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#,
        "Policy document must be version 2012-10-17 or greater.",
    ),
    (
        r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#,
        "Policy document must be version 2012-10-17 or greater.",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Resource":"*"}}"#,
        "Policy statement must contain actions.",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*"}}"#,
        "Policy statement must contain resources.",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":[]}}"#,
        "Policy statement must contain resources.",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"everything","Resource":"*"}}"#,
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:b:c","Resource":"*"}}"#,
        "Actions/Condition can contain only one colon.",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a*:b","Resource":"*"}}"#,
        "Vendor a* is not valid",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}}"#,
        "Resource bucket must be in ARN format or \"*\".",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:elsewhere:s3:::b"}}"#,
        "Partition \"elsewhere\" is not valid for resource \"arn:elsewhere:s3:::b\".",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:us-east-1::b"}}"#,
        "Resource arn:aws:s3:us-east-1::b can not contain region information.",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}"#,
        "Policy document should not specify a principal.",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#,
        "Statement IDs (SID) in a single policy must be unique.",
    ),
    (
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"soon"}}}}"#,
        "The policy failed legacy parsing",
    ),
];

#[test]
fn documents_outside_the_language_are_refused() {
    for (json, message) in REFUSED {
        match Policy::parse(json, Kind::Identity) {
            Ok(_) => panic!("accepted {json}"),
            Err(error) => assert_eq!(error.message, *message, "{json} ({})", error.detail),
        }
    }
}

#[test]
fn trust_policies_have_rules_of_their_own() {
    let trust = |body: &str| {
        let json = format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{body}}}}}"#);
        Policy::parse(&json, Kind::Trust).map(drop).map_err(|e| e.message)
    };
    assert_eq!(trust(r#""Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole""#), Ok(()));
    assert_eq!(
        trust(
            r#""Principal":{"AWS":["111111111111","arn:aws:iam::222222222222:root"]},"Action":["sts:AssumeRole","sts:TagSession"]"#
        ),
        Ok(())
    );
    for (body, message) in [
        (
            r#""Principal":{"AWS":"*"},"Action":"s3:*""#,
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            r#""Principal":{"AWS":"*"},"Action":"s3:ä*""#,
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            r#""Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Resource":"*""#,
            "Has prohibited field Resource",
        ),
        (r#""Action":"sts:AssumeRole""#, "Missing required field Principal"),
        (
            r#""Principal":{"AWS":"ada"},"Action":"sts:AssumeRole""#,
            "Invalid principal in policy: \"AWS\":\"ada\"",
        ),
        (
            r#""Principal":{"AWS":"arn:aws:iam::111111111111:role/*"},"Action":"sts:AssumeRole""#,
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111111111111:role/*\"",
        ),
        (
            r#""Principal":{"Service":"*"},"Action":"sts:AssumeRole""#,
            "Invalid principal in policy: \"Service\":\"*\"",
        ),
    ] {
        assert_eq!(trust(body), Err(message.to_owned()), "{body}");
    }
}
