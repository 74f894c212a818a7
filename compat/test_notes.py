"""The notes application, deployed by `nephos deploy` and driven in a real browser by two users, with a kill -9 between."""

import json
import re
import shutil
import subprocess
import uuid

import boto3
import pytest
from conftest import BINARY, ROOT, SHOTS, Server, client, without_aws
from playwright.sync_api import expect, sync_playwright

# A machine that has built nothing yet builds the client and a function in Rust first.
pytestmark = pytest.mark.timeout(900)

PASSWORD = "correct-horse-7"


@pytest.fixture(scope="module")
def application():
    """A platform without --dev, and the application deployed to it."""
    server = Server()
    done = subprocess.run(
        [BINARY, "deploy", ROOT / "examples/notes", "--endpoint", server.url, "--data", server.data, "--output", "json"],
        capture_output=True, text=True, env=without_aws(), timeout=800,
    )
    assert done.returncode == 0, done.stderr
    server.outputs = json.loads(done.stdout)["outputs"]
    yield server
    server.stop()
    shutil.rmtree(server.data, ignore_errors=True)


@pytest.fixture(scope="module")
def browser():
    SHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                  "--disable-component-update", "--disable-sync"],
        )
        yield browser
        browser.close()


def outbox(server):
    done = subprocess.run(
        [BINARY, "outbox", "--output", "json", "--endpoint", server.url, "--data", server.data],
        capture_output=True, text=True, env=without_aws(), check=True,
    )
    return json.loads(done.stdout)["messages"]


class Person:
    """Somebody at a browser of their own."""

    def __init__(self, server, browser, name):
        self.server, self.name = server, name
        self.address = f"{name}-{uuid.uuid4().hex[:8]}@example.org"
        self.page = browser.new_context(viewport={"width": 1180, "height": 760}).new_page()
        self.page.on("console", lambda message: print(f"{name}: {message.text}"))
        self.page.on("pageerror", lambda error: print(f"{name}: {error}"))

    def shot(self, what):
        self.page.screenshot(path=SHOTS / f"{self.name}-{what}.png")

    def open(self):
        self.page.goto(self.server.outputs["WebsiteURL"] + "/")

    def sign_up(self):
        self.open()
        self.page.get_by_role("button", name="Create an account").click()
        self.page.get_by_label("E-mail").fill(self.address)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.shot("sign-up")
        self.page.get_by_role("button", name="Sign up").click()
        expect(self.page.get_by_label("Code")).to_be_visible(timeout=20_000)
        code = next(m["facts"]["code"] for m in outbox(self.server) if m["to"] == self.address)
        self.page.get_by_label("Code").fill(code)
        self.shot("confirm")
        self.page.get_by_role("button", name="Confirm").click()
        expect(self.page.locator("#new-note")).to_be_visible(timeout=30_000)

    def sign_in(self):
        self.open()
        self.page.get_by_label("E-mail").fill(self.address)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.locator("#new-note")).to_be_visible(timeout=30_000)

    def write(self, title, text):
        self.page.locator("#new-note").click()
        self.page.get_by_label("Title").fill(title)
        self.page.get_by_label("Text").fill(text)
        self.page.locator("#save-note").click()
        expect(self.page.locator("#note-title")).to_have_text(title, timeout=30_000)

    def titles(self):
        return self.page.locator(".entry strong").all_inner_texts()


def test_a_day_with_the_notes_application(application, browser, tmp_path):
    ann = Person(application, browser, "ann")
    ann.sign_up()
    expect(ann.page.get_by_text("Nothing written yet.")).to_be_visible(timeout=30_000)
    ann.shot("empty")
    ann.write("First note", "# Hello\n\nSome *Markdown* with a [link](https://example.org).\n\n- one\n- two")
    expect(ann.page.locator(".prose h1")).to_have_text("Hello")
    expect(ann.page.locator(".prose em")).to_have_text("Markdown")
    ann.shot("note")

    attachment = tmp_path / "poem.txt"
    attachment.write_text("The woods are lovely, dark and deep,\nwoods woods woods and miles to go before sleep.\n")
    ann.page.locator("#attach").set_input_files(attachment)
    expect(ann.page.locator(".word").first).to_have_text("woods", timeout=40_000)
    expect(ann.page.locator(".files blockquote")).to_contain_text("The woods are lovely")
    ann.shot("attachment")

    ann.page.locator("#edit-note").click()
    ann.page.get_by_label("Title").fill("First note, revised")
    expect(ann.page.locator(".preview h1")).to_have_text("Hello", timeout=20_000)
    ann.shot("edit")
    ann.page.locator("#save-note").click()
    expect(ann.page.locator("#note-title")).to_have_text("First note, revised", timeout=30_000)
    ann.write("Second note", "to be deleted")
    assert ann.titles() == ["Second note", "First note, revised"]
    ann.page.locator("#delete-note").click()
    expect(ann.page.locator("#note-title")).to_have_text("First note, revised", timeout=30_000)
    assert ann.titles() == ["First note, revised"]

    # Another user sees nothing of it.
    bob = Person(application, browser, "bob")
    bob.sign_up()
    expect(bob.page.get_by_text("Nothing written yet.")).to_be_visible(timeout=30_000)
    bob.shot("empty")

    # kill -9: what was acknowledged is there, and whoever was signed in stays so.
    port = application.port
    application.kill()
    application.start(port)
    ann.page.reload()
    expect(ann.page.locator("#note-title")).to_have_text("First note, revised", timeout=30_000)
    ann.page.locator("#sign-out").click()
    expect(ann.page.get_by_role("button", name="Sign in")).to_be_visible()
    ann.sign_in()
    expect(ann.page.locator("#note-title")).to_have_text("First note, revised", timeout=30_000)

    ann.page.set_viewport_size({"width": 390, "height": 780})
    ann.shot("phone")
    ann.page.emulate_media(color_scheme="dark")
    ann.shot("phone-dark")


