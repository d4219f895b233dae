"""A small integration with Cvent, whole: it acknowledges a notification, pulls what it is about, and acts.

Nothing but Python's standard library. What a hotel would do with an RFP is one function, `decide`; all else is what every
integration needs: acknowledge first and work afterwards, take each notification once, pull with patience.

    python3 push_pull_receiver.py --cert cert.pem --key key.pem \\
        --pull https://127.0.0.1:9443 --pull-ca pns-pull-ca.pem --pull-key-file key.txt
"""

import argparse
import http.server
import json
import pathlib
import queue
import ssl
import threading
import time
import urllib.error
import urllib.request

GUEST_ROOMS = 120
"""Rooms of our hotel."""

PULLS = 5
"""How often a pull that fails is tried, with a pause that doubles from `PAUSE` seconds."""
PAUSE = 0.1


def decide(rfp):
    """What to do with an RFP: a reason to turn it down, or `None`."""
    return "VENUE_TOO_SMALL" if rfp.get("roomsOnPeak", 0) > GUEST_ROOMS else None


class Integration:
    """Takes notifications, and does what they ask for, one after the other."""

    def __init__(self, pull, pull_ca, pull_key):
        self.pull, self.pull_key = pull.rstrip("/"), pull_key
        self.tls = ssl.create_default_context(cafile=pull_ca)
        self.seen = set()  # a real one keeps these in its database, with what it does
        self.work = queue.Queue(maxsize=10_000)
        threading.Thread(target=self.run, daemon=True).start()

    def take(self, body):
        """Stores a notification. What it returns is the status to answer: PNS sends again what is not acknowledged."""
        try:
            event = json.loads(body)
            event["eventType"]
        except (ValueError, TypeError, KeyError):
            return 400
        try:
            self.work.put_nowait(event)
        except queue.Full:
            return 503
        return 204

    def run(self):
        """Works off what was acknowledged."""
        while True:
            event = self.work.get()
            if event.get("eventId") in self.seen:  # delivered once more: its acknowledgement was lost
                continue
            self.seen.add(event.get("eventId"))
            try:
                self.handle(event)
            except OSError as error:  # urllib's errors are among them
                print(f"gave up {event['eventType']}: {error}", flush=True)

    def handle(self, event):
        """Pulls what happened, and acts. Event types without a branch of their own are none of our business."""
        if event["eventType"] not in ("RFP_SEND", "RFP_FORWARD"):
            return
        rfp = self.call("GET", f"/rfp/v1/supplier/rfp/{event['rfpId']}")
        reason = decide(rfp)
        if reason:
            path = f"/rfp-response/v1/rfp/{event['rfpId']}/supplier/{event['supplierId']}/turndown"
            self.call("POST", path, {"responseReason": reason})

    def call(self, method, path, body=None):
        """One call of the pull API. Waits and tries again where that can help."""
        request = urllib.request.Request(self.pull + path, method=method)
        request.add_header("Authorization", f"api_key {self.pull_key}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        pause = PAUSE
        for tried in range(1, PULLS + 1):
            try:
                with urllib.request.urlopen(request, context=self.tls, timeout=10) as answer:
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as error:
                if tried == PULLS or error.code not in (429, 500, 502, 503, 504):
                    raise
                pause = max(pause, float(error.headers.get("Retry-After") or 0))
            time.sleep(pause)
            pause *= 2


def server(integration, address, cert, key):
    """The HTTPS server that PNS posts to."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = integration.take(body)
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    listening = http.server.ThreadingHTTPServer(address, Handler)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(cert, key)
    listening.socket = tls.wrap_socket(listening.socket, server_side=True, do_handshake_on_connect=False)
    return listening


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", default="127.0.0.1:8443", help="address and port [%(default)s]")
    parser.add_argument("--cert", required=True, help="our certificate, PEM")
    parser.add_argument("--key", required=True, help="its private key, PEM")
    parser.add_argument("--pull", required=True, help="base URL of the pull API")
    parser.add_argument("--pull-ca", help="authority to trust there, PEM")
    parser.add_argument("--pull-key-file", required=True, help="file with the API key for it")
    args = parser.parse_args()
    host, port = args.listen.rsplit(":", 1)
    pull_key = pathlib.Path(args.pull_key_file).read_text().strip()
    integration = Integration(args.pull, args.pull_ca, pull_key)
    listening = server(integration, (host, int(port)), args.cert, args.key)
    print(listening.server_port, flush=True)
    listening.serve_forever()
