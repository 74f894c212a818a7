//! `ListUsers`: pages of a pool's users, filtered.

use std::ops::ControlFlow;

use nephos_core::Cx;
use nephos_store::{Range, Read, StoreError, record};

use super::filter::Filter;
use super::pool_record::PoolRecord;
use super::shapes::{ListUsersRequest, ListUsersResponse};
use super::user_record::{self, UserRecord};
use super::{UserPools, need, own_pool, user_view};
use crate::error::Error;
use crate::{keys, paging};

/// How many users one call looks at; a page may then be short, or empty, and go on.
const LOOK_AT: usize = 10_000;

/// `ListUsers`
pub(crate) async fn list(
    pools: &UserPools,
    cx: &Cx,
    input: ListUsersRequest,
) -> Result<ListUsersResponse, Error> {
    let pool = need(input.user_pool_id, "UserPoolId")?;
    let filter = Filter::parse(input.filter.as_deref().unwrap_or_default())?;
    let size = paging::size(input.limit, 60);
    let wanted = input.attributes_to_get;
    pools.store.read(|read| {
        let pool = own_pool(read, cx, &pool)?;
        if wanted.iter().flatten().any(|name| pool.attribute(name).is_none()) {
            return Err(Error::invalid("One or more requested attributes do not exist."));
        }
        let token = input.pagination_token.as_deref();
        let (users, pagination_token) = match filter.as_ref().and_then(Filter::single) {
            Some(single) => {
                let found = user_record::find(read, &pool, single)?;
                let passes = |user: &UserRecord| filter.as_ref().is_some_and(|filter| filter.passes(user));
                (found.into_iter().filter(passes).collect(), None)
            }
            None => page(read, &pool, filter.as_ref(), (token, size))?,
        };
        let shown = |name: &str| wanted.as_ref().is_none_or(|wanted| wanted.iter().any(|w| w == name));
        let users = users.iter().map(|user| user_view::user(user, shown)).collect();
        Ok(ListUsersResponse { users: Some(users), pagination_token })
    })
}

/// Walks the users until the page is full or enough were looked at.
fn page(
    read: &dyn Read,
    pool: &PoolRecord,
    filter: Option<&Filter>,
    (token, size): (Option<&str>, usize),
) -> Result<(Vec<UserRecord>, Option<String>), Error> {
    let mut range = Range::prefix(&keys::users(&pool.id)).limit(LOOK_AT);
    if let Some(token) = token {
        range = range.after(&keys::user(&pool.id, &paging::last_name(token)?));
    }
    let (mut users, mut last, mut looked_at) = (Vec::new(), None, 0);
    let mut failed: Option<StoreError> = None;
    read.scan(&range, &mut |_, value| {
        let user = match record::decode::<UserRecord>(value) {
            Ok(user) => user,
            Err(error) => {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        };
        looked_at += 1;
        last = Some(pool.canonical(&user.username));
        if filter.is_none_or(|filter| filter.passes(&user)) {
            users.push(user);
        }
        if users.len() >= size { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let stopped = users.len() >= size || looked_at >= LOOK_AT;
    let next = last.filter(|_| stopped);
    let more = match &next {
        Some(last) => {
            let rest = Range::prefix(&keys::users(&pool.id)).after(&keys::user(&pool.id, last)).limit(1);
            !read.range(&rest)?.is_empty()
        }
        None => false,
    };
    Ok((users, next.filter(|_| more).map(|last| paging::token_after(&last))))
}
