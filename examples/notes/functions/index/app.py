"""Called for each object put under `owner/note/file`: keeps its size, an excerpt and its commonest words with the note."""

import collections
import os
import re
import urllib.parse

import boto3
from botocore.exceptions import ClientError

MAX_READ = 1_000_000

s3 = boto3.client("s3")
table = boto3.resource("dynamodb").Table(os.environ["NOTES_TABLE"])


def handler(event, context):
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
        owner, note, name = key.split("/", 2)
        body = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{MAX_READ - 1}")["Body"].read()
        entry = {"key": key, "size": record["s3"]["object"]["size"], **describe(body)}
        try:
            attach(owner, note, name, entry)
            print("indexed", key)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            print("the note is gone:", key)


def describe(body):
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"kind": "binary", "words": [], "excerpt": ""}
    words = collections.Counter(word.lower() for word in re.findall(r"[^\W\d_]{4,}", text))
    return {"kind": "text", "words": [word for word, _ in words.most_common(8)], "excerpt": text[:160].strip()}


def attach(owner, note, name, entry):
    # The map is made first, so that two attachments at once do not overwrite each other's.
    key = {"owner": owner, "id": note}
    table.update_item(
        Key=key,
        UpdateExpression="SET attachments = if_not_exists(attachments, :none)",
        ConditionExpression="attribute_exists(id)",
        ExpressionAttributeValues={":none": {}},
    )
    table.update_item(
        Key=key,
        UpdateExpression="SET attachments.#name = :entry",
        ConditionExpression="attribute_exists(id)",
        ExpressionAttributeNames={"#name": name},
        ExpressionAttributeValues={":entry": entry},
    )
