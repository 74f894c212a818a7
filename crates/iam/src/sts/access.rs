//! What STS's operations must be allowed to do.

use nephos_core::{Access, Arn, ContextKeys, Cx, PolicyDocument, Principal};

use super::Sts;
use super::assume::inherited_tags;
use super::shapes::{AssumeRoleRequest, GetAccessKeyInfoRequest, GetFederationTokenRequest, Tag};
use crate::directory::{self, RoleName};
use crate::error::Error;
use crate::records::Entity;

/// Operations that no policy can refuse.
pub(crate) fn unrestricted<I>(_: &Sts, _: &Cx, _: &I) -> Result<Vec<Access>, Error> {
    Ok(Vec::new())
}

pub(crate) fn access_key_info(_: &Sts, _: &Cx, _: &GetAccessKeyInfoRequest) -> Result<Vec<Access>, Error> {
    Ok(vec![Access::any("sts:GetAccessKeyInfo")])
}

/// A role's ARN in a request.
pub(crate) fn role_name(arn: Option<&str>) -> Result<RoleName, Error> {
    let arn = arn.unwrap_or_default();
    RoleName::parse(arn).ok_or_else(|| Error::Validation(format!("{arn} is invalid")))
}

/// Access to a role; one that does not exist has no trust policy, and so refuses in the same words.
pub(crate) fn to_role(action: &'static str, name: &RoleName, role: Option<&Entity>) -> Access {
    let trust = role.and_then(|role| role.role.as_ref()).map(|facts| facts.bound_trust.as_str());
    let mut access =
        Access::on(action, &name.arn()).policy(trust.map(|json| PolicyDocument { json: json.into() }));
    for (key, value) in role.iter().flat_map(|role| &role.tags) {
        access.keys.set(&format!("aws:ResourceTag/{key}"), value);
        access.keys.set(&format!("iam:ResourceTag/{key}"), value);
    }
    access
}

/// The keys that a request's tags bring.
fn set_tags(keys: &mut ContextKeys, tags: Option<&[Tag]>) {
    let tags = tags.unwrap_or_default();
    for tag in tags {
        let key = tag.key.as_deref().unwrap_or_default();
        keys.set(&format!("aws:RequestTag/{key}"), tag.value.clone().unwrap_or_default());
    }
    if !tags.is_empty() {
        keys.set_all("aws:TagKeys", tags.iter().filter_map(|tag| tag.key.clone()).collect());
    }
}

pub(crate) fn assume_role(sts: &Sts, cx: &Cx, input: &AssumeRoleRequest) -> Result<Vec<Access>, Error> {
    let name = role_name(input.role_arn.as_deref())?;
    let role = sts.iam.store.read(|view| directory::role(view, &name))?;
    let mut access = to_role("sts:AssumeRole", &name, role.as_ref());
    let keys = &mut access.keys;
    set_tags(keys, input.tags.as_deref());
    if let Some(transitive) = input.transitive_tag_keys.clone().filter(|keys| !keys.is_empty()) {
        keys.set_all("sts:TransitiveTagKeys", transitive);
    }
    let calling = cx.principal.session().and_then(|session| session.source_identity.as_ref());
    let source_identity = input.source_identity.as_ref().or(calling);
    let texts = [
        ("sts:RoleSessionName", input.role_session_name.as_ref()),
        ("sts:ExternalId", input.external_id.as_ref()),
        ("sts:SourceIdentity", source_identity),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            keys.set(key, value);
        }
    }
    if let Some(seconds) = input.duration_seconds {
        keys.set("sts:DurationSeconds", seconds.to_string());
    }
    let tagged = input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) || !inherited_tags(cx).is_empty();
    let more = [("sts:TagSession", tagged), ("sts:SetSourceIdentity", source_identity.is_some())];
    let mut all = vec![access.clone()];
    let more = more.into_iter().filter(|(_, wanted)| *wanted);
    all.extend(more.map(|(action, _)| Access { action, ..access.clone() }));
    Ok(all)
}

pub(crate) fn federation_token(
    _: &Sts,
    cx: &Cx,
    input: &GetFederationTokenRequest,
) -> Result<Vec<Access>, Error> {
    // Refused in its own words, before any policy is asked.
    if !matches!(*cx.principal, Principal::User { session: None, .. } | Principal::Root { .. }) {
        return Err(Error::AccessDenied(
            "Cannot call GetFederationToken with session credentials".to_owned(),
        ));
    }
    let name = input.name.as_deref().unwrap_or_default();
    let arn = Arn::global("sts", cx.account, format!("federated-user/{name}"));
    let mut access = Access::on("sts:GetFederationToken", &arn);
    set_tags(&mut access.keys, input.tags.as_deref());
    let mut all = vec![access.clone()];
    if input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
        all.push(Access { action: "sts:TagSession", ..access });
    }
    Ok(all)
}
