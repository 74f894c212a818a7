//! What each operation must be allowed to do: the operation's own action on the function, with a version's or alias's
//! name behind it where the caller named one.

use nephos_core::{Access, Cx};

use crate::names::Reference;
use crate::shapes as s;
use crate::{Error, Lambda, invoke as invoking, tags};

type Accesses = Result<Vec<Access>, Error>;

/// Access to the function that the input names.
macro_rules! on_function {
    ($($name:ident $input:ident $action:literal;)*) => {
        $(
            #[doc = concat!("`", $action, "` on a function.")]
            pub fn $name(_: &Lambda, cx: &Cx, input: &s::$input) -> Accesses {
                Ok(vec![Access::on($action, &Reference::parse(cx, input.function_name.as_deref(), None)?.arn())])
            }
        )*
    };
}

/// Access to the function, version or alias that the input names.
macro_rules! on_qualified {
    ($($name:ident $input:ident $action:literal;)*) => {
        $(
            #[doc = concat!("`", $action, "` on a function, version or alias.")]
            pub fn $name(_: &Lambda, cx: &Cx, input: &s::$input) -> Accesses {
                let (name, qualifier) = (input.function_name.as_deref(), input.qualifier.as_deref());
                Ok(vec![Access::on($action, &Reference::parse(cx, name, qualifier)?.arn())])
            }
        )*
    };
}

on_function! {
    create_function CreateFunctionRequest "lambda:CreateFunction";
    update_function_code UpdateFunctionCodeRequest "lambda:UpdateFunctionCode";
    update_function_configuration UpdateFunctionConfigurationRequest "lambda:UpdateFunctionConfiguration";
    publish_version PublishVersionRequest "lambda:PublishVersion";
    list_versions_by_function ListVersionsByFunctionRequest "lambda:ListVersionsByFunction";
    create_alias CreateAliasRequest "lambda:CreateAlias";
    get_alias GetAliasRequest "lambda:GetAlias";
    update_alias UpdateAliasRequest "lambda:UpdateAlias";
    delete_alias DeleteAliasRequest "lambda:DeleteAlias";
    list_aliases ListAliasesRequest "lambda:ListAliases";
    put_function_concurrency PutFunctionConcurrencyRequest "lambda:PutFunctionConcurrency";
    get_function_concurrency GetFunctionConcurrencyRequest "lambda:GetFunctionConcurrency";
    delete_function_concurrency DeleteFunctionConcurrencyRequest "lambda:DeleteFunctionConcurrency";
    list_function_url_configs ListFunctionUrlConfigsRequest "lambda:ListFunctionUrlConfigs";
    list_function_event_invoke_configs ListFunctionEventInvokeConfigsRequest "lambda:ListFunctionEventInvokeConfigs";
}

on_qualified! {
    get_function GetFunctionRequest "lambda:GetFunction";
    get_function_configuration GetFunctionConfigurationRequest "lambda:GetFunctionConfiguration";
    delete_function DeleteFunctionRequest "lambda:DeleteFunction";
    add_permission AddPermissionRequest "lambda:AddPermission";
    remove_permission RemovePermissionRequest "lambda:RemovePermission";
    get_policy GetPolicyRequest "lambda:GetPolicy";
    get_function_url_config GetFunctionUrlConfigRequest "lambda:GetFunctionUrlConfig";
    delete_function_url_config DeleteFunctionUrlConfigRequest "lambda:DeleteFunctionUrlConfig";
    put_function_event_invoke_config PutFunctionEventInvokeConfigRequest "lambda:PutFunctionEventInvokeConfig";
    update_function_event_invoke_config UpdateFunctionEventInvokeConfigRequest "lambda:UpdateFunctionEventInvokeConfig";
    get_function_event_invoke_config GetFunctionEventInvokeConfigRequest "lambda:GetFunctionEventInvokeConfig";
    delete_function_event_invoke_config DeleteFunctionEventInvokeConfigRequest "lambda:DeleteFunctionEventInvokeConfig";
}

/// `lambda:CreateFunctionUrlConfig`, with the kind of authorisation that is asked for.
pub fn create_function_url_config(
    _: &Lambda,
    cx: &Cx,
    input: &s::CreateFunctionUrlConfigRequest,
) -> Accesses {
    let reference = Reference::parse(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    let access = Access::on("lambda:CreateFunctionUrlConfig", &reference.arn());
    Ok(vec![access.key("lambda:FunctionUrlAuthType", input.auth_type.clone().unwrap_or_default())])
}

/// `lambda:UpdateFunctionUrlConfig`, with the kind of authorisation that is asked for, if one is.
pub fn update_function_url_config(
    _: &Lambda,
    cx: &Cx,
    input: &s::UpdateFunctionUrlConfigRequest,
) -> Accesses {
    let reference = Reference::parse(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    let access = Access::on("lambda:UpdateFunctionUrlConfig", &reference.arn());
    Ok(vec![match &input.auth_type {
        Some(auth_type) => access.key("lambda:FunctionUrlAuthType", auth_type.clone()),
        None => access,
    }])
}

/// `lambda:ListFunctions`, which has no resource.
pub fn list_functions(_: &Lambda, _: &Cx, _: &s::ListFunctionsRequest) -> Accesses {
    Ok(vec![Access::any("lambda:ListFunctions")])
}

/// `lambda:GetAccountSettings`, which has no resource.
pub fn get_account_settings(_: &Lambda, _: &Cx, _: &s::GetAccountSettingsRequest) -> Accesses {
    Ok(vec![Access::any("lambda:GetAccountSettings")])
}

/// `lambda:InvokeFunction`, also by the function's own policy.
pub fn invoke(lambda: &Lambda, cx: &Cx, input: &s::InvocationRequest) -> Accesses {
    let reference = Reference::parse(cx, input.function_name.as_deref(), input.qualifier.as_deref())?;
    Ok(vec![invoking::access(lambda, &reference)?])
}

/// `lambda:InvokeAsync`, also by the function's own policy.
pub fn invoke_async(lambda: &Lambda, cx: &Cx, input: &s::InvokeAsyncRequest) -> Accesses {
    let reference = Reference::parse(cx, input.function_name.as_deref(), None)?;
    Ok(vec![Access { action: "lambda:InvokeAsync", ..invoking::access(lambda, &reference)? }])
}

/// `lambda:TagResource` on a function.
pub fn tag_resource(_: &Lambda, cx: &Cx, input: &s::TagResourceRequest) -> Accesses {
    Ok(vec![Access::on("lambda:TagResource", &tags::function_of(cx, input.resource.as_deref())?.arn())])
}

/// `lambda:UntagResource` on a function.
pub fn untag_resource(_: &Lambda, cx: &Cx, input: &s::UntagResourceRequest) -> Accesses {
    Ok(vec![Access::on("lambda:UntagResource", &tags::function_of(cx, input.resource.as_deref())?.arn())])
}

/// `lambda:ListTags` on a function.
pub fn list_tags(_: &Lambda, cx: &Cx, input: &s::ListTagsRequest) -> Accesses {
    Ok(vec![Access::on("lambda:ListTags", &tags::function_of(cx, input.resource.as_deref())?.arn())])
}
