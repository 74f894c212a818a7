//! Managed policies: the account's own, with up to five versions, and AWS's.

use nephos_core::{AccountId, Cx, Timestamp};
use nephos_store::{Range, Read};

use crate::Iam;
use crate::attachments::{is_aws_managed, users_of};
use crate::directory;
use crate::error::Error;
use crate::inline::encode;
use crate::keys::{self, Sort, Use};
use crate::managed::{self, AwsManaged};
use crate::pages::Asked;
use crate::policy::{Kind, Policy, counted_length};
use crate::records::{self, ManagedPolicy, entity_id};
use crate::shapes;
use crate::shapes::{
    CreatePolicyRequest, CreatePolicyResponse, CreatePolicyVersionRequest, CreatePolicyVersionResponse,
    DeletePolicyRequest, DeletePolicyVersionRequest, GetPolicyRequest, GetPolicyResponse,
    GetPolicyVersionRequest, GetPolicyVersionResponse, ListEntitiesForPolicyRequest,
    ListEntitiesForPolicyResponse, ListPoliciesRequest, ListPoliciesResponse, ListPolicyVersionsRequest,
    ListPolicyVersionsResponse, PolicyGroup, PolicyRole, PolicyUser, SetDefaultPolicyVersionRequest, Unit,
};
use crate::tags;

const MAX_POLICIES: usize = 1500;
const MAX_VERSIONS: usize = 5;
const MAX_CHARS: usize = 6144;

/// When AWS's own policies came to be, as far as answers are concerned: 2026-01-01.
const AWS_CREATED: Timestamp = Timestamp::from_secs(1_767_225_600);

fn missing(arn: &str) -> Error {
    Error::NoSuchEntity(format!("Policy {arn} was not found."))
}

fn version_missing(arn: &str, version: &str) -> Error {
    Error::NoSuchEntity(format!("Policy {arn} version {version} does not exist or is not attachable."))
}

/// AWS's own policy in the form of a record.
fn record_of(policy: &AwsManaged) -> ManagedPolicy {
    ManagedPolicy {
        name: policy.name.to_owned(),
        path: policy.path.to_owned(),
        id: policy.id(),
        description: Some(policy.description.to_owned()),
        tags: Vec::new(),
        created: AWS_CREATED,
        updated: AWS_CREATED,
        default_version: 1,
        next_version: 2,
        versions: vec![records::PolicyVersion {
            number: 1,
            document: policy.document.to_owned(),
            created: AWS_CREATED,
        }],
    }
}

/// A managed policy, AWS's own or the account's.
pub(crate) fn describe<R: Read>(tx: &R, account: AccountId, arn: &str) -> Result<ManagedPolicy, Error> {
    if let Some(policy) = managed::find(arn) {
        return Ok(record_of(policy));
    }
    directory::customer_policy(tx, account, arn)?.ok_or_else(|| missing(arn))
}

/// A policy of the account's own.
pub(crate) fn changeable<R: Read>(tx: &R, account: AccountId, arn: &str) -> Result<ManagedPolicy, Error> {
    if is_aws_managed(arn) {
        let text = format!("Policy {arn} is managed by AWS and cannot be changed.");
        return Err(Error::Unmodifiable(text));
    }
    directory::customer_policy(tx, account, arn)?.ok_or_else(|| missing(arn))
}

fn shape<R: Read>(
    tx: &R,
    account: AccountId,
    arn: String,
    policy: &ManagedPolicy,
) -> Result<shapes::Policy, Error> {
    let count = |kind| Ok::<_, Error>(i32::try_from(users_of(tx, account, &arn, kind)?.len()).ok());
    Ok(shapes::Policy {
        policy_name: Some(policy.name.clone()),
        policy_id: Some(policy.id.clone()),
        path: Some(policy.path.clone()),
        default_version_id: Some(format!("v{}", policy.default_version)),
        attachment_count: count(Use::Attached)?,
        permissions_boundary_usage_count: count(Use::Boundary)?,
        is_attachable: Some(true),
        description: policy.description.clone(),
        create_date: Some(policy.created),
        update_date: Some(policy.updated),
        tags: tags::write(&policy.tags),
        arn: Some(arn),
    })
}

