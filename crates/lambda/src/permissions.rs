//! Resource policies: AddPermission, RemovePermission, GetPolicy.

use nephos_core::{AccountId, Cx, random};
use nephos_store::{Read, Tx};
use serde_json::{Map, Value, json};

use crate::names::{LATEST, Reference};
use crate::records::PolicyRecord;
use crate::shapes::{
    AddPermissionRequest, AddPermissionResponse, GetPolicyRequest, GetPolicyResponse,
    RemovePermissionRequest, Unit,
};
use crate::{Error, Lambda, keys, resolve};

const MAX_POLICY_BYTES: usize = 20 * 1024;

/// The reference, if what it names is there.
fn existing(read: &dyn Read, reference: &Reference) -> Result<(), Error> {
    resolve::function(read, &reference.function)?;
    if reference.qualifier.as_deref() == Some(LATEST) {
        return Err(Error::InvalidParameter(
            "We currently do not support adding policies for $LATEST.".to_owned(),
        ));
    }
    resolve::resolve(read, reference).map(|_| ())
}

fn none() -> Error {
    Error::NotFound("The resource you requested does not exist.".to_owned())
}

/// AddPermission.
pub async fn add_permission(
    lambda: &Lambda,
    cx: &Cx,
    input: AddPermissionRequest,
) -> Result<AddPermissionResponse, Error> {
    let reference = Reference::parse(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    let statement = statement(&reference, &input)?;
    let id = input.statement_id.clone().unwrap_or_default();
    let added = lambda.deps.store.transact("lambda-add-permission", |tx: &mut Tx| {
        existing(tx, &reference)?;
        let mut policy = resolve::policy(tx, &reference)?.unwrap_or_default();
        if policy.statements.iter().any(|s| s["Sid"] == id.as_str()) {
            return Err(Error::Conflict(format!(
                "The statement id ({id}) provided already exists. Please provide a new statement id, or remove the \
                 existing statement."
            )));
        }
        check_revision(&policy, input.revision_id.as_deref())?;
        policy.statements.push(statement.clone());
        policy.revision = random::uuid();
        let size = policy.document().len();
        if size > MAX_POLICY_BYTES {
            return Err(Error::PolicyLength(format!(
                "The final policy size ({size}) is bigger than the limit ({MAX_POLICY_BYTES})."
            )));
        }
        Ok(tx.put_record(keys::policy(&reference.function, reference.qualifier.as_deref()), &policy)?)
    });
    added.await?;
    Ok(AddPermissionResponse { statement: Some(statement.to_string()) })
}

fn check_revision(policy: &PolicyRecord, wanted: Option<&str>) -> Result<(), Error> {
    if wanted.is_some_and(|wanted| wanted != policy.revision) { Err(Error::stale_revision()) } else { Ok(()) }
}

fn statement(reference: &Reference, input: &AddPermissionRequest) -> Result<Value, Error> {
    let principal = principal(input.principal.as_deref().unwrap_or_default())?;
    let mut conditions = Map::new();
    let mut condition = |operator: &str, key: &str, value: Option<String>| {
        if let Some(value) = value {
            let keys = conditions.entry(operator).or_insert_with(|| json!({}));
            keys[key] = Value::String(value);
        }
    };
    condition("StringEquals", "AWS:SourceAccount", input.source_account.clone());
    condition("StringEquals", "lambda:EventSourceToken", input.event_source_token.clone());
    condition("StringEquals", "lambda:FunctionUrlAuthType", input.function_url_auth_type.clone());
    condition("StringEquals", "aws:PrincipalOrgID", input.principal_org_id.clone());
    condition("Bool", "lambda:InvokedViaFunctionUrl", input.invoked_via_function_url.map(|b| b.to_string()));
    condition("ArnLike", "AWS:SourceArn", input.source_arn.clone());
    let mut statement = json!({
        "Sid": input.statement_id,
        "Effect": "Allow",
        "Principal": principal,
        "Action": input.action,
        "Resource": reference.arn().to_string(),
    });
    if !conditions.is_empty() {
        statement["Condition"] = Value::Object(conditions);
    }
    Ok(statement)
}

/// A principal as the policy language has it: anybody, a service, an account or somebody of one.
fn principal(given: &str) -> Result<Value, Error> {
    if given == "*" {
        return Ok(json!("*"));
    }
    if let Ok(account) = given.parse::<AccountId>() {
        return Ok(json!({ "AWS": format!("arn:aws:iam::{account}:root") }));
    }
    if given.starts_with("arn:") {
        return Ok(json!({ "AWS": given }));
    }
    if given.contains('.') {
        return Ok(json!({ "Service": given }));
    }
    Err(Error::InvalidParameter(
        "The provided principal was invalid. Please check the principal and try again.".to_owned(),
    ))
}

/// RemovePermission.
pub async fn remove_permission(
    lambda: &Lambda,
    cx: &Cx,
    input: RemovePermissionRequest,
) -> Result<Unit, Error> {
    let reference = Reference::parse(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    let id = input.statement_id.unwrap_or_default();
    let removed = lambda.deps.store.transact("lambda-remove-permission", |tx: &mut Tx| {
        existing(tx, &reference)?;
        let missing = || Error::NotFound("No policy is associated with the given resource.".to_owned());
        let mut policy = resolve::policy(tx, &reference)?.ok_or_else(missing)?;
        check_revision(&policy, input.revision_id.as_deref())?;
        let before = policy.statements.len();
        policy.statements.retain(|statement| statement["Sid"] != id.as_str());
        if policy.statements.len() == before {
            return Err(Error::NotFound(format!("Statement {id} is not found in resource policy.")));
        }
        let key = keys::policy(&reference.function, reference.qualifier.as_deref());
        if policy.statements.is_empty() {
            tx.delete(key);
            return Ok(());
        }
        policy.revision = random::uuid();
        Ok(tx.put_record(key, &policy)?)
    });
    removed.await?;
    Ok(Unit::default())
}

/// GetPolicy.
pub async fn get_policy(
    lambda: &Lambda,
    cx: &Cx,
    input: GetPolicyRequest,
) -> Result<GetPolicyResponse, Error> {
    let reference = Reference::parse(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    let policy = lambda.deps.store.read(|view| {
        resolve::function(view, &reference.function)?;
        resolve::policy(view, &reference)?.ok_or_else(none)
    })?;
    Ok(GetPolicyResponse { policy: Some(policy.document()), revision_id: Some(policy.revision) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_become_the_policy_languages() {
        assert_eq!(principal("*").unwrap(), json!("*"));
        assert_eq!(principal("s3.amazonaws.com").unwrap(), json!({ "Service": "s3.amazonaws.com" }));
        assert_eq!(principal("123456789012").unwrap(), json!({ "AWS": "arn:aws:iam::123456789012:root" }));
        assert!(principal("nobody").is_err());
    }

    #[test]
    fn a_statement_has_its_conditions() {
        let cx = crate::testing::cx();
        let reference = Reference::parse(&cx, Some("f"), Some("live")).unwrap();
        let input = AddPermissionRequest {
            statement_id: Some("s3".into()),
            action: Some("lambda:InvokeFunction".into()),
            principal: Some("s3.amazonaws.com".into()),
            source_arn: Some("arn:aws:s3:::b".into()),
            source_account: Some("000000000000".into()),
            ..Default::default()
        };
        let statement = statement(&reference, &input).unwrap();
        assert_eq!(statement["Resource"], "arn:aws:lambda:us-east-1:000000000000:function:f:live");
        assert_eq!(
            statement["Condition"],
            json!({ "StringEquals": { "AWS:SourceAccount": "000000000000" }, "ArnLike": { "AWS:SourceArn": "arn:aws:s3:::b" } })
        );
    }
}
