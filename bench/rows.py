"""What is measured. A row is a name, how many clients, and an outcome for each server that could take part."""

import base64
import io
import json
import pathlib
import random
import socket
import statistics
import string
import subprocess
import time
import zipfile

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from servers import REGION, ROOT, Nephos, exchange, running

LOAD = ROOT / "target/release/nephos-load"
# The same filling for everybody, that no engine can compress to nothing.
RANDOM = random.Random(7)
FILLER_400 = "".join(RANDOM.choices(string.ascii_letters + string.digits, k=360))
FILLER_1K = "".join(RANDOM.choices(string.ascii_letters + string.digits, k=1024))
ITEMS = 1000
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
LOGS = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
BOOTSTRAPS = ["examples/notes/.nephos/target/release/bootstrap", "examples/notes/functions/preview/target/release/bootstrap"]


class Table:
    """Rows as they come, each said on stderr at once."""

    def __init__(self, say, only):
        self.rows, self.notes, self.say, self.only = [], [], say, only

    def wants(self, name):
        return not self.only or any(word in name for word in self.only)

    def add(self, server, name, clients, aim=None, **outcome):
        self.rows.append({"server": server, "row": name, "clients": clients, "aim": aim, **outcome})
        shown = ", ".join(f"{key} {value:,.2f}" if isinstance(value, float) else f"{key} {value}" for key, value in outcome.items())
        self.say(f"{server:>10} {name} x{clients}: {shown}")

    def note(self, text):
        self.notes.append(text)
        self.say(text)


class Settings:
    def __init__(self, quick):
        self.rounds, self.seconds, self.warm_seconds = (1, 0.5, 0.3) if quick else (5, 2.0, 1.0)
        self.starts, self.colds = (3, 3) if quick else (21, 15)


# Load


