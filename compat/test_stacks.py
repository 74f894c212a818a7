"""CloudFormation with the aws command: what deploys, what is refused, what is put back."""

import json
import time

import pytest
from botocore.exceptions import ClientError

GOOD = """
Resources:
  Bucket: { Type: "AWS::S3::Bucket" }
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: k, AttributeType: S }]
      KeySchema: [{ AttributeName: k, KeyType: HASH }]
Outputs:
  Bucket: { Value: !Ref Bucket }
  TableArn: { Value: !GetAtt Table.Arn }
"""


def test_aws_cloudformation_deploy(aws, make, tmp_path):
    template = tmp_path / "t.yaml"
    template.write_text(GOOD)
    deploy = ("cloudformation", "deploy", "--stack-name", "compat-stack", "--template-file", template)
    aws(*deploy)
    stack = make("cloudformation").describe_stacks(StackName="compat-stack")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    make("s3").head_bucket(Bucket=outputs["Bucket"])
    # The command names its change sets by the second, and a name serves once.
    time.sleep(1.1)
    assert "No changes to deploy" in aws(*deploy, "--no-fail-on-empty-changeset")
    time.sleep(1.1)
    template.write_text(GOOD.replace("PAY_PER_REQUEST\n", "PAY_PER_REQUEST\n      DeletionProtectionEnabled: false\n"))
    aws(*deploy)
    aws("cloudformation", "delete-stack", "--stack-name", "compat-stack")
    gone = make("cloudformation").get_waiter("stack_delete_complete")
    gone.wait(StackName="compat-stack", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    with pytest.raises(ClientError) as gone:
        make("s3").head_bucket(Bucket=outputs["Bucket"])
    assert gone.value.response["Error"]["Code"] == "404"


@pytest.mark.parametrize("change, told", [
    (("AWS::S3::Bucket", "AWS::SQS::Queue"), "AWS::SQS::Queue"),
    (('"AWS::S3::Bucket" }', '"AWS::S3::Bucket", Properties: { ReplicationConfiguration: {} } }'), "ReplicationConfiguration"),
])
def test_what_is_not_handled_fails_loudly(aws, make, tmp_path, change, told):
    template = tmp_path / "t.yaml"
    template.write_text(GOOD.replace(*change))
    done = aws("cloudformation", "deploy", "--stack-name", "compat-loud", "--template-file", template, check=False)
    assert done.returncode != 0 and told in done.stderr
    make("cloudformation").delete_stack(StackName="compat-loud")


def test_a_failed_stack_is_rolled_back(make):
    cloudformation, s3 = make("cloudformation"), make("s3")
    # The second bucket can't be made: its name belongs to the first.
    buckets = {"A": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "compat-rolled-back"}}}
    buckets["B"] = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "NOT_A_NAME"}, "DependsOn": "A"}
    cloudformation.create_stack(StackName="compat-rollback", TemplateBody=json.dumps({"Resources": buckets}))
    with pytest.raises(Exception):
        cloudformation.get_waiter("stack_create_complete").wait(StackName="compat-rollback", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    stack = cloudformation.describe_stacks(StackName="compat-rollback")["Stacks"][0]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError):
        s3.head_bucket(Bucket="compat-rolled-back")
    cloudformation.delete_stack(StackName="compat-rollback")


def test_a_stack_that_is_not_there_is_told_as_tools_expect(make):
    with pytest.raises(ClientError) as missing:
        make("cloudformation").describe_stacks(StackName="compat-missing")
    assert missing.value.response["Error"]["Message"] == "Stack with id compat-missing does not exist"
