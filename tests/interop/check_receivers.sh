#!/usr/bin/env bash
# `pns check` against receivers that nobody here wrote the framework of, each as the framework's tutorial has it. What
# fails must be exactly what check/expected/RECEIVER.txt lists, with the reason why it is true. PNS_BIN names the binary
# (default: the release build); ONLY names receivers, KEEP=1 keeps reports and logs.
set -euo pipefail
cd "$(dirname "$0")"
pns=${PNS_BIN:-${PNS:-../../target/release/pns}}
[ -x "$pns" ] || { printf 'there is no `%s`: build it, or name it in PNS_BIN\n' "$pns" >&2; exit 1; }
pns=$(realpath "$pns")
here=$PWD/check

dir=$(mktemp -d)
# SQLite waits for the disk at each commit, which is not what is tried here.
data=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
pids=()
end() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    pids=()
}
cleanup() {
    end
    if [ -n "${KEEP:-}" ]; then printf 'kept: %s\n' "$dir"; else rm -rf "$dir"; fi
    rm -rf "$data"
}
trap cleanup EXIT
# `pns check` keeps a note of what failed in its working directory.
cd "$dir"
export PYTHONDONTWRITEBYTECODE=1

export API_KEY=interop-key-1
printf '%s\n' "$API_KEY" >"$dir/api-key"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=pns interop' \
    -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null

failed=0
checked=0