def load(server, settings, clients, request, service=None, keys=None, **more):
    """Several rounds of the load generator; the one in the middle by its rate, and the spread of them all."""
    plan = {
        "address": server.address, "pid": server.process.pid, "connections": clients, "request": request,
        "warm_seconds": settings.warm_seconds, "seconds": settings.seconds, **more,
        "sign": {**(keys or server.caller()), "region": REGION, "service": service} if service else None,
    }
    rounds = []
    for _ in range(settings.rounds):
        done = subprocess.run([LOAD], input=json.dumps(plan), capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise RuntimeError(done.stderr.strip()[:2000])
        rounds.append(json.loads(done.stdout))
    rounds.sort(key=lambda outcome: outcome["ops_per_second"])
    middle = rounds[len(rounds) // 2]
    rates = [outcome["ops_per_second"] for outcome in rounds]
    return {
        "ops_per_second": middle["ops_per_second"], "p50_ms": middle["p50_us"] / 1000, "p99_ms": middle["p99_us"] / 1000,
        "cpu_us": middle["server_cpu_us"], "generator_cpu_us": middle["generator_cpu_us"],
        "lowest": min(rates), "highest": max(rates), "reconnects": middle["reconnects"],
    }


def json_call(target, body, version="1.0", **more):
    headers = {"content-type": f"application/x-amz-json-{version}", "x-amz-target": target}
    return {"method": "POST", "path": "/", "headers": headers, "body": json.dumps(body, separators=(",", ":")), **more}


def sts_rows(server, table, settings):
    form = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = {"method": "POST", "path": "/", "headers": form, "body": "Action=GetCallerIdentity&Version=2011-06-15"}
    for clients in (1, 16):
        table.add(server.name, "STS GetCallerIdentity", clients, **load(server, settings, clients, request, "sts", contains="<Account>"))


def dynamodb_rows(server, table, settings):
    client = server.client("dynamodb")
    client.create_table(
        TableName="bench", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    )
    client.get_waiter("table_exists").wait(TableName="bench", WaiterConfig={"Delay": 1})
    item = {"k": {"S": "item-{n}"}, "v": {"S": FILLER_400}, "u": {"S": "{u}"}}
    for start in range(0, ITEMS, 25):
        puts = [json.loads(json.dumps(item).replace("{n}", str(start + n)).replace("{u}", "0" * 16)) for n in range(25)]
        client.batch_write_item(RequestItems={"bench": [{"PutRequest": {"Item": one}} for one in puts]})
    get = json_call("DynamoDB_20120810.GetItem", {"TableName": "bench", "Key": {"k": {"S": "item-{n}"}}}, span=ITEMS)
    put = json_call("DynamoDB_20120810.PutItem", {"TableName": "bench", "Item": item}, span=100_000)
    for clients in (1, 16):
        table.add(server.name, "DynamoDB GetItem 400 B", clients, **load(server, settings, clients, get, "dynamodb", contains=FILLER_400[-24:]))
    for clients in (1, 16):
        table.add(server.name, "DynamoDB PutItem 400 B", clients, **load(server, settings, clients, put, "dynamodb"))


def s3_rows(server, table, settings):
    client = server.client("s3")
    client.create_bucket(Bucket="bench")
    for number in range(100):
        client.put_object(Bucket="bench", Key=f"o/{number}", Body=FILLER_1K.encode())
    get = {"method": "GET", "path": "/bench/o/{n}", "headers": {}, "span": 100}
    put = {"method": "PUT", "path": "/bench/p/{n}", "headers": {"content-type": "text/plain"}, "body": FILLER_1K[16:] + "{u}", "span": 100_000}
    for clients in (1, 8):
        table.add(server.name, "S3 GET 1 KB", clients, **load(server, settings, clients, get, "s3", contains=FILLER_1K[-24:]))
    for clients in (1, 8):
        table.add(server.name, "S3 PUT 1 KB", clients, **load(server, settings, clients, put, "s3"))


def website_rows(server, table, settings):
    if server.name == "nginx":
        (server.folder / "site/page.html").write_text(FILLER_1K)
        host = server.address
    else:
        host = f"site.s3-website.localhost:{server.port}"
        client = server.client("s3")
        client.create_bucket(Bucket="site")
        client.put_object(Bucket="site", Key="page.html", Body=FILLER_1K.encode(), ContentType="text/html")
        client.put_bucket_website(Bucket="site", WebsiteConfiguration={"IndexDocument": {"Suffix": "page.html"}})
        client.put_public_access_block(Bucket="site", PublicAccessBlockConfiguration={"BlockPublicPolicy": False, "RestrictPublicBuckets": False})
        allow = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::site/*"}
        client.put_bucket_policy(Bucket="site", Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    request = {"method": "GET", "path": "/page.html", "headers": {"host": host}}
    for clients in (1, 8):
        table.add(server.name, "website GET 1 KB", clients, **load(server, settings, clients, request, contains=FILLER_1K[-24:]))


# Functions


def package(name, content, mode=0o644):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = (0o100000 | mode) << 16
        archive.writestr(info, content)
    return buffer.getvalue()


def functions(table):
    """Runtime, handler, package and event of the functions that can be had here."""
    found = {
        "Python": ("python3.11", "app.handler", package("app.py", "def handler(event, context):\n    return {}\n"), "{}"),
        "Node.js": ("nodejs20.x", "app.handler", package("app.mjs", "export const handler = async () => ({});\n"), "{}"),
    }
    bootstrap = next((ROOT / path for path in BOOTSTRAPS if (ROOT / path).exists()), None)
    if bootstrap:
        code = package("bootstrap", pathlib.Path(bootstrap).read_bytes(), 0o755)
        found["Rust"] = ("provided.al2023", "bootstrap", code, '{"body":""}')
    else:
        table.note("Rust functions are skipped: nephos up examples/notes builds the one that is measured")
    return found


def lambda_rows(server, table, settings):
    role = "arn:aws:iam::000000000000:role/bench"
    if isinstance(server, Nephos):
        iam = server.client("iam")
        role = iam.create_role(RoleName="bench", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.attach_role_policy(RoleName="bench", PolicyArn=LOGS)
    client = server.client("lambda")
    for language, (runtime, handler, code, event) in functions(table).items():
        name = f"bench-{runtime.partition('.')[0]}"
        try:
            client.create_function(FunctionName=name, Runtime=runtime, Handler=handler, Role=role, Code={"ZipFile": code}, Timeout=30, MemorySize=256)
            settled(client, name)
            cold_rows(server, client, table, settings, language, name, event)
            warm_rows(server, table, settings, language, name, event)
        except Exception as error:
            table.note(f"{server.name}, {language} functions: {str(error)[:300]}")


def settled(client, name):
    while True:
        now = client.get_function_configuration(FunctionName=name)
        if now.get("State", "Active") == "Active" and now.get("LastUpdateStatus", "Successful") == "Successful":
            return
        time.sleep(0.02)


def cold_rows(server, client, table, settings, language, name, event):
    """The first one ever, and then those after a changed environment. The function's own log says that each was cold."""
    first, millis = None, []
    for number in range(settings.colds + 1):
        if number:
            client.update_function_configuration(FunctionName=name, Environment={"Variables": {"TURN": str(number)}})
            settled(client, name)
            # What the change leaves behind for a moment is not the cold start's.
            time.sleep(0.3)
        taken, tail = invoke_once(server, name, event)
        if isinstance(server, Nephos) and "Init Duration" not in tail:
            raise RuntimeError(f"expected a cold start, got {tail!r}")
        first = first or taken
        millis += [taken] if number else []
    aim = 120.0 if language == "Python" else None
    table.add(server.name, f"Lambda {language}, first start ever", 1, p50_ms=first)
    table.add(server.name, f"Lambda {language}, cold start", 1, aim=aim, p50_ms=statistics.median(millis), p99_ms=max(millis))


def invoke_once(server, name, event):
    path = f"/2015-03-31/functions/{name}/invocations"
    request = signed(server, "lambda", "POST", path, {"x-amz-log-type": "Tail"}, event)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        started = time.perf_counter()
        head, body = exchange(connection, request)
        taken = (time.perf_counter() - started) * 1000
    if not head.startswith(b"HTTP/1.1 200") or b"x-amz-function-error" in head.lower():
        raise RuntimeError(f"expected an answer, got {head + body}")
    tail = [line.split(b":", 1)[1] for line in head.split(b"\r\n") if line.lower().startswith(b"x-amz-log-result:")]
    return taken, base64.b64decode(tail[0]).decode() if tail else ""


def warm_rows(server, table, settings, language, name, event):
    request = {"method": "POST", "path": f"/2015-03-31/functions/{name}/invocations", "headers": {"content-type": "application/json"}, "body": event}
    for clients in (1, 16):
        aim = 1.5 if (language, clients) == ("Python", 1) else None
        table.add(server.name, f"Lambda {language}, warm", clients, aim=aim, **load(server, settings, clients, request, "lambda"))


def signed(server, service, method, path, headers, body, keys=None):
    """A request's bytes, signed by botocore."""
    keys = keys or server.caller()
    request = AWSRequest(method=method, url=f"{server.url}{path}", headers={"host": server.address, **headers}, data=body)
    credentials = Credentials(keys["access_key_id"], keys["secret_access_key"], keys["session_token"])
    (S3SigV4Auth if service == "s3" else SigV4Auth)(credentials, service, REGION).add_auth(request)
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items()), f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", body]).encode()


# Start and memory


def start_rows(table, settings):
    """From exec to the end of the first answer, on fresh data each time."""
    form = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    identity = "Action=GetCallerIdentity&Version=2011-06-15"
    cases = [("start, first answer", [], False, False), ("start, first signed answer", ["--dev"], False, True), ("start in memory, first answer", ["--dev"], True, False)]
    for name, arguments, memory, sign in cases:
        millis = []
        for _ in range(settings.starts):
            server = Nephos(*arguments, memory=memory)
            try:
                first = signed(server, "sts", "POST", "/", form, identity, server.credentials()) if sign else None
                taken, head = server.start(first)
                if not head.startswith(b"HTTP/1.1 200"):
                    raise RuntimeError(f"expected an answer, got {head}")
                millis.append(taken * 1000)
            finally:
                server.remove()
        table.add("nephos", name, 1, aim=50.0, p50_ms=statistics.median(millis), p99_ms=max(millis))


def restart_row(server, table, settings):
    """The same on what the rows before have left."""
    millis = []
    for _ in range(max(3, settings.starts // 3)):
        server.stop()
        millis.append(server.start()[0] * 1000)
    table.add(server.name, "start on this run's data", 1, p50_ms=statistics.median(millis), p99_ms=max(millis))


def memory_rows(table):
    """Resident memory a second after the start, and after a signed request to each service."""
    with running(Nephos()) as server:
        time.sleep(1)
        rows = [("idle memory after start", server.memory(), server.threads())]
        server.client("sts").get_caller_identity()
        server.client("iam").list_users()
        server.client("s3").list_buckets()
        server.client("dynamodb").list_tables()
        server.client("lambda").list_functions()
        server.client("logs").describe_log_groups()
        server.client("cloudformation").list_stacks()
        server.client("cognito-idp").list_user_pools(MaxResults=1)
        server.client("cognito-identity").list_identity_pools(MaxResults=1)
        time.sleep(0.2)
        rows.append(("idle memory after a call of each service", server.memory(), server.threads()))
        for name, (rss, pss), threads in rows:
            table.add(server.name, name, 0, aim=40.0, rss_mb=rss / 1024, with_children_mb=pss / 1024, threads=threads)


def peer_start_row(peer, table, settings):
    millis, memory = [], 0.0
    for _ in range(max(3, settings.starts // 7)):
        server = peer()
        try:
            millis.append(server.start()[0] * 1000)
            time.sleep(0.5)
            memory = server.memory()
        finally:
            server.remove()
    table.add(peer.name, "start, first answer", 1, p50_ms=statistics.median(millis), p99_ms=max(millis))
    table.add(peer.name, "idle memory after start", 0, rss_mb=memory[0] / 1024, with_children_mb=memory[1] / 1024)
