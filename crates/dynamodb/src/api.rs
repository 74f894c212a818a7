//! The operations.

use crate::DynamoDb;
use crate::access::{self, batches, reads, writes};
use crate::items::{batch_get, batch_write, delete, get, put, transact_get, transact_write, update};
use crate::query::{query, scan};
use crate::shapes::op;
use crate::tables::{self, expiry, fixed, list, tags};

nephos_wire::operations! { DynamoDb =>
    BatchGetItem(batch_get::batch_get_item, batches::batch_get_item);
    BatchWriteItem(batch_write::batch_write_item, batches::batch_write_item);
    CreateTable(tables::create::create_table, access::create_table);
    DeleteItem(delete::delete_item, writes::delete_item);
    DeleteTable(tables::delete::delete_table, access::table("dynamodb:DeleteTable"));
    DescribeContinuousBackups(fixed::describe_continuous_backups, access::table("dynamodb:DescribeContinuousBackups"));
    DescribeEndpoints(fixed::describe_endpoints, access::any("dynamodb:DescribeEndpoints"));
    DescribeLimits(fixed::describe_limits, access::any("dynamodb:DescribeLimits"));
    DescribeTable(tables::describe::describe_table, access::table("dynamodb:DescribeTable"));
    DescribeTimeToLive(expiry::describe_time_to_live, access::table("dynamodb:DescribeTimeToLive"));
    GetItem(get::get_item, reads::get_item);
    ListTables(list::list_tables, access::any("dynamodb:ListTables"));
    ListTagsOfResource(tags::list_tags_of_resource, access::list_tags_of_resource);
    PutItem(put::put_item, writes::put_item);
    Query(query::query, reads::query);
    Scan(scan::scan, reads::scan);
    TagResource(tags::tag_resource, access::tag_resource);
    TransactGetItems(transact_get::transact_get_items, batches::transact_get_items);
    TransactWriteItems(transact_write::transact_write_items, batches::transact_write_items);
    UntagResource(tags::untag_resource, access::untag_resource);
    UpdateItem(update::update_item, writes::update_item);
    UpdateTable(tables::update::update_table, access::table("dynamodb:UpdateTable"));
    UpdateTimeToLive(expiry::update_time_to_live, access::table("dynamodb:UpdateTimeToLive"));
}
