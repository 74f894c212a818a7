"""The servers that are measured: ours, and the peers that install without Docker. Each starts on a free port."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import boto3
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = pathlib.Path(os.environ.get("NEPHOS_BINARY", ROOT / "target/release/nephos"))
PEERS = ROOT / "target/bench-peers"
DATA = ROOT / "target/bench-data"
REGION = "us-east-1"
START_WITHIN = 60


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def without_aws():
    """The environment without anything that points SDKs elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def exchange(connection, request):
    """Sends bytes, gives the answer's bytes. Tight, because it is what start and cold start are measured with."""
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError("closed before an answer")
        answer += piece
    head, body = answer.split(b"\r\n\r\n", 1)
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += connection.recv(65536)
    return head, body


class Server:
    """A process that listens on a port of its own."""

    name = "?"

    def __init__(self):
        # Not in /tmp, which may be memory: writes are to reach a disk.
        DATA.mkdir(parents=True, exist_ok=True)
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=DATA))
        self.port = free_port()
        self.process = None

    def command(self):
        raise NotImplementedError

    def environment(self):
        return without_aws()

    def start(self, first=None):
        """Starts; gives the seconds from exec to the end of the first answer to `first`, and that answer's head."""
        first = first or f"GET / HTTP/1.1\r\nhost: {self.address}\r\n\r\n".encode()
        command = [str(word) for word in self.command()]
        with open(self.folder / "log", "a") as log:
            started = time.perf_counter()
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment(), cwd=self.folder)
        while time.perf_counter() - started < START_WITHIN:
            try:
                with socket.create_connection(("127.0.0.1", self.port)) as connection:
                    head, _ = exchange(connection, first)
                return time.perf_counter() - started, head
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.0002)
        raise RuntimeError(f"{self.name} did not start:\n{(self.folder / 'log').read_text()[-2000:]}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"http://{self.address}"

    def credentials(self):
        return {"access_key_id": "test", "secret_access_key": "test", "session_token": None}

    def client(self, service, credentials=None):
        keys = credentials or self.credentials()
        return boto3.client(
            service, endpoint_url=self.url, region_name=REGION, aws_access_key_id=keys["access_key_id"],
            aws_secret_access_key=keys["secret_access_key"], aws_session_token=keys["session_token"],
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=120),
        )

    def memory(self):
        """Resident kilobytes of the server, and proportional ones of it and all below it."""
        return field(self.process.pid, "status", "VmRSS"), sum(field(pid, "smaps_rollup", "Pss") for pid in tree(self.process.pid))

    def threads(self):
        return field(self.process.pid, "status", "Threads")


def field(pid, file, name):
    with contextlib.suppress(OSError, StopIteration):
        lines = pathlib.Path(f"/proc/{pid}/{file}").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name + ":")).split()[1])
    return 0


