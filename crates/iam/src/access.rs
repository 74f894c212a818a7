//! What an operation must be allowed to do: the ARN of what it names, with the tags and boundary that conditions ask for.

use nephos_core::{Access, AccountId, Arn, ContextKeys, Cx, Principal};

use crate::Iam;
use crate::directory;
use crate::error::Error;
use crate::keys::Sort;
use crate::records::Entity;
use crate::shapes::*;

/// What an input names.
pub(crate) enum Target<'a> {
    /// A user, group or role; the caller itself where there is no name.
    Entity(Sort, Option<&'a str>),
    /// One that is to be made, with its path.
    New(&'static str, Option<&'a str>, Option<&'a str>),
    /// A managed policy by ARN.
    Policy(Option<&'a str>),
    /// A list of users, groups, roles or policies under a path.
    List(&'static str, Option<&'a str>),
    /// Nothing in particular.
    Account,
    /// Whatever has this ARN.
    Arn(Option<&'a str>),
}

/// An input that names something, and may bring condition keys.
pub(crate) trait Names {
    fn target(&self) -> Target<'_>;
    fn keys(&self, keys: &mut ContextKeys);
    /// A further action that the input asks for: to make something with tags is to tag it, too.
    fn also(&self) -> Option<&'static str>;
}

/// The access function of an operation: `action` on what the input names.
pub(crate) fn on<I: Names>(action: &'static str) -> impl Fn(&Iam, &Cx, &I) -> Result<Vec<Access>, Error> {
    move |iam, cx, input| {
        let mut keys = ContextKeys::new();
        let resource = resource(iam, cx, &input.target(), &mut keys)?;
        input.keys(&mut keys);
        let access = Access { action, resource, owner: Some(cx.account), keys, resource_policy: None };
        let also = input.also().map(|action| Access { action, ..access.clone() });
        Ok([access].into_iter().chain(also).collect())
    }
}

fn resource(iam: &Iam, cx: &Cx, target: &Target<'_>, keys: &mut ContextKeys) -> Result<String, Error> {
    let account = cx.account;
    let arn = |resource: String| Arn::global("iam", account, resource).to_string();
    Ok(match target {
        Target::Account => "*".to_owned(),
        Target::Arn(arn) => arn.unwrap_or("*").to_owned(),
        Target::List(noun, prefix) => arn(format!("{noun}{}", prefix.unwrap_or("/"))),
        Target::New(noun, path, name) => {
            arn(format!("{noun}{}{}", path.unwrap_or("/"), name.unwrap_or_default()))
        }
        Target::Policy(arn) => {
            let arn = arn.unwrap_or_default();
            let policy = iam.store.read(|view| directory::customer_policy(view, account, arn))?;
            set_tags(keys, policy.iter().flat_map(|policy| &policy.tags));
            arn.to_owned()
        }
        Target::Entity(sort, name) => match name.map(str::to_owned).or_else(|| own_name(cx)) {
            None => Principal::Root { account }.arn().map(|arn| arn.to_string()).unwrap_or_default(),
            Some(name) => match iam.store.read(|view| directory::find(view, account, *sort, &name))? {
                Some(entity) => known(account, &entity, keys),
                None => arn(format!("{}/{name}", sort.noun())),
            },
        },
    })
}

/// The caller's own name, where it is a user.
fn own_name(cx: &Cx) -> Option<String> {
    match &*cx.principal {
        Principal::User { name, .. } => Some(name.clone()),
        _ => None,
    }
}

fn known(account: AccountId, entity: &Entity, keys: &mut ContextKeys) -> String {
    set_tags(keys, &entity.tags);
    if let Some(boundary) = &entity.boundary {
        keys.set("iam:PermissionsBoundary", boundary);
    }
    entity.arn(account).to_string()
}

fn set_tags<'a>(keys: &mut ContextKeys, tags: impl IntoIterator<Item = &'a (String, String)>) {
    for (key, value) in tags {
        keys.set(&format!("aws:ResourceTag/{key}"), value);
        keys.set(&format!("iam:ResourceTag/{key}"), value);
    }
}

/// The tags that a request brings.
pub(crate) fn request_tags(keys: &mut ContextKeys, tags: Option<&[Tag]>) {
    let Some(tags) = tags else { return };
    for tag in tags {
        let key = tag.key.as_deref().unwrap_or_default();
        keys.set(&format!("aws:RequestTag/{key}"), tag.value.clone().unwrap_or_default());
    }
    keys.set_all("aws:TagKeys", tags.iter().filter_map(|tag| tag.key.clone()).collect());
}

/// For each input, what it names, and which of its members are condition keys.
macro_rules! inputs {
    ($($shape:ident: $target:ident $([$($extra:ident),*])? $(with $tagging:literal)?;)*) => {$(
        impl Names for $shape {
            fn target(&self) -> Target<'_> {
                target!($target, self)
            }

            fn keys(&self, keys: &mut ContextKeys) {
                let _ = &keys;
                $($(extra!($extra, self, keys);)*)?
            }

            fn also(&self) -> Option<&'static str> {
                $(if self.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
                    return Some($tagging);
                })?
                None
            }
        }
    )*};
}

