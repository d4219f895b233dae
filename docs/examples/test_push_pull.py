"""An example of a whole integration build, with the simulator on both sides: `pns serve` pushes notifications to the receiver of
push_pull_receiver.py and answers what that pulls. Run it with `python3 -m unittest`, with `pns` on the PATH or named in PNS.
"""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

import push_pull_receiver

KEY = "a-key-for-the-pull-side"


class Simulator:
    """`pns serve` with a pull API, and calls of its control API."""

    def __init__(self, folder):
        (folder / "pull-key.txt").write_text(KEY)
        command = [os.environ.get("PNS", "pns"), "serve", "--ephemeral", "--listen", "127.0.0.1:0",
                   "--cacert", folder / "cert.pem",
                   "--pull-listen", "127.0.0.1:0", "--pull-api-key-file", folder / "pull-key.txt",
                   "--pull-write-ca", folder / "pull-ca.pem"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]
        for line in self.process.stdout:
            if said := re.search(r"pull\s+(https://[^,\s]+)", line):
                self.pull = said.group(1)
                break

    def call(self, path, **body):
        request = urllib.request.Request(f"{self.url}/api/v1{path}", json.dumps(body).encode() if body else None,
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def wait(self, path, until):
        """Asks until the answer is as it should be."""
        for _ in range(200):
            answer = self.call(path)
            if until(answer):
                return answer
            time.sleep(0.05)
        raise AssertionError(f"{path} stays {str(answer)[:500]}")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdout.close()


class PushAndPull(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        folder = pathlib.Path(folder.name)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=example", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
        self.pns = Simulator(folder)
        self.addCleanup(self.pns.stop)
        integration = push_pull_receiver.Integration(self.pns.pull, folder / "pull-ca.pem", KEY)
        server = push_pull_receiver.server(integration, ("127.0.0.1", 0), folder / "cert.pem", folder / "key.pem")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.pns.call("/subscriptions", endpoint=f"https://127.0.0.1:{server.server_port}/pns", events="all")

    def rooms(self, rooms):
        """Lets our hotel have so many rooms."""
        self.addCleanup(setattr, push_pull_receiver, "GUEST_ROOMS", push_pull_receiver.GUEST_ROOMS)
        push_pull_receiver.GUEST_ROOMS = rooms

    def send_rfp(self):
        [sent] = self.pns.call("/notifications", type="RFP_SEND")["notifications"]
        return json.loads(self.pns.call(f"/notifications/{sent['id']}")["body"])["rfpId"]

    def turned_down(self, rfp):
        """Waits until the supplier has turned it down, and until the notification of that is delivered."""
        self.pns.wait(f"/rfps/{rfp}", lambda rfp: rfp["suppliers"][0]["state"] == "TURNED_DOWN")
        path = "/deliveries?type=RESPONSE_TURN_DOWN"
        self.pns.wait(path, lambda page: [one["state"] for one in page["items"]] == ["delivered"])

    def pulls(self, rfp):
        return [(pull["call"], pull["status"]) for pull in self.pns.call(f"/pulls?rfp={rfp}&order=ascending")["items"]]

    def test_an_rfp_that_is_too_large_is_turned_down(self):
        self.rooms(0)
        rfp = self.send_rfp()
        self.turned_down(rfp)
        self.assertEqual(self.pns.call(f"/rfps/{rfp}")["suppliers"][0]["reason"], "VENUE_TOO_SMALL")
        self.assertEqual(self.pulls(rfp), [("rfp", 200), ("turn-down", 200)])

    def test_one_that_fits_is_only_pulled(self):
        self.rooms(1_000_000)
        rfp = self.send_rfp()
        self.pns.wait(f"/pulls?rfp={rfp}", lambda page: page["items"])
        self.assertEqual(self.pulls(rfp), [("rfp", 200)])

    def test_what_is_delivered_twice_is_done_once(self):
        self.rooms(0)
        self.pns.call("/faults", fault={"duplicate": 1})
        rfp = self.send_rfp()
        self.turned_down(rfp)
        self.assertEqual(self.pulls(rfp), [("rfp", 200), ("turn-down", 200)])

    def test_a_pull_side_that_is_busy_is_asked_again(self):
        self.rooms(0)
        self.pns.call("/pull-faults", answer=429, of=["rfp"], times=2)
        rfp = self.send_rfp()
        self.turned_down(rfp)
        self.assertEqual(self.pulls(rfp), [("rfp", 429), ("rfp", 429), ("rfp", 200), ("turn-down", 200)])


if __name__ == "__main__":
    unittest.main()
