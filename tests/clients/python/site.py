"""The command of an app in tests of the emulator: an HTTP server that tells what it sees, and does what it is asked."""

import http.server
import json
import os
import sys
import threading


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


print("begins", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
sys.exit(1)