def tree(pid):
    """The process and all below it."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            parents[int(entry.name)] = field(entry.name, "status", "PPid")
    found, new = {pid}, {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new}
        found |= new
    return found


class Nephos(Server):
    """Ours: signatures verified, policies enforced, every write synced."""

    name = "nephos"
    label = "nephos"

    def __init__(self, *arguments, memory=False):
        super().__init__()
        self.arguments = arguments
        self.memory_only = memory
        self.user = None

    def command(self):
        place = ["--memory"] if self.memory_only else ["--data", self.folder / "data"]
        return [BINARY, "serve", "--listen", self.address, *place, *self.arguments]

    def start(self, first=None):
        first = first or f"GET /_nephos/health HTTP/1.1\r\nhost: {self.address}\r\n\r\n".encode()
        return super().start(first)

    def credentials(self):
        """The root user's; with --dev the well-known ones."""
        if "--dev" in self.arguments:
            return super().credentials()
        text = subprocess.run(
            [BINARY, "env", "--output", "json", "--endpoint", self.url, "--data", self.folder / "data"],
            capture_output=True, text=True, check=True, env=without_aws(),
        ).stdout
        keys = json.loads(text)
        return {"access_key_id": keys["AWS_ACCESS_KEY_ID"], "secret_access_key": keys["AWS_SECRET_ACCESS_KEY"], "session_token": None}

    def caller(self):
        """A user who may do what the rows do and nothing else, so that a policy is evaluated on each request."""
        if not self.user:
            iam = self.client("iam")
            iam.create_user(UserName="bench")
            iam.put_user_policy(UserName="bench", PolicyName="bench", PolicyDocument=json.dumps(POLICY))
            key = iam.create_access_key(UserName="bench")["AccessKey"]
            self.user = {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"], "session_token": None}
        return self.user


POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], "Resource": "arn:aws:dynamodb:*:*:table/bench"},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::bench/*"},
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"},
    ],
}


class Peer(Server):
    """Another's server. It takes whatever signature comes, so the same signed requests go to it."""

    def caller(self):
        return self.credentials()


class Moto(Peer):
    name = "moto"
    package = ["moto[server]"]
    can = {"dynamodb", "s3", "sts"}

    def command(self):
        return [PEERS / "moto/bin/moto_server", "-H", "127.0.0.1", "-p", self.port]


class MiniStack(Peer):
    name = "ministack"
    package = ["ministack"]
    can = {"dynamodb", "s3", "sts", "lambda"}

    def command(self):
        return [PEERS / "ministack/bin/ministack"]

    def environment(self):
        interpreters = f"{PEERS / 'ministack/bin'}:{os.environ['PATH']}"
        return {**without_aws(), "GATEWAY_PORT": str(self.port), "HOME": str(self.folder), "PATH": interpreters}


class Dynalite(Peer):
    name = "dynalite"
    can = {"dynamodb"}

    def command(self):
        return ["node", PEERS / "dynalite/node_modules/dynalite/cli.js", "--port", self.port, "--createTableMs", "0"]


class Nginx(Peer):
    """A web server, for the website's row alone."""

    name = "nginx"
    can = {"website"}

    def command(self):
        (self.folder / "site").mkdir(exist_ok=True)
        self.folder.chmod(0o755)
        text = f"""
            daemon off; master_process on; worker_processes auto; pid {self.folder}/pid; error_log {self.folder}/log;
            events {{ worker_connections 256; }}
            http {{ access_log off; sendfile on; tcp_nopush on; open_file_cache max=1000; keepalive_requests 1000000;
                    client_body_temp_path {self.folder}/1; proxy_temp_path {self.folder}/2; fastcgi_temp_path {self.folder}/3;
                    uwsgi_temp_path {self.folder}/4; scgi_temp_path {self.folder}/5;
                    server {{ listen {self.address}; root {self.folder}/site; }} }}
        """
        (self.folder / "nginx.conf").write_text(text)
        return ["nginx", "-e", self.folder / "log", "-c", self.folder / "nginx.conf"]


def peers():
    """The peers that can be had here, installed where they are missing; and why the others cannot."""
    made, missing = [], {}
    for peer in (Moto, MiniStack, Dynalite, Nginx):
        try:
            install(peer)
            made.append(peer)
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            missing[peer.name] = str(error)
    return made, missing


def install(peer):
    folder = PEERS / peer.name
    if peer is Nginx:
        if not shutil.which("nginx"):
            raise FileNotFoundError("nginx is not installed")
    elif peer is Dynalite:
        if not (folder / "node_modules/dynalite").exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "package.json").write_text("{}")
            run("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "dynalite@4", cwd=folder)
    elif not (folder / "installed").exists():
        run("python3", "-m", "venv", folder)
        run(folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.package)
        (folder / "installed").touch()


def run(*command, cwd=None):
    subprocess.run([str(word) for word in command], check=True, cwd=cwd, stdout=subprocess.DEVNULL, timeout=600)


@contextlib.contextmanager
def running(server):
    """The server, started, and gone afterwards."""
    try:
        server.start()
        yield server
    finally:
        server.remove()


__all__ = ["BINARY", "REGION", "ROOT", "Nephos", "exchange", "peers", "running"]
