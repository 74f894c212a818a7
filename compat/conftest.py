"""A real server for real clients: one with --dev for the services, one without for the notes application."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import boto3
import pytest
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(os.environ.get("NEPHOS_BINARY", ROOT / "target/debug/nephos"))
SHOTS = ROOT / "target/compat-screenshots"


class Server:
    """A nephos process with its data folder."""

    def __init__(self, *arguments, data=None, wait=20):
        self.data = pathlib.Path(data or tempfile.mkdtemp(prefix="nephos-compat-"))
        self.data.chmod(0o700)
        self.arguments = arguments
        self.wait = wait
        self.start()

    def start(self, port=0):
        port_file = self.data.parent / f"{self.data.name}.port"
        port_file.unlink(missing_ok=True)
        self.log = open(self.data.parent / f"{self.data.name}.log", "a")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", self.data, "--listen", f"127.0.0.1:{port}", "--port-file", port_file, *self.arguments],
            stderr=self.log,
            stdout=self.log,
        )
        deadline = time.monotonic() + self.wait
        while not port_file.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{open(self.log.name).read()}")
            time.sleep(0.02)
        self.port = int(port_file.read_text())
        self.url = f"http://localhost:{self.port}"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill()
                raise RuntimeError("the server did not stop when it was told to")
        self.log.close()

    def root(self):
        """The root user's credentials, as `nephos env` prints them."""
        text = subprocess.run(
            [BINARY, "env", "--output", "json", "--endpoint", self.url, "--data", self.data],
            capture_output=True, text=True, check=True, env=without_aws(),
        ).stdout
        return json.loads(text)

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=20) as answer:
            return json.loads(answer.read())

    def post(self, path, value=None):
        body = json.dumps(value or {}).encode()
        request = urllib.request.Request(self.url + path, data=body, method="POST")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())


def without_aws():
    """The environment without anything that points SDKs elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def client(server, service, key="test", secret="test", token=None, region="us-east-1", **config):
    return boto3.client(
        service,
        endpoint_url=server.url,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, **config),
    )


@pytest.fixture(scope="session")
def dev():
    server = Server("--dev")
    yield server
    server.stop()
    shutil.rmtree(server.data, ignore_errors=True)


@pytest.fixture
def make(dev):
    """Makes boto3 clients of the development server."""
    return lambda service, **options: client(dev, service, **options)


@pytest.fixture
def aws(dev):
    """Runs the aws command with nothing but what `nephos env` prints."""
    command = pathlib.Path(sys.executable).with_name("aws")
    printed = subprocess.run(
        [BINARY, "env", "--dev", "--output", "json", "--endpoint", dev.url], capture_output=True, text=True, check=True,
        env=without_aws(),
    )
    environment = {**without_aws(), **json.loads(printed.stdout), "AWS_PAGER": "", "AWS_CONFIG_FILE": "/dev/null"}

    def run(*arguments, check=True):
        done = subprocess.run([command, *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=120)
        if check and done.returncode:
            raise AssertionError(f"aws {' '.join(map(str, arguments))}: {done.stderr}")
        return done.stdout if check else done

    return run
