"""The nephos command, as somebody at a terminal uses it."""

import json
import re
import signal
import subprocess
import time
import urllib.request

import pytest
from conftest import BINARY, without_aws


def nephos(*arguments, check=True, **options):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, env=without_aws(), timeout=180, **options)
    assert not check or done.returncode == 0, done.stderr
    return done


class Up:
    """`nephos up` on a folder, with what it says."""

    def __init__(self, folder, data, port):
        self.log = open(folder.parent / "up.log", "w+")
        self.process = subprocess.Popen(
            [BINARY, "up", folder, "--data", data, "--endpoint", f"http://localhost:{port}"],
            stderr=self.log, stdout=subprocess.PIPE, text=True, env=without_aws(),
        )

    def says(self, pattern, seconds=90):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            text = open(self.log.name).read()
            found = re.search(pattern, text)
            if found:
                return found
            assert self.process.poll() is None, text
            time.sleep(0.1)
        raise AssertionError(f"expected {pattern}, got:\n{text}")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)
        self.log.close()


@pytest.fixture
def port():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def fetch(url):
    # Every *.localhost is this machine, also where the resolver does not know it.
    host = re.match(r"http://([^/]+)", url)[1]
    request = urllib.request.Request(url.replace(host, "127.0.0.1:" + host.split(":")[1]), headers={"Host": host})
    return urllib.request.urlopen(request, timeout=60).read().decode()


def test_a_first_application_from_nothing(tmp_path, port):
    folder, data = tmp_path / "hello", tmp_path / "data"
    assert "nephos up" in nephos("new", "python", folder).stderr
    assert nephos("new", "python", folder, check=False).returncode == 1
    up = Up(folder, data, port)
    try:
        url = up.says(r"Ready: (http://\S+)")[1]
        assert fetch(url) == "Hello, world!\n"
        assert fetch(url + "?name=you") == "Hello, you!\n"
        up.says(r"Hello │ greeting you")

        # A changed source is redeployed by itself, and what it took is told.
        source = folder / "hello/app.py"
        source.write_text(source.read_text().replace("Hello,", "Welcome,"))
        up.says(r"↻ Hello \d+ ms|↻ Hello \d+\.\d s")
        assert fetch(url) == "Welcome, world!\n"

        # A broken template is told, and the application goes on.
        template = folder / "template.yaml"
        good = template.read_text()
        template.write_text(good.replace("AWS::DynamoDB::Table", "AWS::RDS::DBInstance"))
        up.says(r"AWS::RDS::DBInstance")
        assert fetch(url) == "Welcome, world!\n"
        template.write_text(good)

        reach = ("--data", data, "--endpoint", f"http://localhost:{port}")
        name = json.loads(nephos("deploy", folder, "--output", "json", *reach).stdout)["stack"]
        assert name == "hello"
        function = up_resources(data, port, name)
        answer = nephos("invoke", function, '{"queryStringParameters": {"name": "cli"}}', "--tail", *reach)
        assert json.loads(answer.stdout)["body"] == "Welcome, cli!\n" and "REPORT RequestId" in answer.stderr
        assert "greeting cli" in nephos("logs", function, *reach).stdout
        nephos("delete", name, *reach)
        assert "there is no stack" in nephos("delete", name, *reach, check=False).stderr
    finally:
        up.stop()


def up_resources(data, port, stack):
    import boto3

    keys = json.loads(nephos("env", "--output", "json", "--data", data, "--endpoint", f"http://localhost:{port}").stdout)
    client = boto3.client(
        "cloudformation", endpoint_url=keys["AWS_ENDPOINT_URL"], region_name="us-east-1",
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"], aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )
    found = client.describe_stack_resource(StackName=stack, LogicalResourceId="Hello")
    return found["StackResourceDetail"]["PhysicalResourceId"]


def test_a_website_from_nothing(tmp_path, port):
    folder = tmp_path / "site"
    nephos("new", "web", folder)
    up = Up(folder, tmp_path / "data", port)
    try:
        url = up.says(r"Ready: (http://\S+)")[1]
        assert "Hello from a bucket" in fetch(url + "/")
        page = folder / "site/index.html"
        page.write_text(page.read_text().replace("from a bucket", "again"))
        up.says(r"↻ client")
        assert "Hello again" in fetch(url + "/")
    finally:
        up.stop()


def test_doctor_tells_what_this_machine_offers():
    told = json.loads(nephos("doctor", "--output", "json").stdout)
    assert any(runtime["id"].startswith("python3.") for runtime in told["runtimes"])
    assert {feature["status"] for feature in told["isolation"]["features"]} <= {"Available", "Degraded"}
    assert "isolation" in nephos("doctor").stdout


def test_env_evaluates_in_a_shell(tmp_path, dev):
    script = f'eval "$({BINARY} env --data {dev.data} --endpoint {dev.url})"; echo "$AWS_ENDPOINT_URL $AWS_REGION ${{#AWS_SECRET_ACCESS_KEY}}"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, env=without_aws(), check=True)
    url, region, length = done.stdout.split()
    assert (url, region) == (dev.url, "us-east-1") and int(length) >= 20


@pytest.mark.parametrize("arguments, told", [
    (("serve", "--listen", "0.0.0.0:0", "--dev", "--memory"), "--dev"),
    (("serve", "--listen", "0.0.0.0:0", "--memory"), "--insecure-http"),
    (("serve", "--listen", "127.0.0.1:0", "--memory", "--seed", "/nowhere.yaml"), "/nowhere.yaml"),
    (("invoke", "f", "--endpoint", "http://localhost:1", "--data", "/nowhere"), "root credentials"),
    (("deploy", "/nowhere", "--endpoint", "http://localhost:1"), "/nowhere"),
])
def test_mistakes_are_told_with_their_mend(arguments, told):
    done = nephos(*arguments, check=False)
    assert done.returncode == 1 and told in done.stderr