fn version_shape(
    policy: &ManagedPolicy,
    version: &records::PolicyVersion,
    with_document: bool,
) -> shapes::PolicyVersion {
    shapes::PolicyVersion {
        document: with_document.then(|| encode(&version.document)),
        version_id: Some(format!("v{}", version.number)),
        is_default_version: Some(version.number == policy.default_version),
        create_date: Some(version.created),
    }
}

/// Checks a document that is to be a managed policy.
pub(crate) fn check_document(document: &str) -> Result<(), Error> {
    Policy::parse(document, Kind::Identity)?;
    if counted_length(document) > MAX_CHARS {
        return Err(Error::LimitExceeded(format!("Cannot exceed quota for PolicySize: {MAX_CHARS}")));
    }
    Ok(())
}

/// A new policy with one version.
pub(crate) fn new_policy(name: &str, path: &str, document: &str, now: Timestamp) -> ManagedPolicy {
    let now = Timestamp::from_secs(now.secs());
    ManagedPolicy {
        name: name.to_owned(),
        path: path.to_owned(),
        id: entity_id("ANPA"),
        description: None,
        tags: Vec::new(),
        created: now,
        updated: now,
        default_version: 1,
        next_version: 2,
        versions: vec![records::PolicyVersion { number: 1, document: document.to_owned(), created: now }],
    }
}

pub(crate) async fn create(
    iam: &Iam,
    cx: &Cx,
    input: CreatePolicyRequest,
) -> Result<CreatePolicyResponse, Error> {
    let name = input.policy_name.unwrap_or_default();
    let document = input.policy_document.unwrap_or_default();
    check_document(&document)?;
    let mut policy = new_policy(&name, input.path.as_deref().unwrap_or("/"), &document, cx.now());
    policy.description = input.description;
    policy.tags = tags::read(input.tags.as_deref())?;
    iam.write("iam.create_policy", cx.account, |tx| {
        if tx.get(&keys::policy(cx.account, &name))?.is_some() {
            return Err(Error::EntityAlreadyExists(format!(
                "A policy called {name} already exists. Duplicate names are not allowed."
            )));
        }
        let held = tx.range(&Range::prefix(&keys::policies(cx.account)).limit(MAX_POLICIES))?.len();
        if held >= MAX_POLICIES {
            let quota = format!("Cannot exceed quota for PoliciesPerAccount: {MAX_POLICIES}");
            return Err(Error::LimitExceeded(quota));
        }
        Ok(tx.put_record(keys::policy(cx.account, &name), &policy)?)
    })
    .await?;
    let arn = policy.arn(cx.account);
    let policy = iam.store.read(|view| shape(view, cx.account, arn, &policy))?;
    Ok(CreatePolicyResponse { policy: Some(shapes::Policy { description: None, ..policy }) })
}

pub(crate) async fn get(iam: &Iam, cx: &Cx, input: GetPolicyRequest) -> Result<GetPolicyResponse, Error> {
    let arn = input.policy_arn.unwrap_or_default();
    let policy = iam.store.read(|view| {
        let policy = describe(view, cx.account, &arn)?;
        shape(view, cx.account, arn, &policy)
    })?;
    Ok(GetPolicyResponse { policy: Some(policy) })
}

