//! GetTemplate, GetTemplateSummary, ValidateTemplate.

use nephos_core::Cx;
use serde_json::Value;

use crate::CloudFormation;
use crate::error::Error;
use crate::records::MASK;
use crate::sam;
use crate::shapes::*;
use crate::template::intrinsics::scalar;
use crate::template::{Template, check, parameter};

/// GetTemplate
pub async fn get(
    service: &CloudFormation,
    cx: &Cx,
    input: GetTemplateInput,
) -> Result<GetTemplateOutput, Error> {
    let body = match (&input.change_set_name, &input.stack_name) {
        (change_set @ Some(_), stack) => {
            service.change_set_of(cx, change_set.as_ref(), stack.as_ref())?.template
        }
        (None, Some(stack)) => service.find_stack(cx, stack)?.template,
        (None, None) => return Err(Error::template("StackName or ChangeSetName must be specified.")),
    };
    let body = match input.template_stage.as_deref() {
        Some("Processed") => processed(&sam::transform(Template::parse(&body)?)?).to_string(),
        _ => body,
    };
    let stages = vec!["Original".to_owned(), "Processed".to_owned()];
    Ok(GetTemplateOutput { template_body: Some(body), stages_available: Some(stages) })
}

fn processed(template: &Template) -> Value {
    let mut resources = serde_json::Map::new();
    for (name, resource) in &template.resources {
        let mut one = serde_json::json!({ "Type": resource.kind, "Properties": resource.properties });
        if !resource.depends_on.is_empty() {
            one["DependsOn"] = serde_json::json!(resource.depends_on);
        }
        if let Some(condition) = &resource.condition {
            one["Condition"] = serde_json::json!(condition);
        }
        resources.insert(name.clone(), one);
    }
    serde_json::json!({
        "Description": template.description, "Parameters": template.parameters, "Conditions": template.conditions,
        "Mappings": template.mappings, "Resources": resources, "Outputs": template.outputs,
    })
}

fn capability(template: &Template) -> (Option<Vec<String>>, Option<String>) {
    let mut roles: Vec<&str> = template
        .resources
        .values()
        .map(|r| r.kind.as_str())
        .filter(|kind| kind.starts_with("AWS::IAM::"))
        .collect();
    roles.dedup();
    if roles.is_empty() {
        return (None, None);
    }
    let named = template.resources.values().any(|resource| resource.properties.get("RoleName").is_some());
    let capability = if named { "CAPABILITY_NAMED_IAM" } else { "CAPABILITY_IAM" };
    let reason = format!("The following resource(s) require capabilities: [{}]", roles.join(", "));
    (Some(vec![capability.to_owned()]), Some(reason))
}

fn default_value(definition: &Value) -> Option<String> {
    let value = definition.get("Default").and_then(scalar)?;
    Some(if parameter::is_hidden(definition) { MASK.to_owned() } else { value })
}

/// GetTemplateSummary
pub async fn summary(
    service: &CloudFormation,
    cx: &Cx,
    input: GetTemplateSummaryInput,
) -> Result<GetTemplateSummaryOutput, Error> {
    let text = match &input.stack_name {
        Some(stack) => service.find_stack(cx, stack)?.template,
        None => service.template_text(cx, input.template_body.as_ref(), input.template_url.as_ref()).await?,
    };
    let original = Template::parse(&text)?;
    let declared_transforms = Some(original.transforms.clone()).filter(|transforms| !transforms.is_empty());
    let template = sam::transform(original)?;
    let (capabilities, capabilities_reason) = capability(&template);
    let declared = |(name, definition): (&String, &Value)| ParameterDeclaration {
        parameter_key: Some(name.clone()),
        default_value: default_value(definition),
        parameter_type: definition.get("Type").and_then(scalar),
        no_echo: Some(parameter::is_hidden(definition)),
        description: definition.get("Description").and_then(scalar),
        ..Default::default()
    };
    let mut types: Vec<String> = template.resources.values().map(|resource| resource.kind.clone()).collect();
    types.sort();
    types.dedup();
    Ok(GetTemplateSummaryOutput {
        parameters: Some(template.parameters.iter().map(declared).collect()),
        description: template.description,
        capabilities,
        capabilities_reason,
        resource_types: Some(types),
        version: Some("2010-09-09".to_owned()),
        metadata: Some(template.metadata.to_string()).filter(|text| text != "null"),
        declared_transforms,
        ..Default::default()
    })
}

/// ValidateTemplate
pub async fn validate(
    service: &CloudFormation,
    cx: &Cx,
    input: ValidateTemplateInput,
) -> Result<ValidateTemplateOutput, Error> {
    let text = service.template_text(cx, input.template_body.as_ref(), input.template_url.as_ref()).await?;
    let original = Template::parse(&text)?;
    let declared_transforms = Some(original.transforms.clone()).filter(|transforms| !transforms.is_empty());
    let template = sam::transform(original)?;
    check::structure(&template)?;
    let (capabilities, capabilities_reason) = capability(&template);
    let declared = |(name, definition): (&String, &Value)| TemplateParameter {
        parameter_key: Some(name.clone()),
        default_value: default_value(definition),
        no_echo: Some(parameter::is_hidden(definition)),
        description: definition.get("Description").and_then(scalar),
    };
    Ok(ValidateTemplateOutput {
        parameters: Some(template.parameters.iter().map(declared).collect()),
        description: template.description,
        capabilities,
        capabilities_reason,
        declared_transforms,
    })
}