wanted() { [ -z "${ONLY:-}" ] || [[ " $ONLY " == *" $1 "* ]]; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
skip() { printf 'skipped: %s: %s\n' "$1" "$2"; }

# start NAME COMMAND…: starts a receiver on a port that was free a moment ago, and waits until it answers.
start() {
    local name=$1
    shift
    "$@" >"$dir/$name.log" 2>&1 &
    pids+=($!)
    curl --silent --output /dev/null --insecure --retry 60 --retry-connrefused --retry-delay 1 --max-time 5 \
        "$scheme://127.0.0.1:$PORT/" || { printf '%s did not start:\n' "$name"; cat "$dir/$name.log"; exit 1; }
}

# check NAME VERSION COMMAND…: starts the receiver, tries everything on it, compares what failed with what is expected.
check() {
    local name=$1 version=$2 code=0 begin
    shift 2
    begin=$(date +%s%N)
    start "$name" "$@"
    "$pns" check --target "$scheme://127.0.0.1:$PORT/pns" --api-key-file "$dir/api-key" --cacert "$dir/cert.pem" \
        --allow-http --seed 7 --max-examples 10 --ack-timeout 3s --no-progress --report "json=$dir/$name.json" \
        >"$dir/$name.out" 2>&1 || code=$?
    end
    printf '%s %s: exit %s, %s ms\n' "$name" "$version" "$code" "$((($(date +%s%N) - begin) / 1000000))"
    checked=$((checked + 1))
    if [ "$code" -gt 1 ] || ! python3 "$here/compare.py" "$dir/$name.json" "$here/expected/$name.txt"; then
        failed=1
        [ "$code" -le 1 ] || tail -n 40 "$dir/$name.out"
    fi
}

# install PACKAGE…: on a CI machine root installs what is missing from Debian's packages.
updated=
install() {
    if [ "$(id -u)" = 0 ] && [ "${CI:-}" = true ]; then
        # A new machine has no package lists yet.
        [ -n "$updated" ] || apt-get update -q >/dev/null 2>&1 || true
        updated=1
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/dev/null 2>&1 || true
    fi
}

# have COMMAND PACKAGE…: whether there is such a command, after an attempt to install it.
have() {
    local command=$1
    shift
    command -v "$command" >/dev/null || install "$@"
    command -v "$command" >/dev/null
}

scheme=http

# node_app NAME PACKAGE@VERSION FILE: a receiver in JavaScript.
node_app() {
    local name=$1 package=$2 file=$3
    wanted "$name" || return 0
    if ! command -v npm >/dev/null || ! npm install --silent --no-audit --no-fund --prefix "$dir/$name" "$package" >/dev/null; then
        skip "$name" "npm could not install $package"
        return 0
    fi
    cp "$here/$file" "$dir/$name/"
    PORT=$(free_port)
    export PORT FRAMEWORK=${package%@*} NODE_ENV=production
    check "$name" "$package, Node $(node --version)" node "$dir/$name/$file"
}
node_app express express@5.3.0 express.js
node_app express4 express@4.22.3 express.js
node_app fastify fastify@5.12.8 fastify.js

# python_app NAME PACKAGES COMMAND…: a receiver in Python; the command is one of the virtual environment's.
python_app() {
    local name=$1 packages=$2 command=$3
    shift 3
    wanted "$name" || return 0
    # shellcheck disable=SC2086 # several packages
    if ! python3 -m venv "$dir/$name" || ! "$dir/$name/bin/pip" install --quiet --disable-pip-version-check $packages; then
        skip "$name" "pip could not install $packages"
        return 0
    fi
    PORT=$(free_port)
    export PORT DATABASE="$data/$name.db"
    check "$name" "$packages, $(python3 --version)" "$dir/$name/bin/$command" "${@//PORT/$PORT}"
}
python_app flask 'flask==3.1.3 werkzeug==3.1.9 gunicorn==27.0.1' gunicorn --no-control-socket --chdir "$here" --threads 8 \
    --bind 127.0.0.1:PORT flask_app:app
python_app fastapi 'fastapi==0.165.0 starlette==1.10.0 pydantic==2.14.4 uvicorn==0.54.0' uvicorn --app-dir "$here" \
    --host 127.0.0.1 --port PORT --log-level warning fastapi_app:app

PORT=$(free_port)
export PORT
if ! wanted php; then :; elif have php php-cli php-sqlite3; then
    export DATABASE="$data/php.db"
    check php "$(php -r 'echo PHP_VERSION;'), built-in server" \
        php -d display_errors=0 -S "127.0.0.1:$PORT" "$here/php_app.php"
else
    skip php 'PHP is not installed (with CI=true, root installs it)'
fi

PORT=$(free_port)
gson=/usr/share/java/gson.jar
! wanted java || [ -e "$gson" ] || install libgoogle-gson-java
if ! wanted java; then :; elif have javac default-jdk-headless && [ -e "$gson" ]; then
    javac -cp "$gson" -d "$dir/java" "$here/Receiver.java"
    check java "$(java -version 2>&1 | head -n 1)" java -Dsun.net.httpserver.nodelay=true -cp "$gson:$dir/java" Receiver
else
    skip java 'the JDK and Gson are not installed (with CI=true, root installs them)'
fi

PORT=$(free_port)
# Go's compiler is 330 MB: it is used where it is, and not installed.
if ! wanted go; then :; elif command -v go >/dev/null; then
    GOCACHE="$dir/go-cache" GO111MODULE=off go build -o "$dir/go-receiver" "$here/receiver.go"
    check go "$(go version)" "$dir/go-receiver"
else
    skip go 'Go is not installed (Debian: golang-go)'
fi

PORT=$(free_port)
if ! wanted webhook; then :; elif have webhook webhook; then
    sed "s/API_KEY/$API_KEY/" "$here/webhook.json" >"$dir/webhook.json"
    check webhook "$(webhook -version)" webhook -hooks "$dir/webhook.json" -urlprefix '' -ip 127.0.0.1 -port "$PORT"
else
    skip webhook 'webhook is not installed (with CI=true, root installs it)'
fi

PORT=$(free_port)
if ! wanted nginx; then :; elif have nginx nginx; then
    scheme=https
    sed -e "s#DIR#$dir#; s/PORT/$PORT/; s/API_KEY/$API_KEY/" "$here/nginx.conf" >"$dir/nginx.conf"
    check nginx "$(nginx -v 2>&1)" nginx -c "$dir/nginx.conf" -e "$dir/nginx.err"
else
    skip nginx 'nginx is not installed (with CI=true, root installs it)'
fi

printf '%s receivers checked\n' "$checked"
exit "$failed"
