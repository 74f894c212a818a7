"""botocore's own serializers and parsers, on the models that are checked in.

Reads one JSON document from standard input: {"models": folder, "requests": [...], "answers": [...], "routes": {...}}.
Values are in the form of dump.rs: the model's names, moments in milliseconds, bytes in base64.
"""

import base64
import datetime
import io
import json
import math
import os
import sys
import urllib.parse

import botocore.loaders
import botocore.parsers
import botocore.serialize
from botocore.awsrequest import AWSRequest, HeadersDict
from botocore.model import ServiceModel

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
asked = json.load(sys.stdin)
models = {}


def model(name):
    if name not in models:
        with open(os.path.join(asked["models"], name + ".json")) as file:
            loaded = json.load(file)
        # Of operations that Nephos does not have only the route is kept.
        loaded["operations"] = {k: v for k, v in loaded["operations"].items() if "name" in v}
        models[name] = ServiceModel(loaded, name)
    return models[name]


def value_of(shape, value):
    kind = shape.type_name
    if kind == "structure":
        return {name: value_of(shape.members[name], inner) for name, inner in value.items()}
    if kind == "list":
        return [value_of(shape.member, inner) for inner in value]
    if kind == "map":
        return {key: value_of(shape.value, inner) for key, inner in value.items()}
    if kind == "blob":
        return base64.b64decode(value)
    if kind == "timestamp":
        return EPOCH + datetime.timedelta(milliseconds=value)
    if kind in ("float", "double"):
        return float(value)
    return value


def dump(shape, value):
    kind = shape.type_name
    if kind == "structure":
        return {name: dump(shape.members[name], inner) for name, inner in value.items() if inner is not None}
    if kind == "list":
        return [dump(shape.member, inner) for inner in value]
    if kind == "map":
        return {key: dump(shape.value, inner) for key, inner in value.items()}
    if kind == "blob":
        if hasattr(value, "read"):
            value = value.read()
        return base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()
    if kind == "timestamp":
        return round((value - EPOCH) / datetime.timedelta(milliseconds=1))
    if kind in ("float", "double"):
        value = float(value)
        return value if math.isfinite(value) else {"inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    return value


def wire(operation, params):
    """A request as it goes over the wire: method, path, query, headers, body."""
    service = operation.service_model
    serializer = botocore.serialize.create_serializer(service.metadata["protocol"], include_validation=False)
    made = serializer.serialize_to_request(params, operation)
    body = made["body"]
    if isinstance(body, dict):
        body = urllib.parse.urlencode(body, doseq=True)
    if isinstance(body, str):
        body = body.encode()
    if hasattr(body, "read"):
        body = body.read()
    query = made["query_string"]
    if isinstance(query, str):
        # botocore's own serializers put the literal query of the path here.
        query = urllib.parse.parse_qsl(query, keep_blank_values=True)
    request = AWSRequest(method=made["method"], url="http://host" + made["url_path"], params=query)
    split = urllib.parse.urlsplit(request.prepare().url)
    headers = [[name, value if isinstance(value, str) else value.decode()] for name, value in made["headers"].items()]
    return dict(method=made["method"], path=split.path, query=split.query, headers=headers,
                body=base64.b64encode(body or b"").decode())


def request(case):
    operation = model(case["service"]).operation_model(case["operation"])
    params = value_of(operation.input_shape, case["input"]) if operation.input_shape else {}
    return wire(operation, params)


def answer(case):
    service = model(case["service"])
    operation = service.operation_model(case["operation"])
    parser = botocore.parsers.create_parser(service.metadata["protocol"])
    body = base64.b64decode(case["body"])
    if operation.has_streaming_output and case["status"] < 300:
        body = io.BytesIO(body)
    response = dict(status_code=case["status"], headers=HeadersDict(case["headers"]), body=body)
    parsed = parser.parse(response, operation.output_shape)
    parsed.pop("ResponseMetadata")
    error = parsed.pop("Error", None)
    if error is not None and case["status"] >= 300:
        return dict(error=error, rest=parsed)
    return dump(operation.output_shape, parsed) if operation.output_shape else parsed


def least(shape):
    """Something for each member that must be there."""
    kind = shape.type_name
    if kind == "structure":
        return {name: least(shape.members[name]) for name in shape.required_members}
    if kind == "list":
        return [least(shape.member)]
    if kind == "map":
        return {"k": least(shape.value)}
    return {"boolean": True, "integer": 1, "long": 1, "float": 1.0, "double": 1.0, "blob": b"x",
            "timestamp": EPOCH}.get(kind, "x")


def routes(service):
    """The least request of every operation of the whole public model."""
    loaded = botocore.loaders.Loader().load_service_model(service, "service-2")
    whole = ServiceModel(loaded, service)
    for name in whole.operation_names:
        operation = whole.operation_model(name)
        made = wire(operation, least(operation.input_shape) if operation.input_shape else {})
        yield dict(operation=name, deprecated=operation.deprecated, **made)


print(json.dumps(dict(
    requests=[request(case) for case in asked.get("requests", [])],
    answers=[answer(case) for case in asked.get("answers", [])],
    routes={service: list(routes(service)) for service in asked.get("routes", [])},
)))
