//! Every storage key of this service.

use nephos_core::{AccountId, Region, Timestamp};
use nephos_store::Key;

fn scoped(account: AccountId, region: &Region, kind: &str) -> Key {
    Key::new("cloudformation").text(account.as_str()).text(region.as_str()).text(kind)
}

/// All stacks of an account and region, deleted ones included.
pub fn stacks(account: AccountId, region: &Region) -> Key {
    scoped(account, region, "stack")
}

/// One stack, by the UUID of its id.
pub fn stack(account: AccountId, region: &Region, id: &str) -> Key {
    stacks(account, region).text(id)
}

/// The names of all stacks that are not deleted.
pub fn stack_names(account: AccountId, region: &Region) -> Key {
    scoped(account, region, "name")
}

/// The UUID of the stack that has a name now.
pub fn stack_name(account: AccountId, region: &Region, name: &str) -> Key {
    stack_names(account, region).text(name)
}

/// All events of a stack.
pub fn events(account: AccountId, region: &Region, stack_id: &str) -> Key {
    scoped(account, region, "event").text(stack_id)
}

/// One event: they sort by time, and by number within a millisecond.
pub fn event(account: AccountId, region: &Region, stack_id: &str, at: Timestamp, number: u32) -> Key {
    events(account, region, stack_id).u64(at.millis().max(0).unsigned_abs()).u32(number)
}

/// All change sets of a stack.
pub fn change_sets(account: AccountId, region: &Region, stack_id: &str) -> Key {
    scoped(account, region, "change-set").text(stack_id)
}

/// One change set, by its UUID.
pub fn change_set(account: AccountId, region: &Region, stack_id: &str, id: &str) -> Key {
    change_sets(account, region, stack_id).text(id)
}

/// The deployments that are under way.
pub fn running() -> Key {
    Key::new("cloudformation-running")
}

/// One deployment under way.
pub fn running_stack(account: AccountId, region: &Region, id: &str) -> Key {
    running().text(account.as_str()).text(region.as_str()).text(id)
}
