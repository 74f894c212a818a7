//! Reserved concurrency, and the account's settings.

use nephos_core::Cx;
use nephos_store::{Range, Read, Tx};
use std::ops::ControlFlow;

use crate::names::{FunctionId, Owner, Reference};
use crate::package::{MAX_INLINE_ZIP_BYTES, MAX_UNZIPPED_BYTES};
use crate::records::{AccountRecord, VersionRecord};
use crate::shapes::{
    AccountLimit, AccountUsage, Concurrency, DeleteFunctionConcurrencyRequest, GetAccountSettingsRequest,
    GetAccountSettingsResponse, GetFunctionConcurrencyRequest, GetFunctionConcurrencyResponse,
    PutFunctionConcurrencyRequest, Unit,
};
use crate::{Error, Lambda, keys, paging, resolve};

/// What must stay for functions without a reservation.
const MIN_UNRESERVED: u32 = 100;
/// The service's limit of all code in an account, in bytes.
const TOTAL_CODE_BYTES: i64 = 80_530_636_800;

fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Moves a function's share of what is reserved in its account from `before` to `after`; at most `most` in all.
pub fn reserve(
    tx: &mut Tx,
    function: &FunctionId,
    before: Option<u32>,
    after: Option<u32>,
    most: u32,
) -> Result<(), Error> {
    let mut account = resolve::account(tx, function)?;
    account.reserved =
        account.reserved.saturating_sub(before.unwrap_or(0)).saturating_add(after.unwrap_or(0));
    if after.is_some() && account.reserved > most {
        return Err(Error::InvalidParameter(format!(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below \
             its minimum value of [{MIN_UNRESERVED}]."
        )));
    }
    Ok(tx.put_record(keys::account(&function.owner), &account)?)
}

async fn set(lambda: &Lambda, function: &FunctionId, reserved: Option<u32>) -> Result<(), Error> {
    let most = lambda.config.account_concurrency.saturating_sub(MIN_UNRESERVED);
    let set = lambda.deps.store.transact("lambda-concurrency", |tx| {
        let mut record = resolve::function(tx, function)?;
        reserve(tx, function, record.reserved_concurrency, reserved, most)?;
        record.reserved_concurrency = reserved;
        Ok(tx.put_record(keys::function(function), &record)?)
    });
    set.await
}

/// PutFunctionConcurrency.
pub async fn put_function_concurrency(
    lambda: &Lambda,
    cx: &Cx,
    input: PutFunctionConcurrencyRequest,
) -> Result<Concurrency, Error> {
    let function = Reference::parse(cx, input.function_name.as_deref(), None)?.unqualified()?;
    let reserved =
        u32::try_from(input.reserved_concurrent_executions.unwrap_or_default()).unwrap_or_default();
    set(lambda, &function, Some(reserved)).await?;
    Ok(Concurrency { reserved_concurrent_executions: Some(int(reserved)) })
}

/// GetFunctionConcurrency.
pub async fn get_function_concurrency(
    lambda: &Lambda,
    cx: &Cx,
    input: GetFunctionConcurrencyRequest,
) -> Result<GetFunctionConcurrencyResponse, Error> {
    let function = Reference::parse(cx, input.function_name.as_deref(), None)?.unqualified()?;
    let record = lambda.deps.store.read(|view| resolve::function(view, &function))?;
    let reserved = record.reserved_concurrency.map(int);
    Ok(GetFunctionConcurrencyResponse { reserved_concurrent_executions: reserved })
}

/// DeleteFunctionConcurrency.
pub async fn delete_function_concurrency(
    lambda: &Lambda,
    cx: &Cx,
    input: DeleteFunctionConcurrencyRequest,
) -> Result<Unit, Error> {
    let function = Reference::parse(cx, input.function_name.as_deref(), None)?.unqualified()?;
    set(lambda, &function, None).await?;
    Ok(Unit::default())
}

/// GetAccountSettings.
pub async fn get_account_settings(
    lambda: &Lambda,
    cx: &Cx,
    _: GetAccountSettingsRequest,
) -> Result<GetAccountSettingsResponse, Error> {
    let owner = Owner::of(cx);
    let (account, functions, bytes) = lambda.deps.store.read(|view| usage(view, &owner))?;
    let most = lambda.config.account_concurrency;
    let limit = AccountLimit {
        total_code_size: Some(TOTAL_CODE_BYTES),
        code_size_unzipped: i64::try_from(MAX_UNZIPPED_BYTES).ok(),
        code_size_zipped: i64::try_from(MAX_INLINE_ZIP_BYTES).ok(),
        concurrent_executions: Some(int(most)),
        unreserved_concurrent_executions: Some(int(most.saturating_sub(account.reserved))),
    };
    let usage = AccountUsage { total_code_size: Some(bytes), function_count: Some(functions) };
    Ok(GetAccountSettingsResponse { account_limit: Some(limit), account_usage: Some(usage) })
}

fn usage(read: &dyn Read, owner: &Owner) -> Result<(AccountRecord, i64, i64), Error> {
    let account = (&read).record(&keys::account(owner))?.unwrap_or_default();
    let (mut functions, mut bytes) = (0, 0_i64);
    let range = Range::prefix(&keys::versions_of(owner));
    paging::walk(read, range, &mut |_, version: VersionRecord| {
        functions += i64::from(version.number == keys::LATEST);
        bytes = bytes.saturating_add(i64::try_from(version.code.size).unwrap_or(i64::MAX));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((account, functions, bytes))
}
