//! What each operation must be allowed to do. The resource of what concerns a whole group is the group's ARN with an
//! empty stream, as the service's own refusals print it, so that the usual policies on `...:log-group:NAME:*` match.

use nephos_core::{Access, Cx};

use crate::names::{Owner, group_of};
use crate::tags::group_named;
use crate::{Error, Logs};

type Accesses = Result<Vec<Access>, Error>;

/// An access to a group by its name, out of the member that carries it.
macro_rules! on_group {
    ($name:ident, $input:ident, $action:literal) => {
        #[doc = concat!("`", $action, "` on a group.")]
        pub fn $name(_: &Logs, cx: &Cx, input: &crate::shapes::$input) -> Accesses {
            Ok(vec![group($action, cx, input.log_group_name.as_deref().unwrap_or_default())])
        }
    };
}

fn group(action: &'static str, cx: &Cx, name: &str) -> Access {
    Access::on(action, &Owner::of(cx).stream_arn(name, ""))
}

fn stream(action: &'static str, cx: &Cx, group: &str, stream: Option<&str>) -> Access {
    Access::on(action, &Owner::of(cx).stream_arn(group, stream.unwrap_or_default()))
}

on_group!(create_log_group, CreateLogGroupRequest, "logs:CreateLogGroup");
on_group!(delete_log_group, DeleteLogGroupRequest, "logs:DeleteLogGroup");
on_group!(put_retention_policy, PutRetentionPolicyRequest, "logs:PutRetentionPolicy");
on_group!(delete_retention_policy, DeleteRetentionPolicyRequest, "logs:DeleteRetentionPolicy");
on_group!(tag_log_group, TagLogGroupRequest, "logs:TagLogGroup");
on_group!(untag_log_group, UntagLogGroupRequest, "logs:UntagLogGroup");
on_group!(list_tags_log_group, ListTagsLogGroupRequest, "logs:ListTagsLogGroup");
on_group!(create_log_stream, CreateLogStreamRequest, "logs:CreateLogStream");

/// `logs:DescribeLogGroups` on all groups.
pub fn describe_log_groups(_: &Logs, cx: &Cx, _: &crate::shapes::DescribeLogGroupsRequest) -> Accesses {
    Ok(vec![group("logs:DescribeLogGroups", cx, "")])
}

/// `logs:DescribeLogStreams` on a group.
pub fn describe_log_streams(_: &Logs, cx: &Cx, input: &crate::shapes::DescribeLogStreamsRequest) -> Accesses {
    let name = group_of(input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    Ok(vec![group("logs:DescribeLogStreams", cx, &name)])
}

/// `logs:FilterLogEvents` on a group.
pub fn filter_log_events(_: &Logs, cx: &Cx, input: &crate::shapes::FilterLogEventsRequest) -> Accesses {
    let name = group_of(input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    Ok(vec![group("logs:FilterLogEvents", cx, &name)])
}

/// `logs:GetLogEvents` on a stream.
pub fn get_log_events(_: &Logs, cx: &Cx, input: &crate::shapes::GetLogEventsRequest) -> Accesses {
    let name = group_of(input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    Ok(vec![stream("logs:GetLogEvents", cx, &name, input.log_stream_name.as_deref())])
}

/// `logs:DeleteLogStream` on a stream.
pub fn delete_log_stream(_: &Logs, cx: &Cx, input: &crate::shapes::DeleteLogStreamRequest) -> Accesses {
    let name = input.log_group_name.as_deref().unwrap_or_default();
    Ok(vec![stream("logs:DeleteLogStream", cx, name, input.log_stream_name.as_deref())])
}

/// `logs:PutLogEvents` on a stream.
pub fn put_log_events(_: &Logs, cx: &Cx, input: &crate::shapes::PutLogEventsRequest) -> Accesses {
    let name = input.log_group_name.as_deref().unwrap_or_default();
    Ok(vec![stream("logs:PutLogEvents", cx, name, input.log_stream_name.as_deref())])
}

fn tagged(action: &'static str, cx: &Cx, arn: Option<&str>) -> Accesses {
    Ok(vec![Access::on(action, &Owner::of(cx).group_arn(&group_named(arn)?))])
}

/// `logs:TagResource` on a group.
pub fn tag_resource(_: &Logs, cx: &Cx, input: &crate::shapes::TagResourceRequest) -> Accesses {
    tagged("logs:TagResource", cx, input.resource_arn.as_deref())
}

/// `logs:UntagResource` on a group.
pub fn untag_resource(_: &Logs, cx: &Cx, input: &crate::shapes::UntagResourceRequest) -> Accesses {
    tagged("logs:UntagResource", cx, input.resource_arn.as_deref())
}

/// `logs:ListTagsForResource` on a group.
pub fn list_tags_for_resource(
    _: &Logs,
    cx: &Cx,
    input: &crate::shapes::ListTagsForResourceRequest,
) -> Accesses {
    tagged("logs:ListTagsForResource", cx, input.resource_arn.as_deref())
}
