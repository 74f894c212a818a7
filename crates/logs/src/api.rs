//! The operation table: one row an operation.

use crate::shapes::op;
use crate::{Logs, access, events, filter, groups, streams, tags};

nephos_wire::operations! { Logs =>
    CreateLogGroup(groups::create_log_group, access::create_log_group);
    DeleteLogGroup(groups::delete_log_group, access::delete_log_group);
    DescribeLogGroups(groups::describe_log_groups, access::describe_log_groups);
    PutRetentionPolicy(groups::put_retention_policy, access::put_retention_policy);
    DeleteRetentionPolicy(groups::delete_retention_policy, access::delete_retention_policy);
    CreateLogStream(streams::create_log_stream, access::create_log_stream);
    DeleteLogStream(streams::delete_log_stream, access::delete_log_stream);
    DescribeLogStreams(streams::describe_log_streams, access::describe_log_streams);
    PutLogEvents(events::put_log_events, access::put_log_events);
    GetLogEvents(events::get_log_events, access::get_log_events);
    FilterLogEvents(filter::filter_log_events, access::filter_log_events);
    TagResource(tags::tag_resource, access::tag_resource);
    UntagResource(tags::untag_resource, access::untag_resource);
    ListTagsForResource(tags::list_tags_for_resource, access::list_tags_for_resource);
    TagLogGroup(tags::tag_log_group, access::tag_log_group);
    UntagLogGroup(tags::untag_log_group, access::untag_log_group);
    ListTagsLogGroup(tags::list_tags_log_group, access::list_tags_log_group);
}
