# Sourced: a folder, a certificate for 127.0.0.1 in it, and receivers that end with the script.

dir=$(mktemp -d)
pids=()
cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$dir"
}
trap cleanup EXIT

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj '/CN=pns interop' \
    -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null

# start NAME COMMAND…: starts a receiver that prints its port first, and waits until it has; the port is in `port`.
start() {
    local name=$1
    shift
    mkfifo "$dir/$name.port"
    "$@" >"$dir/$name.port" 2>"$dir/$name.err" &
    pids+=($!)
    read -r -t 20 port <"$dir/$name.port" || { printf '%s did not start:\n' "$name"; cat "$dir/$name.err"; exit 1; }
}
