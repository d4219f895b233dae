#!/usr/bin/env bash
# `pns run` against receivers that nobody here wrote the HTTP or TLS of: nginx, Node's https, Python's http.server;
# and against one that fails, which must give exit 1. PNS names the binary (default: the release build).
set -euo pipefail
cd "$(dirname "$0")"
pns=${PNS:-../../target/release/pns}
[ -x "$pns" ] || { printf 'there is no `%s`: build it, or name it in PNS\n' "$pns" >&2; exit 1; }

# shellcheck source=tests/interop/processes.bash
. ./processes.bash
key=interop-key-1

failed=0
# run NAME EXIT PORT [FLAG…]: one line with the exit code, the verdicts and the wall time.
run() {
    local name=$1 expected=$2 port=$3 code=0 begin end
    shift 3
    begin=$(date +%s%N)
    "$pns" run --target "https://127.0.0.1:$port/pns" --api-key "$key" --cacert "$dir/cert.pem" \
        --report "json=$dir/$name.json" "$@" >"$dir/$name.out" 2>&1 || code=$?
    end=$(date +%s%N)
    printf '%-8s exit %s (expected %s), %s ms: %s\n' "$name" "$code" "$expected" "$(((end - begin) / 1000000))" \
        "$(tail -n 1 "$dir/$name.out")"
    if [ "$code" != "$expected" ] || [ ! -s "$dir/$name.json" ]; then
        failed=1
        tail -n 40 "$dir/$name.out"
    fi
}

if ! command -v nginx >/dev/null && [ "$(id -u)" = 0 ] && [ "${CI:-}" = true ]; then
    # A new machine has no package lists yet.
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q nginx; } >/dev/null 2>&1 || true
fi
if command -v nginx >/dev/null; then
    # nginx cannot say which port it took, so it is given one that was free a moment ago.
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    cat >"$dir/nginx.conf" <<CONF
daemon off;
pid $dir/nginx.pid;
error_log $dir/nginx.err;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path $dir/body;
    proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;
    server {
        listen 127.0.0.1:$port ssl;
        ssl_certificate $dir/cert.pem;
        ssl_certificate_key $dir/key.pem;
        location = /pns {
            if (\$request_method != POST) { return 405; }
            if (\$http_authorization != "api_key $key") { return 401; }
            return 200;
        }
        location / { return 404; }
    }
}
CONF
    nginx -c "$dir/nginx.conf" -e "$dir/nginx.err" &
    pids+=($!)
    curl --silent --output /dev/null --cacert "$dir/cert.pem" --retry 40 --retry-connrefused --retry-delay 1 \
        "https://127.0.0.1:$port/"
    run nginx 0 "$port"
else
    echo 'skipped: nginx is not installed (with CI=true, root installs it)'
fi

if command -v node >/dev/null; then
    start node node receiver_node.js "$dir/cert.pem" "$dir/key.pem" "$key"
    run node 0 "$port" --probe "https://127.0.0.1:$port/inspect"
    start failing node receiver_node.js "$dir/cert.pem" "$dir/key.pem" "$key" 500
    run failing 1 "$port"
else
    echo 'skipped: node is not installed'
fi

if command -v python3 >/dev/null; then
    start python python3 receiver_python.py "$dir/cert.pem" "$dir/key.pem" "$key"
    run python 0 "$port" --probe "https://127.0.0.1:$port/inspect"
else
    echo 'skipped: python3 is not installed'
fi
exit "$failed"
