"""Answers at a URL."""


def handler(event, context):
    name = (event.get("queryStringParameters") or {}).get("name", "world")
    print("greeting", name)
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": f"Hello, {name}!\n"}
