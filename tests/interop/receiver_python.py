"""A receiver on Python's own http.server and ssl: checks the key, parses JSON, keeps what it processed.

Usage: receiver_python.py CERT KEY API_KEY. Prints its port.
"""

import json
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CERT, KEY, API_KEY = sys.argv[1:4]
EVENTS = {}
LOCK = threading.Lock()


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        with LOCK:
            event = EVENTS.get(self.path.removeprefix("/inspect/"))
        self.answer(200 if event else 404, event or {"error": "not received"})

    def body(self):
        """The body, by its length or in chunks, which http.server leaves to its user."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # a trailer
        return b"".join(parts)

    def do_POST(self):
        body = self.body()
        if self.headers.get("Authorization") != f"api_key {API_KEY}":
            return self.answer(401, {"error": "key"})
        try:
            value = json.loads(body)
            event_id, event_type = value["eventId"], value["eventType"]
        except (ValueError, KeyError, TypeError):
            return self.answer(400, {"error": "no notification"})
        with LOCK:
            event = EVENTS.setdefault(
                event_id, {"eventId": event_id, "eventType": event_type, "received": 0, "processed": 1}
            )
            event["received"] += 1
        return self.answer(200, {})

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def finish_request(self, request, client_address):
        # The handshake belongs to the connection's thread: in `accept` a silent client would stop all others.
        request.settimeout(30)
        super().finish_request(CONTEXT.wrap_socket(request, server_side=True), client_address)

    def handle_error(self, *_):
        pass  # Senders that break off are what is being tried.


CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
CONTEXT.load_cert_chain(CERT, KEY)
SERVER = Server(("127.0.0.1", 0), Receiver)
print(SERVER.server_port, flush=True)
SERVER.serve_forever()
