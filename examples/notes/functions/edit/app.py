"""Changes or deletes a note. The key's owner is the caller, so nobody reaches another's note."""

import datetime
import os

import boto3
from botocore.exceptions import ClientError

table = boto3.resource("dynamodb").Table(os.environ["NOTES_TABLE"])


def timestamp():
    # To the millisecond, so that notes of one second keep their order.
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")


def handler(event, context):
    owner = context.identity.cognito_identity_id
    if not owner:
        raise PermissionError("a note needs a signed-in owner")
    key = {"owner": owner, "id": event["id"]}
    try:
        if event.get("action") == "delete":
            table.delete_item(Key=key, ConditionExpression="attribute_exists(id)")
            print("deleted", event["id"])
            return {"deleted": event["id"]}
        return {"note": change(key, event)}
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return {"error": "there is no such note"}
        raise


def change(key, event):
    answer = table.update_item(
        Key=key,
        UpdateExpression="SET title = :title, #text = :text, updated = :now",
        ConditionExpression="attribute_exists(id)",
        ExpressionAttributeNames={"#text": "text"},
        ExpressionAttributeValues={
            ":title": str(event["title"]).strip() or "Untitled",
            ":text": str(event.get("text", "")),
            ":now": timestamp(),
        },
        ReturnValues="ALL_NEW",
    )
    print("changed", key["id"])
    return without_decimals(answer["Attributes"])


def without_decimals(item):
    """JSON has no decimals of DynamoDB's kind; the sizes of attachments are whole numbers."""
    for attachment in item.get("attachments", {}).values():
        attachment["size"] = int(attachment["size"])
    return item
