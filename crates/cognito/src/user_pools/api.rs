//! The operations of `cognito-idp`.

use super::access::{any, create_pool, list_tags, pool, tag, untag};
use super::shapes::op;
use super::{
    UserPools, admin_attributes, admin_create, admin_passwords, admin_users, auth, auth_refresh, clients,
    groups, list_users, memberships, mfa, own_account, own_attributes, own_sign_ins, pools, recovery,
    sign_up, tags,
};

nephos_wire::operations! { UserPools =>
    CreateUserPool(pools::create, create_pool);
    DescribeUserPool(pools::describe, pool("cognito-idp:DescribeUserPool"));
    UpdateUserPool(pools::update, pool("cognito-idp:UpdateUserPool"));
    AddCustomAttributes(pools::add_custom_attributes, pool("cognito-idp:AddCustomAttributes"));
    DeleteUserPool(pools::delete, pool("cognito-idp:DeleteUserPool"));
    ListUserPools(pools::list, any("cognito-idp:ListUserPools"));
    GetUserPoolMfaConfig(mfa::get, pool("cognito-idp:GetUserPoolMfaConfig"));
    SetUserPoolMfaConfig(mfa::set, pool("cognito-idp:SetUserPoolMfaConfig"));

    CreateUserPoolClient(clients::create, pool("cognito-idp:CreateUserPoolClient"));
    DescribeUserPoolClient(clients::describe, pool("cognito-idp:DescribeUserPoolClient"));
    UpdateUserPoolClient(clients::update, pool("cognito-idp:UpdateUserPoolClient"));
    DeleteUserPoolClient(clients::delete, pool("cognito-idp:DeleteUserPoolClient"));
    ListUserPoolClients(clients::list, pool("cognito-idp:ListUserPoolClients"));

    SignUp(sign_up::sign_up, public);
    ConfirmSignUp(sign_up::confirm_sign_up, public);
    ResendConfirmationCode(sign_up::resend, public);
    InitiateAuth(auth::initiate, public);
    RespondToAuthChallenge(auth::respond, public);
    GetTokensFromRefreshToken(auth_refresh::get_tokens, public);
    RevokeToken(own_sign_ins::revoke_token, public);
    GlobalSignOut(own_sign_ins::global_sign_out, public);
    ForgotPassword(recovery::forgot_password, public);
    ConfirmForgotPassword(recovery::confirm_forgot_password, public);
    ChangePassword(own_account::change_password, public);
    GetUser(own_account::get_user, public);
    DeleteUser(own_account::delete_user, public);
    UpdateUserAttributes(own_attributes::update, public);
    DeleteUserAttributes(own_attributes::delete, public);
    GetUserAttributeVerificationCode(own_attributes::get_code, public);
    VerifyUserAttribute(own_attributes::verify, public);

    AdminInitiateAuth(auth::admin_initiate, pool("cognito-idp:AdminInitiateAuth"));
    AdminRespondToAuthChallenge(auth::admin_respond, pool("cognito-idp:AdminRespondToAuthChallenge"));
    AdminCreateUser(admin_create::create, pool("cognito-idp:AdminCreateUser"));
    AdminGetUser(admin_users::get, pool("cognito-idp:AdminGetUser"));
    AdminConfirmSignUp(admin_users::confirm, pool("cognito-idp:AdminConfirmSignUp"));
    AdminDisableUser(admin_users::disable, pool("cognito-idp:AdminDisableUser"));
    AdminEnableUser(admin_users::enable, pool("cognito-idp:AdminEnableUser"));
    AdminDeleteUser(admin_users::delete, pool("cognito-idp:AdminDeleteUser"));
    AdminSetUserPassword(admin_passwords::set, pool("cognito-idp:AdminSetUserPassword"));
    AdminResetUserPassword(admin_passwords::reset, pool("cognito-idp:AdminResetUserPassword"));
    AdminUpdateUserAttributes(admin_attributes::update, pool("cognito-idp:AdminUpdateUserAttributes"));
    AdminDeleteUserAttributes(admin_attributes::delete, pool("cognito-idp:AdminDeleteUserAttributes"));
    AdminUserGlobalSignOut(own_sign_ins::admin_global_sign_out, pool("cognito-idp:AdminUserGlobalSignOut"));
    ListUsers(list_users::list, pool("cognito-idp:ListUsers"));

    CreateGroup(groups::create, pool("cognito-idp:CreateGroup"));
    UpdateGroup(groups::update, pool("cognito-idp:UpdateGroup"));
    GetGroup(groups::get, pool("cognito-idp:GetGroup"));
    DeleteGroup(groups::delete, pool("cognito-idp:DeleteGroup"));
    ListGroups(groups::list, pool("cognito-idp:ListGroups"));
    AdminAddUserToGroup(memberships::add, pool("cognito-idp:AdminAddUserToGroup"));
    AdminRemoveUserFromGroup(memberships::remove, pool("cognito-idp:AdminRemoveUserFromGroup"));
    AdminListGroupsForUser(memberships::groups_of_user, pool("cognito-idp:AdminListGroupsForUser"));
    ListUsersInGroup(memberships::users_in_group, pool("cognito-idp:ListUsersInGroup"));

    TagResource(tags::tag, tag);
    UntagResource(tags::untag, untag);
    ListTagsForResource(tags::list, list_tags);
}
