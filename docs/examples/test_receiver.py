"""An example for teams that write their receiver in any language: `pns serve` beside the test, told what to do over HTTP.

Run it with `python3 -m unittest`, with `pns` on the PATH or named in PNS. It needs nothing but Python: the receiver here
is plain HTTP, which the simulator sends to only because `--allow-http` says so; yours has a certificate, and `--cacert`.
"""

import json
import os
import subprocess
import threading
import unittest
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(BaseHTTPRequestHandler):
    """Stands for your server: takes each notification once."""

    protocol_version = "HTTP/1.1"
    booked, received = set(), 0

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Receiver.booked.add(body["eventId"])
        Receiver.received += 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Simulator:
    """`pns serve` with a clock of its own, and calls of its control API."""

    def __init__(self):
        command = [os.environ.get("PNS", "pns"), "serve", "--ephemeral", "--clock", "virtual", "--allow-http",
                   "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]

    def call(self, path, **body):
        request = urllib.request.Request(f"{self.url}/api/v1{path}", json.dumps(body).encode() if body else None,
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdout.close()


class LostAcknowledgement(unittest.TestCase):
    def setUp(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.pns = Simulator()

    def tearDown(self):
        self.pns.stop()
        self.server.shutdown()
        self.server.server_close()

    def test_takes_effect_once(self):
        self.pns.call("/subscriptions", endpoint=f"http://127.0.0.1:{self.server.server_port}/pns", events="all")
        self.pns.call("/faults", fault={"ack_lost": 2})
        self.pns.call("/notifications", type="RFP_SEND")
        # Retries come after 30 seconds, then after 60; virtual time makes them come now.
        self.pns.call("/clock/advance", by="1h")
        [delivery] = self.pns.call("/deliveries")["items"]
        self.assertEqual((delivery["state"], delivery["attempts"]), ("delivered", 3))
        self.assertEqual((Receiver.received, len(Receiver.booked)), (3, 1))


if __name__ == "__main__":
    unittest.main()
