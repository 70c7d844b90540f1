"""The command of an app in tests of the emulator: an HTTP server that tells what it sees, and does what it is asked."""

import http.server
import json
import os
import sys
import threading
import urllib.error
import urllib.request


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        print("asked", self.path, flush=True)
        if self.path == "/look":
            found = os.path.exists("/root/mark")
            self.reply(200, {"environment": dict(os.environ), "headers": dict(self.headers), "mark": found})
        elif self.path == "/mark":
            open("/root/mark", "w").close()
            self.reply(200, {})
        elif self.path == "/stall":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"begin")
            self.wfile.flush()
            threading.Event().wait()
        elif self.path.startswith("/token?"):
            self.reply(200, token(self.path.partition("?")[2], self.headers.get("X-Guess")))
        elif self.path == "/exit":
            os._exit(3)
        elif self.path == "/upgrade":
            self.send_response(101)
            self.send_header("Upgrade", "echo")
            self.send_header("Connection", "Upgrade")
            self.end_headers()
            self.close_connection = True
            while data := self.rfile.readline():
                self.wfile.write(b"echo " + data)
                self.wfile.flush()
        else:
            self.reply(404, {})

    do_POST = do_GET

    def reply(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def token(query, guess):
    """What the app is answered when it asks for a token of its identity."""
    header = guess or os.environ["IDENTITY_HEADER"]
    request = urllib.request.Request(os.environ["IDENTITY_ENDPOINT"] + "?" + query, headers={"X-IDENTITY-HEADER": header})
    try:
        with urllib.request.urlopen(request) as response:
            return {"status": response.status, "body": json.load(response)}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "body": json.load(error)}


print("begins", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
sys.exit(1)
