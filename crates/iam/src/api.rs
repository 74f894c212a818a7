//! IAM's operation table and nothing else.

use crate::access::on;
use crate::shapes::op;
use crate::{
    Iam, access_keys, accounts, attachments, boundaries, groups, inline, policies, roles, simulate, tags,
    users,
};

nephos_wire::operations! { Iam =>
    CreateUser(users::create, on("iam:CreateUser"));
    GetUser(users::get, on("iam:GetUser"));
    ListUsers(users::list, on("iam:ListUsers"));
    UpdateUser(users::update, on("iam:UpdateUser"));
    DeleteUser(users::delete, on("iam:DeleteUser"));
    TagUser(tags::tag_user, on("iam:TagUser"));
    UntagUser(tags::untag_user, on("iam:UntagUser"));
    ListUserTags(tags::list_user_tags, on("iam:ListUserTags"));
    PutUserPolicy(inline::put_user, on("iam:PutUserPolicy"));
    GetUserPolicy(inline::get_user, on("iam:GetUserPolicy"));
    ListUserPolicies(inline::list_user, on("iam:ListUserPolicies"));
    DeleteUserPolicy(inline::delete_user, on("iam:DeleteUserPolicy"));
    AttachUserPolicy(attachments::attach_user, on("iam:AttachUserPolicy"));
    DetachUserPolicy(attachments::detach_user, on("iam:DetachUserPolicy"));
    ListAttachedUserPolicies(attachments::list_user, on("iam:ListAttachedUserPolicies"));
    PutUserPermissionsBoundary(boundaries::put_user, on("iam:PutUserPermissionsBoundary"));
    DeleteUserPermissionsBoundary(boundaries::delete_user, on("iam:DeleteUserPermissionsBoundary"));

    CreateAccessKey(access_keys::create, on("iam:CreateAccessKey"));
    ListAccessKeys(access_keys::list, on("iam:ListAccessKeys"));
    UpdateAccessKey(access_keys::update, on("iam:UpdateAccessKey"));
    DeleteAccessKey(access_keys::delete, on("iam:DeleteAccessKey"));

    CreateGroup(groups::create, on("iam:CreateGroup"));
    GetGroup(groups::get, on("iam:GetGroup"));
    ListGroups(groups::list, on("iam:ListGroups"));
    UpdateGroup(groups::update, on("iam:UpdateGroup"));
    DeleteGroup(groups::delete, on("iam:DeleteGroup"));
    AddUserToGroup(groups::add_user, on("iam:AddUserToGroup"));
    RemoveUserFromGroup(groups::remove_user, on("iam:RemoveUserFromGroup"));
    ListGroupsForUser(groups::list_for_user, on("iam:ListGroupsForUser"));
    PutGroupPolicy(inline::put_group, on("iam:PutGroupPolicy"));
    GetGroupPolicy(inline::get_group, on("iam:GetGroupPolicy"));
    ListGroupPolicies(inline::list_group, on("iam:ListGroupPolicies"));
    DeleteGroupPolicy(inline::delete_group, on("iam:DeleteGroupPolicy"));
    AttachGroupPolicy(attachments::attach_group, on("iam:AttachGroupPolicy"));
    DetachGroupPolicy(attachments::detach_group, on("iam:DetachGroupPolicy"));
    ListAttachedGroupPolicies(attachments::list_group, on("iam:ListAttachedGroupPolicies"));

    CreateRole(roles::create, on("iam:CreateRole"));
    GetRole(roles::get, on("iam:GetRole"));
    ListRoles(roles::list, on("iam:ListRoles"));
    UpdateRole(roles::update, on("iam:UpdateRole"));
    UpdateRoleDescription(roles::update_description, on("iam:UpdateRoleDescription"));
    UpdateAssumeRolePolicy(roles::update_trust, on("iam:UpdateAssumeRolePolicy"));
    DeleteRole(roles::delete, on("iam:DeleteRole"));
    TagRole(tags::tag_role, on("iam:TagRole"));
    UntagRole(tags::untag_role, on("iam:UntagRole"));
    ListRoleTags(tags::list_role_tags, on("iam:ListRoleTags"));
    PutRolePolicy(inline::put_role, on("iam:PutRolePolicy"));
    GetRolePolicy(inline::get_role, on("iam:GetRolePolicy"));
    ListRolePolicies(inline::list_role, on("iam:ListRolePolicies"));
    DeleteRolePolicy(inline::delete_role, on("iam:DeleteRolePolicy"));
    AttachRolePolicy(attachments::attach_role, on("iam:AttachRolePolicy"));
    DetachRolePolicy(attachments::detach_role, on("iam:DetachRolePolicy"));
    ListAttachedRolePolicies(attachments::list_role, on("iam:ListAttachedRolePolicies"));
    PutRolePermissionsBoundary(boundaries::put_role, on("iam:PutRolePermissionsBoundary"));
    DeleteRolePermissionsBoundary(boundaries::delete_role, on("iam:DeleteRolePermissionsBoundary"));
    ListInstanceProfilesForRole(roles::list_instance_profiles, on("iam:ListInstanceProfilesForRole"));

    CreatePolicy(policies::create, on("iam:CreatePolicy"));
    GetPolicy(policies::get, on("iam:GetPolicy"));
    ListPolicies(policies::list, on("iam:ListPolicies"));
    DeletePolicy(policies::delete, on("iam:DeletePolicy"));
    CreatePolicyVersion(policies::create_version, on("iam:CreatePolicyVersion"));
    GetPolicyVersion(policies::get_version, on("iam:GetPolicyVersion"));
    ListPolicyVersions(policies::list_versions, on("iam:ListPolicyVersions"));
    SetDefaultPolicyVersion(policies::set_default_version, on("iam:SetDefaultPolicyVersion"));
    DeletePolicyVersion(policies::delete_version, on("iam:DeletePolicyVersion"));
    ListEntitiesForPolicy(policies::list_entities, on("iam:ListEntitiesForPolicy"));
    TagPolicy(tags::tag_policy, on("iam:TagPolicy"));
    UntagPolicy(tags::untag_policy, on("iam:UntagPolicy"));
    ListPolicyTags(tags::list_policy_tags, on("iam:ListPolicyTags"));

    CreateAccountAlias(accounts::create_alias, on("iam:CreateAccountAlias"));
    ListAccountAliases(accounts::list_aliases, on("iam:ListAccountAliases"));
    DeleteAccountAlias(accounts::delete_alias, on("iam:DeleteAccountAlias"));
    GetAccountSummary(accounts::summary, on("iam:GetAccountSummary"));

    SimulateCustomPolicy(simulate::custom, on("iam:SimulateCustomPolicy"));
    SimulatePrincipalPolicy(simulate::principal, on("iam:SimulatePrincipalPolicy"));
}