pub(crate) async fn list(
    iam: &Iam,
    cx: &Cx,
    input: ListPoliciesRequest,
) -> Result<ListPoliciesResponse, Error> {
    let asked = Asked::read(input.marker.as_deref(), input.max_items)?;
    let scope = input.scope.as_deref().unwrap_or("All");
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let usage = input.policy_usage_filter.as_deref();
    let page = iam.store.read(|view| {
        let mut found = Vec::new();
        if scope != "Local" {
            found.extend(managed::all().iter().map(|policy| (policy.arn(), record_of(policy))));
        }
        if scope != "AWS" {
            let own = view.records::<ManagedPolicy>(&Range::prefix(&keys::policies(cx.account)))?;
            found.extend(own.into_iter().map(|(_, policy)| (policy.arn(cx.account), policy)));
        }
        let mut shown = Vec::new();
        for (arn, policy) in found.into_iter().filter(|(_, policy)| policy.path.starts_with(prefix)) {
            let policy = shape(view, cx.account, arn, &policy)?;
            let attached = policy.attachment_count.unwrap_or(0) > 0;
            let bounding = policy.permissions_boundary_usage_count.unwrap_or(0) > 0;
            let used = match usage {
                Some("PermissionsBoundary") => bounding,
                Some("PermissionsPolicy") => attached,
                _ => true,
            };
            if used && (attached || bounding || !input.only_attached.unwrap_or(false)) {
                shown.push(shapes::Policy { description: None, tags: None, ..policy });
            }
        }
        Ok::<_, Error>(asked.of(shown, |policy| policy.arn.as_deref().unwrap_or_default()))
    })?;
    let is_truncated = page.is_truncated();
    Ok(ListPoliciesResponse { policies: Some(page.items), is_truncated, marker: page.marker })
}

pub(crate) async fn delete(iam: &Iam, cx: &Cx, input: DeletePolicyRequest) -> Result<Unit, Error> {
    let arn = input.policy_arn.unwrap_or_default();
    iam.write("iam.delete_policy", cx.account, |tx| {
        let policy = changeable(tx, cx.account, &arn)?;
        let attached = users_of(tx, cx.account, &arn, Use::Attached)?;
        if !attached.is_empty() || !users_of(tx, cx.account, &arn, Use::Boundary)?.is_empty() {
            return Err(Error::DeleteConflict("Cannot delete a policy attached to entities.".to_owned()));
        }
        if policy.versions.len() > 1 {
            return Err(Error::DeleteConflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy."
                    .to_owned(),
            ));
        }
        tx.delete(keys::policy(cx.account, &policy.name));
        Ok(())
    })
    .await?;
    Ok(Unit {})
}

/// Changes a policy's versions in a transaction.
async fn change<T>(
    iam: &Iam,
    cx: &Cx,
    arn: &str,
    change: impl Fn(&mut ManagedPolicy) -> Result<T, Error>,
) -> Result<T, Error> {
    iam.write("iam.policy_version", cx.account, |tx| {
        let mut policy = changeable(tx, cx.account, arn)?;
        let value = change(&mut policy)?;
        policy.updated = Timestamp::from_secs(cx.now().secs());
        tx.put_record(keys::policy(cx.account, &policy.name), &policy)?;
        Ok(value)
    })
    .await
}

pub(crate) async fn create_version(
    iam: &Iam,
    cx: &Cx,
    input: CreatePolicyVersionRequest,
) -> Result<CreatePolicyVersionResponse, Error> {
    let document = input.policy_document.unwrap_or_default();
    check_document(&document)?;
    let version = change(iam, cx, input.policy_arn.as_deref().unwrap_or_default(), |policy| {
        if policy.versions.len() >= MAX_VERSIONS {
            return Err(Error::LimitExceeded(
                "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version."
                    .to_owned(),
            ));
        }
        let number = policy.next_version;
        policy.next_version += 1;
        let created = Timestamp::from_secs(cx.now().secs());
        policy.versions.push(records::PolicyVersion { number, document: document.clone(), created });
        if input.set_as_default.unwrap_or(false) {
            policy.default_version = number;
        }
        Ok(policy.version(number).map(|version| version_shape(policy, version, false)))
    })
    .await?;
    Ok(CreatePolicyVersionResponse { policy_version: version })
}