macro_rules! target {
    (user, $i:ident) => {
        Target::Entity(Sort::User, $i.user_name.as_deref())
    };
    (group, $i:ident) => {
        Target::Entity(Sort::Group, Some($i.group_name.as_deref().unwrap_or_default()))
    };
    (role, $i:ident) => {
        Target::Entity(Sort::Role, Some($i.role_name.as_deref().unwrap_or_default()))
    };
    (policy, $i:ident) => {
        Target::Policy($i.policy_arn.as_deref())
    };
    (new_user, $i:ident) => {
        Target::New("user", $i.path.as_deref(), $i.user_name.as_deref())
    };
    (new_group, $i:ident) => {
        Target::New("group", $i.path.as_deref(), $i.group_name.as_deref())
    };
    (new_role, $i:ident) => {
        Target::New("role", $i.path.as_deref(), $i.role_name.as_deref())
    };
    (new_policy, $i:ident) => {
        Target::New("policy", $i.path.as_deref(), $i.policy_name.as_deref())
    };
    (users, $i:ident) => {
        Target::List("user", $i.path_prefix.as_deref())
    };
    (groups, $i:ident) => {
        Target::List("group", $i.path_prefix.as_deref())
    };
    (roles, $i:ident) => {
        Target::List("role", $i.path_prefix.as_deref())
    };
    (policies, $i:ident) => {
        Target::List("policy", $i.path_prefix.as_deref())
    };
    (account, $i:ident) => {
        Target::Account
    };
    (source, $i:ident) => {
        Target::Arn($i.policy_source_arn.as_deref())
    };
}

macro_rules! extra {
    (tags, $i:ident, $keys:ident) => {
        request_tags($keys, $i.tags.as_deref())
    };
    (tag_keys, $i:ident, $keys:ident) => {
        $keys.set_all("aws:TagKeys", $i.tag_keys.clone().unwrap_or_default())
    };
    (boundary, $i:ident, $keys:ident) => {
        if let Some(arn) = &$i.permissions_boundary {
            $keys.set("iam:PermissionsBoundary", arn);
        }
    };
    (policy_arn, $i:ident, $keys:ident) => {
        $keys.set("iam:PolicyARN", $i.policy_arn.clone().unwrap_or_default())
    };
}

inputs! {
    AddUserToGroupRequest: group;
    AttachGroupPolicyRequest: group [policy_arn];
    AttachRolePolicyRequest: role [policy_arn];
    AttachUserPolicyRequest: user [policy_arn];
    CreateAccessKeyRequest: user;
    CreateAccountAliasRequest: account;
    CreateGroupRequest: new_group;
    CreatePolicyRequest: new_policy [tags] with "iam:TagPolicy";
    CreatePolicyVersionRequest: policy;
    CreateRoleRequest: new_role [tags, boundary] with "iam:TagRole";
    CreateUserRequest: new_user [tags, boundary] with "iam:TagUser";
    DeleteAccessKeyRequest: user;
    DeleteAccountAliasRequest: account;
    DeleteGroupPolicyRequest: group;
    DeleteGroupRequest: group;
    DeletePolicyRequest: policy;
    DeletePolicyVersionRequest: policy;
    DeleteRolePermissionsBoundaryRequest: role;
    DeleteRolePolicyRequest: role;
    DeleteRoleRequest: role;
    DeleteUserPermissionsBoundaryRequest: user;
    DeleteUserPolicyRequest: user;
    DeleteUserRequest: user;
    DetachGroupPolicyRequest: group [policy_arn];
    DetachRolePolicyRequest: role [policy_arn];
    DetachUserPolicyRequest: user [policy_arn];
    GetGroupPolicyRequest: group;
    GetGroupRequest: group;
    GetPolicyRequest: policy;
    GetPolicyVersionRequest: policy;
    GetRolePolicyRequest: role;
    GetRoleRequest: role;
    GetUserPolicyRequest: user;
    GetUserRequest: user;
    ListAccessKeysRequest: user;
    ListAccountAliasesRequest: account;
    ListAttachedGroupPoliciesRequest: group;
    ListAttachedRolePoliciesRequest: role;
    ListAttachedUserPoliciesRequest: user;
    ListEntitiesForPolicyRequest: policy;
    ListGroupPoliciesRequest: group;
    ListGroupsForUserRequest: user;
    ListGroupsRequest: groups;
    ListInstanceProfilesForRoleRequest: role;
    ListPoliciesRequest: policies;
    ListPolicyTagsRequest: policy;
    ListPolicyVersionsRequest: policy;
    ListRolePoliciesRequest: role;
    ListRoleTagsRequest: role;
    ListRolesRequest: roles;
    ListUserPoliciesRequest: user;
    ListUserTagsRequest: user;
    ListUsersRequest: users;
    PutGroupPolicyRequest: group;
    PutRolePermissionsBoundaryRequest: role [boundary];
    PutRolePolicyRequest: role;
    PutUserPermissionsBoundaryRequest: user [boundary];
    PutUserPolicyRequest: user;
    RemoveUserFromGroupRequest: group;
    SetDefaultPolicyVersionRequest: policy;
    SimulateCustomPolicyRequest: account;
    SimulatePrincipalPolicyRequest: source;
    TagPolicyRequest: policy [tags];
    TagRoleRequest: role [tags];
    TagUserRequest: user [tags];
    Unit: account;
    UntagPolicyRequest: policy [tag_keys];
    UntagRoleRequest: role [tag_keys];
    UntagUserRequest: user [tag_keys];
    UpdateAccessKeyRequest: user;
    UpdateAssumeRolePolicyRequest: role;
    UpdateGroupRequest: group;
    UpdateRoleDescriptionRequest: role;
    UpdateRoleRequest: role;
    UpdateUserRequest: user;
}
