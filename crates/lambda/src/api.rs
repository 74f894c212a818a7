//! The operation table: one row an operation.

use crate::shapes::op;
use crate::{
    Lambda, access, aliases, concurrency, event_configs, functions, invoke, permissions, tags, urls, versions,
};

nephos_wire::operations! { Lambda =>
    CreateFunction(functions::create_function, access::create_function);
    GetFunction(functions::get_function, access::get_function);
    GetFunctionConfiguration(functions::get_function_configuration, access::get_function_configuration);
    UpdateFunctionCode(functions::update_function_code, access::update_function_code);
    UpdateFunctionConfiguration(functions::update_function_configuration, access::update_function_configuration);
    DeleteFunction(functions::delete_function, access::delete_function);
    ListFunctions(functions::list_functions, access::list_functions);
    PublishVersion(versions::publish_version, access::publish_version);
    ListVersionsByFunction(versions::list_versions_by_function, access::list_versions_by_function);
    CreateAlias(aliases::create_alias, access::create_alias);
    GetAlias(aliases::get_alias, access::get_alias);
    UpdateAlias(aliases::update_alias, access::update_alias);
    DeleteAlias(aliases::delete_alias, access::delete_alias);
    ListAliases(aliases::list_aliases, access::list_aliases);
    Invoke(invoke::invoke, access::invoke);
    InvokeAsync(stream invoke::invoke_async, access::invoke_async);
    AddPermission(permissions::add_permission, access::add_permission);
    RemovePermission(permissions::remove_permission, access::remove_permission);
    GetPolicy(permissions::get_policy, access::get_policy);
    CreateFunctionUrlConfig(urls::create_function_url_config, access::create_function_url_config);
    GetFunctionUrlConfig(urls::get_function_url_config, access::get_function_url_config);
    UpdateFunctionUrlConfig(urls::update_function_url_config, access::update_function_url_config);
    DeleteFunctionUrlConfig(urls::delete_function_url_config, access::delete_function_url_config);
    ListFunctionUrlConfigs(urls::list_function_url_configs, access::list_function_url_configs);
    PutFunctionConcurrency(concurrency::put_function_concurrency, access::put_function_concurrency);
    GetFunctionConcurrency(concurrency::get_function_concurrency, access::get_function_concurrency);
    DeleteFunctionConcurrency(concurrency::delete_function_concurrency, access::delete_function_concurrency);
    GetAccountSettings(concurrency::get_account_settings, access::get_account_settings);
    PutFunctionEventInvokeConfig(
        event_configs::put_function_event_invoke_config, access::put_function_event_invoke_config);
    UpdateFunctionEventInvokeConfig(
        event_configs::update_function_event_invoke_config, access::update_function_event_invoke_config);
    GetFunctionEventInvokeConfig(
        event_configs::get_function_event_invoke_config, access::get_function_event_invoke_config);
    DeleteFunctionEventInvokeConfig(
        event_configs::delete_function_event_invoke_config, access::delete_function_event_invoke_config);
    ListFunctionEventInvokeConfigs(
        event_configs::list_function_event_invoke_configs, access::list_function_event_invoke_configs);
    TagResource(tags::tag_resource, access::tag_resource);
    UntagResource(tags::untag_resource, access::untag_resource);
    ListTags(tags::list_tags, access::list_tags);
}
