#!/usr/bin/env bash
# `pns load` beside other load generators: closed loop, 64 kept-alive TLS connections, the same receivers.
#
#   benches/peers.sh [ROUNDS [SECONDS]]        5 rounds of 5 s each by default
#
# Whichever of oha, wrk, h2load, ab, hey, vegeta and k6 are installed are run in turn, round by round, against a receiver
# of this project that does nothing and against nginx, if it is installed. Printed are medians, with least and most, of
# client CPU time for each request (user and system), requests a second and peak memory, and the ratio of `pns` to each.
# The others send one fixed body and judge next to nothing; `pns` makes a new valid notification each time, classes
# what comes and records it. Needs Rust, Python 3 and openssl. All traffic stays on 127.0.0.1.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5}
seconds=${2:-5}

work=$(mktemp -d)
pids=()
stop() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap stop EXIT

cargo build --release --quiet --package pns-harness --bin pns --example null_receiver
pns=$PWD/target/release/pns
null=$PWD/target/release/examples/null_receiver

# One certificate for both receivers.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
"$pns" schema generate --type RFP_SEND --seed 1 | tr -d '\n' > "$work/body.json"

"$null" "$work/cert.pem" "$work/key.pem" > "$work/null.port" &
pids+=($!)
until [ -s "$work/null.port" ]; do sleep 0.05; done
targets=("null=https://127.0.0.1:$(cat "$work/null.port")/pns")

if command -v nginx > /dev/null; then
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    cat > "$work/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log $work/nginx.log;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path $work/nginx-body;
    proxy_temp_path $work/nginx-proxy;
    fastcgi_temp_path $work/nginx-fastcgi;
    uwsgi_temp_path $work/nginx-uwsgi;
    scgi_temp_path $work/nginx-scgi;
    server {
        listen 127.0.0.1:$port ssl;
        ssl_certificate $work/cert.pem;
        ssl_certificate_key $work/key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        location / { return 200; }
    }
}
CONF
    nginx -c "$work/nginx.conf" 2>/dev/null &
    pids+=($!)
    targets+=("nginx=https://127.0.0.1:$port/pns")
    until curl --silent --insecure --output /dev/null "https://127.0.0.1:$port/"; do sleep 0.05; done
fi

python3 benches/peers.py --pns "$pns" --work "$work" --rounds "$rounds" --seconds "$seconds" "${targets[@]}"