/// The number in `v3`; the model has checked the form.
fn number(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

pub(crate) async fn get_version(
    iam: &Iam,
    cx: &Cx,
    input: GetPolicyVersionRequest,
) -> Result<GetPolicyVersionResponse, Error> {
    let (arn, id) = (input.policy_arn.unwrap_or_default(), input.version_id.unwrap_or_default());
    let policy = iam.store.read(|view| describe(view, cx.account, &arn))?;
    let version = number(&id).and_then(|number| policy.version(number));
    let version = version.ok_or_else(|| version_missing(&arn, &id))?;
    Ok(GetPolicyVersionResponse { policy_version: Some(version_shape(&policy, version, true)) })
}

pub(crate) async fn list_versions(
    iam: &Iam,
    cx: &Cx,
    input: ListPolicyVersionsRequest,
) -> Result<ListPolicyVersionsResponse, Error> {
    let arn = input.policy_arn.unwrap_or_default();
    let policy = iam.store.read(|view| describe(view, cx.account, &arn))?;
    // Newest first; there are five at most, so there is but one page.
    let versions = policy.versions.iter().rev().map(|version| version_shape(&policy, version, false));
    Ok(ListPolicyVersionsResponse {
        versions: Some(versions.collect()),
        is_truncated: Some(false),
        marker: None,
    })
}

pub(crate) async fn delete_version(
    iam: &Iam,
    cx: &Cx,
    input: DeletePolicyVersionRequest,
) -> Result<Unit, Error> {
    let (arn, id) = (input.policy_arn.unwrap_or_default(), input.version_id.unwrap_or_default());
    change(iam, cx, &arn, |policy| {
        let version = number(&id).and_then(|number| policy.version(number));
        let number = version.ok_or_else(|| version_missing(&arn, &id))?.number;
        if number == policy.default_version {
            return Err(Error::DeleteConflict("Cannot delete the default version of a policy.".to_owned()));
        }
        policy.versions.retain(|version| version.number != number);
        Ok(())
    })
    .await?;
    Ok(Unit {})
}

pub(crate) async fn set_default_version(
    iam: &Iam,
    cx: &Cx,
    input: SetDefaultPolicyVersionRequest,
) -> Result<Unit, Error> {
    let (arn, id) = (input.policy_arn.unwrap_or_default(), input.version_id.unwrap_or_default());
    change(iam, cx, &arn, |policy| {
        let version = number(&id).and_then(|number| policy.version(number));
        policy.default_version = version.ok_or_else(|| version_missing(&arn, &id))?.number;
        Ok(())
    })
    .await?;
    Ok(Unit {})
}

pub(crate) async fn list_entities(
    iam: &Iam,
    cx: &Cx,
    input: ListEntitiesForPolicyRequest,
) -> Result<ListEntitiesForPolicyResponse, Error> {
    let arn = input.policy_arn.unwrap_or_default();
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let asked = Asked::read(input.marker.as_deref(), input.max_items)?;
    let found = iam.store.read(|view| {
        describe(view, cx.account, &arn)?;
        let mut found = Vec::new();
        let boundary = input.policy_usage_filter.as_deref() == Some("PermissionsBoundary");
        let kind = if boundary { Use::Boundary } else { Use::Attached };
        for (sort, name) in users_of(view, cx.account, &arn, kind)? {
            found.extend(view.record::<records::Entity>(&keys::entity(cx.account, sort, &name))?);
        }
        Ok::<_, Error>(found)
    })?;
    let wanted = |entity: &records::Entity| {
        entity.path.starts_with(prefix)
            && match input.entity_filter.as_deref() {
                Some("User") => entity.sort == Sort::User,
                Some("Group") => entity.sort == Sort::Group,
                Some("Role") => entity.sort == Sort::Role,
                _ => true,
            }
    };
    let page = asked.of(found.into_iter().filter(wanted).collect(), |entity| &entity.id);
    let is_truncated = page.is_truncated();
    let of = |sort| page.items.iter().filter(move |entity| entity.sort == sort);
    let facts = |entity: &records::Entity| (Some(entity.name.clone()), Some(entity.id.clone()));
    let users = of(Sort::User).map(facts).map(|(user_name, user_id)| PolicyUser { user_name, user_id });
    let groups =
        of(Sort::Group).map(facts).map(|(group_name, group_id)| PolicyGroup { group_name, group_id });
    let roles = of(Sort::Role).map(facts).map(|(role_name, role_id)| PolicyRole { role_name, role_id });
    Ok(ListEntitiesForPolicyResponse {
        policy_users: Some(users.collect()),
        policy_groups: Some(groups.collect()),
        policy_roles: Some(roles.collect()),
        is_truncated,
        marker: page.marker,
    })
}
