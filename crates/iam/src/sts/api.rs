//! STS's operation table and nothing else.

use super::shapes::op;
use super::{Sts, access, assume, caller, sessions, web_identity};

nephos_wire::operations! { Sts =>
    AssumeRole(assume::assume_role, access::assume_role);
    AssumeRoleWithWebIdentity(web_identity::assume_role, public);
    GetSessionToken(sessions::session_token, access::unrestricted);
    GetFederationToken(sessions::federation_token, access::federation_token);
    GetCallerIdentity(caller::identity, access::unrestricted);
    GetAccessKeyInfo(caller::access_key_info, access::access_key_info);
}
