"""Writes a new note. The owner is the identity that the platform vouches for, never something the caller says."""

import datetime
import os
import uuid

import boto3

MAX_TITLE = 200
MAX_TEXT = 100_000

table = boto3.resource("dynamodb").Table(os.environ["NOTES_TABLE"])


def timestamp():
    # To the millisecond, so that notes of one second keep their order.
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")


def handler(event, context):
    owner = context.identity.cognito_identity_id
    if not owner:
        raise PermissionError("a note needs a signed-in owner")
    title, text = str(event.get("title", "")).strip(), str(event.get("text", ""))
    if not title:
        return {"error": "a note needs a title"}
    if len(title) > MAX_TITLE or len(text) > MAX_TEXT:
        return {"error": f"a title has up to {MAX_TITLE} characters, a note up to {MAX_TEXT}"}
    now = timestamp()
    note = {"owner": owner, "id": str(uuid.uuid4()), "title": title, "text": text, "created": now, "updated": now}
    table.put_item(Item=note, ConditionExpression="attribute_not_exists(id)")
    print("created", note["id"])
    return {"note": note}