def sign_up_by_api(server, name):
    """A user's temporary credentials, got as the browser gets them."""
    from pycognito import AWSSRP

    outputs = server.outputs
    anonymous = lambda service: boto3.client(
        service, endpoint_url=server.url, region_name="us-east-1",
        config=boto3.session.Config(signature_version=__import__("botocore").UNSIGNED),
    )
    users, address = anonymous("cognito-idp"), f"{name}-{uuid.uuid4().hex[:8]}@example.org"
    users.sign_up(ClientId=outputs["UserPoolClientId"], Username=address, Password=PASSWORD,
                  UserAttributes=[{"Name": "email", "Value": address}])
    code = next(m["facts"]["code"] for m in outbox(server) if m["to"] == address)
    users.confirm_sign_up(ClientId=outputs["UserPoolClientId"], Username=address, ConfirmationCode=code)
    srp = AWSSRP(username=address, password=PASSWORD, pool_id=outputs["UserPoolId"], client_id=outputs["UserPoolClientId"], client=users)
    token = srp.authenticate_user()["AuthenticationResult"]["IdToken"]
    logins = {f"cognito-idp.us-east-1.amazonaws.com/{outputs['UserPoolId']}": token}
    pool = anonymous("cognito-identity")
    identity = pool.get_id(IdentityPoolId=outputs["IdentityPoolId"], Logins=logins)["IdentityId"]
    got = pool.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]
    return identity, dict(key=got["AccessKeyId"], secret=got["SecretKey"], token=got["SessionToken"])


def test_one_user_cannot_reach_anothers_notes(application):
    outputs = application.outputs
    ann, ann_keys = sign_up_by_api(application, "ann")
    bob, bob_keys = sign_up_by_api(application, "bob")
    invoke = lambda keys, function, event: json.loads(
        client(application, "lambda", read_timeout=60, **keys).invoke(FunctionName=outputs[function], Payload=json.dumps(event))["Payload"].read()
    )
    note = invoke(ann_keys, "CreateNoteFunction", {"title": "private", "text": "ann's", "owner": bob})["note"]
    assert note["owner"] == ann
    key = {"owner": {"S": ann}, "id": {"S": note["id"]}}
    read = lambda keys: client(application, "dynamodb", **keys).get_item(TableName=outputs["NotesTable"], Key=key)
    assert read(ann_keys)["Item"]["title"] == {"S": "private"}
    from botocore.exceptions import ClientError

    refusals = {
        "another's item": lambda: read(bob_keys),
        "another's partition": lambda: client(application, "dynamodb", **bob_keys).query(
            TableName=outputs["NotesTable"], KeyConditionExpression="#o = :o", ExpressionAttributeNames={"#o": "owner"},
            ExpressionAttributeValues={":o": {"S": ann}}),
        "the whole table": lambda: client(application, "dynamodb", **bob_keys).scan(TableName=outputs["NotesTable"]),
        "writing past the functions": lambda: client(application, "dynamodb", **ann_keys).put_item(TableName=outputs["NotesTable"], Item=key),
        "another's attachment": lambda: client(application, "s3", **bob_keys).put_object(
            Bucket=outputs["AttachmentsBucket"], Key=f"{ann}/{note['id']}/x", Body=b"x"),
        "a function that is not for users": lambda: client(application, "lambda", **bob_keys).list_functions(),
    }
    for what, attempt in refusals.items():
        with pytest.raises(ClientError) as refused:
            attempt()
        assert re.search("AccessDenied", refused.value.response["Error"]["Code"]), what
    assert invoke(bob_keys, "EditNoteFunction", {"id": note["id"], "action": "delete"}) == {"error": "there is no such note"}
    assert invoke(bob_keys, "ListNotesFunction", {})["notes"] == []
    assert [n["id"] for n in invoke(ann_keys, "ListNotesFunction", {})["notes"]] == [note["id"]]
