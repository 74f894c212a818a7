"""STS, IAM and Cognito: who one is, and what is refused."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
import uuid

import pytest
from botocore.exceptions import ClientError
from conftest import client


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_callers_are_who_they_are(make, aws):
    who = make("sts").get_caller_identity()
    assert (who["Account"], who["Arn"]) == ("000000000000", "arn:aws:iam::000000000000:root")
    assert "arn:aws:iam::000000000000:root" in aws("sts", "get-caller-identity")


def test_accounts_are_apart(dev):
    ours, theirs = client(dev, "dynamodb"), client(dev, "dynamodb", key="111122223333")
    table = dict(
        TableName="apart", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}], KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
    )
    ours.create_table(**table)
    assert "apart" not in theirs.list_tables()["TableNames"]
    theirs.create_table(**table)
    assert ":111122223333:" in theirs.describe_table(TableName="apart")["Table"]["TableArn"]
    assert client(dev, "dynamodb", region="eu-west-1").list_tables()["TableNames"] == []
    ours.delete_table(TableName="apart")
    theirs.delete_table(TableName="apart")


def test_a_role_may_do_what_its_policy_says_and_no_more(dev, make):
    iam = make("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="compat-reader", AssumeRolePolicyDocument=policy(trust))
    iam.put_role_policy(
        RoleName="compat-reader", PolicyName="p",
        PolicyDocument=policy({"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}),
    )
    user = iam.create_user(UserName="compat-user")["User"]
    key = iam.create_access_key(UserName="compat-user")["AccessKey"]
    iam.put_user_policy(
        UserName="compat-user", PolicyName="p",
        PolicyDocument=policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}),
    )
    sts = client(dev, "sts", key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert sts.get_caller_identity()["Arn"] == user["Arn"]
    assumed = sts.assume_role(RoleArn="arn:aws:iam::000000000000:role/compat-reader", RoleSessionName="me")["Credentials"]
    session = dict(key=assumed["AccessKeyId"], secret=assumed["SecretAccessKey"], token=assumed["SessionToken"])
    client(dev, "s3", **session).list_buckets()
    with pytest.raises(ClientError) as refused:
        client(dev, "dynamodb", **session).list_tables()
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    text = refused.value.response["Error"]["Message"]
    assert "arn:aws:sts::000000000000:assumed-role/compat-reader/me is not authorized to perform: dynamodb:ListTables" in text
    assert "no identity-based policy allows" in text
    iam.delete_user_policy(UserName="compat-user", PolicyName="p")
    iam.delete_access_key(UserName="compat-user", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="compat-user")


@pytest.mark.parametrize("change, code", [
    (dict(secret="wrong"), "SignatureDoesNotMatch"),
    (dict(key="AKIAABSENTABSENT0000"), "InvalidClientTokenId"),
    (dict(token="bm90IGEgdG9rZW4="), "InvalidClientTokenId"),
])
def test_bad_credentials_get_awss_errors(dev, change, code):
    with pytest.raises(ClientError) as refused:
        client(dev, "sts", **change).get_caller_identity()
    assert refused.value.response["Error"]["Code"] == code


@pytest.fixture(scope="module")
def pool(dev):
    users = client(dev, "cognito-idp")
    pool = users.create_user_pool(PoolName="compat", AutoVerifiedAttributes=["email"], UsernameAttributes=["email"])["UserPool"]["Id"]
    app = users.create_user_pool_client(
        UserPoolId=pool, ClientName="app",
        ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    yield pool, app
    users.delete_user_pool(UserPoolId=pool)


def code_for(dev, address):
    messages = dev.get("/_nephos/outbox")["messages"]
    return next(m["facts"]["code"] for m in messages if m["to"] == address)


def test_users_sign_up_and_in_with_the_aws_command(dev, aws, pool):
    _, app = pool
    address = f"{uuid.uuid4()}@example.org"
    aws("cognito-idp", "sign-up", "--client-id", app, "--username", address, "--password", "Passw0rd!x")
    wrong = aws("cognito-idp", "confirm-sign-up", "--client-id", app, "--username", address, "--confirmation-code", "000000", check=False)
    assert "CodeMismatchException" in wrong.stderr
    aws("cognito-idp", "confirm-sign-up", "--client-id", app, "--username", address, "--confirmation-code", code_for(dev, address))
    answer = json.loads(aws(
        "cognito-idp", "initiate-auth", "--client-id", app, "--auth-flow", "USER_PASSWORD_AUTH",
        "--auth-parameters", f"USERNAME={address},PASSWORD=Passw0rd!x", "--output", "json",
    ))
    token = answer["AuthenticationResult"]["AccessToken"]
    assert address in aws("cognito-idp", "get-user", "--access-token", token)


def test_srp_sign_in_with_an_independent_client(dev, make, pool):
    from pycognito import AWSSRP

    pool_id, app = pool
    users, address = make("cognito-idp"), f"{uuid.uuid4()}@example.org"
    users.sign_up(ClientId=app, Username=address, Password="Passw0rd!x", UserAttributes=[{"Name": "email", "Value": address}])
    users.confirm_sign_up(ClientId=app, Username=address, ConfirmationCode=code_for(dev, address))
    sign_in = lambda password: AWSSRP(username=address, password=password, pool_id=pool_id, client_id=app, client=users).authenticate_user()
    tokens = sign_in("Passw0rd!x")["AuthenticationResult"]
    renewed = users.initiate_auth(
        ClientId=app, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]}
    )["AuthenticationResult"]
    assert renewed["IdToken"].count(".") == 2
    with pytest.raises(ClientError) as refused:
        sign_in("wrong-Passw0rd")
    assert refused.value.response["Error"] == {"Code": "NotAuthorizedException", "Message": "Incorrect username or password."}


def test_other_web_origins_and_rebound_names_are_kept_out(dev):
    def status(**headers):
        request = urllib.request.Request(f"{dev.url}/_nephos/clock", headers={k.replace("_", "-"): v for k, v in headers.items()})
        try:
            return urllib.request.urlopen(request).status
        except urllib.error.HTTPError as error:
            return error.code

    assert status() == 200
    assert status(Origin="https://evil.example") == 403
    assert status(Sec_Fetch_Site="cross-site") == 403
    assert status(Host="rebound.example:4566") == 403
    assert status(Origin=f"http://site.s3-website.localhost:{dev.port}") == 200


def test_time_can_be_moved(dev, make):
    sts = make("sts")
    iam = make("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName="compat-time", AssumeRolePolicyDocument=policy(trust))
    got = sts.get_session_token(DurationSeconds=900)["Credentials"]
    session = client(dev, "sts", key=got["AccessKeyId"], secret=got["SecretAccessKey"], token=got["SessionToken"])
    session.get_caller_identity()
    dev.post("/_nephos/clock", {"advance_seconds": 1000})
    with pytest.raises(ClientError) as refused:
        session.get_caller_identity()
    assert refused.value.response["Error"]["Code"] == "ExpiredToken"
    dev.post("/_nephos/clock", {"reset": True})


def test_the_javascript_sdk_works(dev):
    done = subprocess.run(["node", "sdk.mjs", dev.url], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"object": "hello", "item": {"who": "js", "n": 7}, "account": "000000000000", "presigned": "hello"}
