//! The operations of `cognito-identity`.

use super::access::{any, create_pool, list_tags, pool, set_roles, tag, untag};
use super::shapes::op;
use super::{IdentityPools, credentials, get_id, identities, open_id, pools, roles, tags};

nephos_wire::operations! { IdentityPools =>
    CreateIdentityPool(pools::create, create_pool);
    DescribeIdentityPool(pools::describe, pool("cognito-identity:DescribeIdentityPool"));
    UpdateIdentityPool(pools::update, pool("cognito-identity:UpdateIdentityPool"));
    DeleteIdentityPool(pools::delete, pool("cognito-identity:DeleteIdentityPool"));
    ListIdentityPools(pools::list, any("cognito-identity:ListIdentityPools"));
    SetIdentityPoolRoles(roles::set, set_roles);
    GetIdentityPoolRoles(roles::get, pool("cognito-identity:GetIdentityPoolRoles"));

    GetId(get_id::get_id, public);
    GetCredentialsForIdentity(credentials::get, public);
    GetOpenIdToken(open_id::get, public);
    UnlinkIdentity(identities::unlink, public);

    ListIdentities(identities::list, pool("cognito-identity:ListIdentities"));
    DescribeIdentity(identities::describe, any("cognito-identity:DescribeIdentity"));
    DeleteIdentities(identities::delete, any("cognito-identity:DeleteIdentities"));

    TagResource(tags::tag, tag);
    UntagResource(tags::untag, untag);
    ListTagsForResource(tags::list, list_tags);
}
