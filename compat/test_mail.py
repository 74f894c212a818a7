"""Confirmation codes reach a real mail server where one is configured."""

import os
import socketserver
import threading
import time

from conftest import Server, client


class Sink(socketserver.StreamRequestHandler):
    """As much of SMTP as it takes to receive one mail."""

    def handle(self):
        say = lambda text: self.wfile.write(text.encode() + b"\r\n")
        say("220 sink")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(" ")[0].split(":")[0].upper()
            if verb == "DATA":
                say("354 go on")
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line.decode())
                self.server.mails.append("".join(lines))
                say("250 kept")
            elif verb == "QUIT":
                return say("221 bye")
            else:
                say("250 ok")


def test_codes_are_mailed(monkeypatch):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Sink) as sink:
        sink.mails, sink.daemon_threads = [], True
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        monkeypatch.setitem(os.environ, "NEPHOS_SMTP_URL", f"smtp://127.0.0.1:{sink.server_address[1]}")
        server = Server("--dev", "--smtp-from", "Nephos <no-reply@example.org>")
        try:
            users = client(server, "cognito-idp")
            pool = users.create_user_pool(PoolName="mail", UsernameAttributes=["email"], AutoVerifiedAttributes=["email"])["UserPool"]["Id"]
            app = users.create_user_pool_client(UserPoolId=pool, ClientName="app")["UserPoolClient"]["ClientId"]
            users.sign_up(ClientId=app, Username="ann@example.org", Password="Passw0rd!x")
            deadline = time.monotonic() + 20
            while not sink.mails and time.monotonic() < deadline:
                time.sleep(0.05)
            code = server.get("/_nephos/outbox")["messages"][0]["facts"]["code"]
            assert "To: ann@example.org" in sink.mails[0] and "no-reply@example.org" in sink.mails[0]
            assert code in sink.mails[0]
        finally:
            server.stop()
            sink.shutdown()
