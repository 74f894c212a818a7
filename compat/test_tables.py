"""DynamoDB with boto3's client and resource, and the aws command."""

import decimal

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError


@pytest.fixture
def table(dev):
    database = boto3.resource(
        "dynamodb", endpoint_url=dev.url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    table = database.create_table(
        TableName="compat",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "who", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "N"},
            {"AttributeName": "kind", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "who", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-kind",
                "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    table.wait_until_exists()
    yield table
    table.delete()
    table.wait_until_not_exists()


def test_items_of_every_type_come_back(table):
    item = {
        "who": "ann",
        "at": 1,
        "text": "ü☃",
        "number": decimal.Decimal("3.14159265358979323846"),
        "binary": b"\x00\xff",
        "nothing": None,
        "yes": True,
        "list": [1, "two", {"three": 3}],
        "map": {"a": {"b": [True]}},
        "strings": {"x", "y"},
        "numbers": {1, decimal.Decimal("2.5")},
    }
    table.put_item(Item=item)
    got = table.get_item(Key={"who": "ann", "at": 1}, ConsistentRead=True)["Item"]
    got["binary"] = bytes(got["binary"])
    assert got == item


def test_queries_page_filter_and_use_indexes(table):
    with table.batch_writer() as batch:
        for at in range(30):
            batch.put_item(Item={"who": "bob", "at": at, "kind": "odd" if at % 2 else "even", **({"big": True} if at > 20 else {})})
    found = table.query(KeyConditionExpression=Key("who").eq("bob") & Key("at").between(5, 9), ScanIndexForward=False)
    assert [int(i["at"]) for i in found["Items"]] == [9, 8, 7, 6, 5]
    page = table.query(KeyConditionExpression=Key("who").eq("bob"), Limit=10)
    rest = table.query(KeyConditionExpression=Key("who").eq("bob"), ExclusiveStartKey=page["LastEvaluatedKey"])
    assert page["Count"] + rest["Count"] == 30
    odd = table.query(IndexName="by-kind", KeyConditionExpression=Key("kind").eq("odd"), FilterExpression=Attr("big").exists())
    assert [int(i["at"]) for i in odd["Items"]] == [21, 23, 25, 27, 29]
    assert table.scan(Select="COUNT")["Count"] == 30


def test_updates_and_conditions(table):
    key = {"who": "eve", "at": 0}
    for _ in range(3):
        answer = table.update_item(
            Key=key,
            UpdateExpression="SET visits = if_not_exists(visits, :zero) + :one, #l = list_append(if_not_exists(#l, :none), :entry)",
            ExpressionAttributeNames={"#l": "log"},
            ExpressionAttributeValues={":zero": 0, ":one": 1, ":none": [], ":entry": ["x"]},
            ReturnValues="ALL_NEW",
        )
    assert (answer["Attributes"]["visits"], answer["Attributes"]["log"]) == (3, ["x", "x", "x"])
    with pytest.raises(ClientError) as refused:
        table.put_item(Item=key, ConditionExpression=Attr("who").not_exists())
    assert refused.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert refused.value.response["Error"]["Message"] == "The conditional request failed"


def test_transactions_are_all_or_nothing(make, table):
    database = make("dynamodb")
    put = lambda at: {"Put": {"TableName": "compat", "Item": {"who": {"S": "tx"}, "at": {"N": str(at)}}}}
    check = {
        "ConditionCheck": {
            "TableName": "compat",
            "Key": {"who": {"S": "nobody"}, "at": {"N": "1"}},
            "ConditionExpression": "attribute_exists(who)",
        }
    }
    with pytest.raises(ClientError) as refused:
        database.transact_write_items(TransactItems=[put(1), put(2), check])
    assert [r["Code"] for r in refused.value.response["CancellationReasons"]] == ["None", "None", "ConditionalCheckFailed"]
    assert table.query(KeyConditionExpression=Key("who").eq("tx"))["Count"] == 0
    database.transact_write_items(TransactItems=[put(1), put(2)])
    assert table.query(KeyConditionExpression=Key("who").eq("tx"))["Count"] == 2


def test_wrong_calls_are_told_in_awss_words(make, table):
    database = make("dynamodb")
    for call, code, text in [
        (lambda: database.get_item(TableName="nothing", Key={"a": {"S": "b"}}), "ResourceNotFoundException", "Requested resource not found"),
        (
            lambda: database.get_item(TableName="compat", Key={"who": {"S": "x"}}),
            "ValidationException",
            "The provided key element does not match the schema",
        ),
        (
            lambda: database.put_item(TableName="compat", Item={"who": {"S": ""}, "at": {"N": "1"}}),
            "ValidationException",
            "empty string value",
        ),
    ]:
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == code
        assert text in refused.value.response["Error"]["Message"]


def test_the_aws_command_puts_and_queries(aws, table):
    aws("dynamodb", "put-item", "--table-name", "compat", "--item", '{"who":{"S":"cli"},"at":{"N":"7"}}')
    found = aws(
        "dynamodb", "query", "--table-name", "compat", "--key-condition-expression", "who = :w",
        "--expression-attribute-values", '{":w":{"S":"cli"}}', "--query", "Items[0].at.N", "--output", "text",
    )
    assert found.strip() == "7"
