"""Runs load generators in turn and prints what a request costs each: the measuring half of peers.sh."""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

CONNECTIONS = 64


class Client:
    """A load generator: its command, and how many answers its output counts."""

    def __init__(self, name, command, count, stdin=None):
        self.name, self.command, self.count, self.stdin = name, command, count, stdin


def found(pattern):
    def count(output):
        match = re.search(pattern, output)
        return int(match[1]) if match else 0

    return count


def clients(options):
    """Those that are installed, `pns` first."""
    work, span = options.work, options.seconds
    body, script = f"{work}/body.json", f"{work}/post.lua"
    with open(body, encoding="utf-8") as file:
        text = file.read()
    with open(script, "w", encoding="utf-8") as file:
        file.write(
            'wrk.method = "POST"\n'
            f"wrk.body = {json.dumps(text)}\n"
            'wrk.headers["Content-Type"] = "application/json"\n'
            'wrk.headers["Authorization"] = "api_key peers-key"\n'
        )
    with open(f"{work}/post.js", "w", encoding="utf-8") as file:
        file.write(
            "import http from 'k6/http';\n"
            f"const body = {json.dumps(text)};\n"
            "const headers = { 'Content-Type': 'application/json', Authorization: 'api_key peers-key' };\n"
            "export const options = { insecureSkipTLSVerify: true, discardResponseBodies: true };\n"
            "export default () => { http.post(__ENV.TARGET, body, { headers }); };\n"
        )
    result = f"{work}/pns.json"

    def pns_count(_output):
        with open(result, encoding="utf-8") as file:
            return json.load(file)["totals"]["acknowledged"]

    headers = ["-H", "Content-Type: application/json", "-H", "Authorization: api_key peers-key"]
    every = {
        "oha": Client(
            "oha",
            lambda url: ["oha", "-z", f"{span}s", "-c", f"{CONNECTIONS}", "-m", "POST", "-D", body, "--insecure",
                         "--no-tui", "--output-format", "json", *headers, url],
            lambda output: sum(json.loads(output)["statusCodeDistribution"].values()),
        ),
        "wrk": Client(
            "wrk",
            lambda url: ["wrk", "-t", "1", "-c", f"{CONNECTIONS}", "-d", f"{span}s", "-s", script, url],
            found(r"(\d+) requests in"),
        ),
        "h2load": Client(
            "h2load",
            lambda url: ["h2load", "--h1", "-t", "1", "-c", f"{CONNECTIONS}", "-D", f"{span}", "-d", body, *headers, url],
            found(r"(\d+) 2xx"),
        ),
        "ab": Client(
            "ab",
            lambda url: ["ab", "-q", "-k", "-t", f"{span}", "-n", "100000000", "-c", f"{CONNECTIONS}", "-p", body,
                         "-T", "application/json", "-H", "Authorization: api_key peers-key", url],
            found(r"Complete requests:\s+(\d+)"),
        ),
        "hey": Client(
            "hey",
            lambda url: ["hey", "-z", f"{span}s", "-c", f"{CONNECTIONS}", "-m", "POST", "-D", body,
                         "-T", "application/json", "-H", "Authorization: api_key peers-key", url],
            found(r"\[200\]\s+(\d+) responses"),
        ),
        "vegeta": Client(
            "vegeta",
            lambda url: ["sh", "-c", f"echo POST {url} | vegeta attack -insecure -duration {span}s -rate 0 "
                         f"-max-workers {CONNECTIONS} -body {body} -header 'Content-Type: application/json' "
                         "-header 'Authorization: api_key peers-key' | vegeta report -type json"],
            lambda output: json.loads(output)["requests"],
        ),
        "k6": Client(
            "k6",
            lambda url: ["k6", "run", "--quiet", "--vus", f"{CONNECTIONS}", "--duration", f"{span}s",
                         "--env", f"TARGET={url}", f"{work}/post.js"],
            found(r"http_reqs[.: ]+(\d+)"),
        ),
    }
    ours = Client(
        "pns",
        lambda url: [options.pns, "load", "--closed", "-c", f"{CONNECTIONS}", "--duration", f"{span}s", "--target", url,
                     "--cacert", f"{work}/cert.pem", "--api-key", "peers-key", "--report", f"json={result}"],
        pns_count,
    )
    return [ours, *(client for name, client in every.items() if shutil.which(name))]


def measure(client, url):
    """CPU time for each request in µs, requests a second, peak memory in MB; `None`: nothing was answered."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        begun = time.monotonic()
        process = subprocess.Popen(client.command(url), stdout=output, stderr=subprocess.STDOUT)
        _, _, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        output.seek(0)
        told = output.read()
    try:
        count = client.count(told)
    except (ValueError, KeyError, OSError) as error:
        count, told = 0, f"{error}\n{told}"
    if count == 0:
        print(f"{client.name} had no answers:\n{told[-600:]}", file=sys.stderr)
        return None
    return (usage.ru_utime + usage.ru_stime) * 1e6 / count, count / wall, usage.ru_maxrss / 1024


def spread(values, digits):
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pns", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("targets", nargs="+")
    options = parser.parse_args()
    everyone = clients(options)
    for target in options.targets:
        name, url = target.split("=", 1)
        measured = {client.name: [] for client in everyone}
        for turn in range(options.rounds):
            # Another goes first each time: what the machine does beside it meets all alike.
            start = turn % len(everyone)
            for client in everyone[start:] + everyone[:start]:
                one = measure(client, url)
                if one:
                    measured[client.name].append(one)
        print(f"\n{name}: {CONNECTIONS} connections, {options.rounds} rounds of {options.seconds} s, medians (least–most)\n")
        print("| Client | CPU time a request, µs | requests/s | peak memory, MB | pns to it, CPU time |")
        print("|---|---|---|---|---|")
        ours = [one[0] for one in measured["pns"]]
        for client in everyone:
            rows = measured[client.name]
            if not rows:
                continue
            cpu, rate, memory = ([row[index] for row in rows] for index in range(3))
            ratio = statistics.median(ours) / statistics.median(cpu) if ours else float("nan")
            print(f"| {client.name} | {spread(cpu, 1)} | {spread(rate, 0)} | {spread(memory, 0)} | {ratio:.2f} |")


main()
