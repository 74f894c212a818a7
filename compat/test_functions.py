"""Lambda and CloudWatch Logs with boto3 and the aws command; functions really run, isolated."""

import base64
import io
import json
import time
import zipfile

import pytest
from botocore.exceptions import ClientError

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
LOGS = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def package(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def role(dev):
    from conftest import client

    iam = client(dev, "iam")
    arn = iam.create_role(RoleName="compat-function", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.attach_role_policy(RoleName="compat-function", PolicyArn=LOGS)
    yield arn
    iam.detach_role_policy(RoleName="compat-function", PolicyArn=LOGS)
    iam.delete_role(RoleName="compat-function")


@pytest.fixture
def function(make, role):
    awslambda, made = make("lambda", read_timeout=60), []

    def create(name, source, runtime="python3.11", handler="app.handler", file="app__py", **options):
        awslambda.create_function(
            FunctionName=name, Runtime=runtime, Role=role, Handler=handler, Code={"ZipFile": package(**{file: source})}, **options
        )
        made.append(name)
        return name

    yield create
    for name in made:
        awslambda.delete_function(FunctionName=name)


def call(make, name, event=None, **options):
    answer = make("lambda", read_timeout=60).invoke(FunctionName=name, Payload=json.dumps(event or {}), **options)
    return answer, json.loads(answer["Payload"].read() or b"null")


def test_a_python_function_answers_with_its_context(make, function):
    function("compat-py", "def handler(event, context):\n    return {'got': event, 'fn': context.function_name, 'arn': context.invoked_function_arn, 'left': context.get_remaining_time_in_millis() > 0}")
    answer, value = call(make, "compat-py", {"n": 1})
    assert answer["StatusCode"] == 200 and "FunctionError" not in answer
    assert value["got"] == {"n": 1} and value["fn"] == "compat-py" and value["left"]
    assert value["arn"].endswith(":function:compat-py")


@pytest.mark.parametrize("file, source", [
    ("app__mjs", "export const handler = async (event, context) => ({ got: event, id: context.awsRequestId });"),
    ("app__js", "exports.handler = (event, context, done) => done(null, { got: event, id: context.awsRequestId });"),
])
def test_a_node_function_answers(make, function, file, source):
    function("compat-js", source, runtime="nodejs20.x", file=file)
    answer, value = call(make, "compat-js", {"n": 1})
    assert value["got"] == {"n": 1} and value["id"] == answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]


def test_errors_are_shaped_as_lambdas(make, function):
    function("compat-error", "def handler(event, context):\n    raise ValueError('no ' + event['what'])")
    answer, value = call(make, "compat-error", {"what": "way"})
    assert answer["FunctionError"] == "Unhandled"
    assert (value["errorType"], value["errorMessage"]) == ("ValueError", "no way")
    assert any("app.py" in line for line in value["stackTrace"])


def test_a_missing_module_is_told(make, function):
    function("compat-import", "x = 1", handler="nowhere.handler")
    _, value = call(make, "compat-import")
    assert value["errorType"] == "Runtime.ImportModuleError"
    assert value["errorMessage"] == "Unable to import module 'nowhere': No module named 'nowhere'"


def test_timeouts_and_exits(make, function):
    function("compat-slow", "import time\ndef handler(event, context):\n    time.sleep(30)", Timeout=1)
    _, value = call(make, "compat-slow")
    assert value["errorType"] == "Sandbox.Timedout" and "Task timed out after 1.00 seconds" in value["errorMessage"]
    function("compat-exit", "import os\ndef handler(event, context):\n    os._exit(3)")
    _, value = call(make, "compat-exit")
    assert value["errorType"] == "Runtime.ExitError" and "exit status 3" in value["errorMessage"]


def test_memory_is_bounded_and_others_keep_answering(make, function):
    function("compat-fine", "def handler(event, context):\n    return 'fine'")
    function("compat-greedy", "def handler(event, context):\n    held = []\n    while True: held.append(bytearray(1 << 20))", MemorySize=128, Timeout=20)
    answer, value = call(make, "compat-greedy")
    assert answer["FunctionError"] == "Unhandled" and value["errorType"] in ("Runtime.ExitError", "Runtime.OutOfMemory")
    assert call(make, "compat-fine")[1] == "fine"


ATTACKS = {
    "shadow": "open('/etc/shadow').read()",
    "host_loopback": "import socket; socket.create_connection(('127.0.0.1', event['port']), timeout=2).sendall(b'x')",
    "mount": "import ctypes; assert ctypes.CDLL(None, use_errno=True).mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0",
    "ptrace": "import ctypes; assert ctypes.CDLL(None, use_errno=True).ptrace(16, 1, 0, 0) == 0",
    "bpf": "import ctypes; assert ctypes.CDLL(None, use_errno=True).syscall(321, 0, 0, 0) >= 0",
    "kexec": "import ctypes; assert ctypes.CDLL(None, use_errno=True).syscall(246, 0, 0, 0, 0) >= 0",
    "write_code": "open('/var/task/app.py', 'a').write('x')",
    "fill_tmp": "open('/tmp/x', 'wb').write(bytes(600 << 20))",
    "processes": "import os\n        for _ in range(3000):\n            if os.fork() == 0: import time; time.sleep(20)",
}


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_a_hostile_function_is_contained(dev, make, function, attack):
    import socket

    # Something on the host that a function must not reach.
    listener = socket.create_server(("127.0.0.1", 0))
    source = f"def handler(event, context):\n    try:\n        {ATTACKS[attack]}\n    except BaseException as error:\n        return 'contained: ' + type(error).__name__\n    return 'got through'"
    function("compat-attack", source, MemorySize=1024, Timeout=15)
    function("compat-beside", "def handler(event, context):\n    return 'fine'")
    answer, value = call(make, "compat-attack", {"port": listener.getsockname()[1]})
    assert "FunctionError" in answer or str(value).startswith("contained"), value
    assert call(make, "compat-beside")[1] == "fine"
    listener.close()


def test_functions_do_not_see_each_others_environment(make, function):
    function("compat-secret", "import time\ndef handler(event, context):\n    return 'set'", Environment={"Variables": {"SECRET": "tell-no-one-7391"}})
    call(make, "compat-secret")
    spy = (
        "import glob\ndef handler(event, context):\n    found = []\n"
        "    for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/var/task/../*/*'):\n"
        "        try: found.append(open(path, 'rb').read())\n        except OSError: pass\n"
        "    return any(b'tell-' + b'no-one' in text for text in found)"
    )
    function("compat-spy", spy)
    assert call(make, "compat-spy")[1] is False


def test_logs_are_kept_and_tailed(make, aws, function):
    function("compat-logs", "def handler(event, context):\n    print('hello from', event['who'])")
    answer, _ = call(make, "compat-logs", {"who": "me"}, LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert tail.startswith("START RequestId:") and "hello from me" in tail and "REPORT RequestId:" in tail
    # What `aws logs tail` of the command's version 2, which no package index has, asks for.
    for _ in range(50):
        events = make("logs").get_paginator("filter_log_events").paginate(
            logGroupName="/aws/lambda/compat-logs", interleaved=True, startTime=int((time.time() - 600) * 1000)
        )
        printed = "".join(event["message"] for page in events for event in page["events"])
        if "hello from me" in printed:
            break
        time.sleep(0.1)
    assert "hello from me" in printed and "Billed Duration" in printed
    named = aws("logs", "describe-log-streams", "--log-group-name", "/aws/lambda/compat-logs", "--query", "logStreams[0].logStreamName")
    assert "[$LATEST]" in named


def test_asynchronous_calls_run(make, function):
    function("compat-async", "def handler(event, context):\n    print('ran', event['n'])")
    answer, _ = call(make, "compat-async", {"n": 42}, InvocationType="Event")
    assert answer["StatusCode"] == 202
    logs = make("logs")
    for _ in range(100):
        try:
            found = logs.filter_log_events(logGroupName="/aws/lambda/compat-async", filterPattern='"ran 42"')["events"]
        except ClientError:
            found = []
        if found:
            return
        time.sleep(0.1)
    raise AssertionError("the event was not delivered")


def test_a_function_calls_the_platform_with_its_own_role(make, dev, function):
    source = "import boto3\ndef handler(event, context):\n    return boto3.client('sts').get_caller_identity()['Arn']"
    function("compat-sdk", source, Timeout=30)
    assert call(make, "compat-sdk")[1].endswith(":assumed-role/compat-function/compat-sdk")


def test_the_aws_command_creates_and_invokes(aws, role, tmp_path):
    archive = tmp_path / "f.zip"
    archive.write_bytes(package(app__py="def handler(event, context):\n    return 'from the command line'"))
    aws("lambda", "create-function", "--function-name", "compat-cli", "--runtime", "python3.11", "--handler", "app.handler",
        "--role", role, "--zip-file", f"fileb://{archive}")
    out = tmp_path / "out.json"
    aws("lambda", "invoke", "--function-name", "compat-cli", out)
    assert json.loads(out.read_text()) == "from the command line"
    aws("lambda", "delete-function", "--function-name", "compat-cli")
