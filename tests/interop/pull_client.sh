#!/usr/bin/env bash
# The pull API of `pns serve` by clients that nobody here wrote: Python's standard library with a key, and requests-oauthlib
# and Authlib, which hold the token endpoint to RFC 6749. Each pulls every call and turns an RFP down.
# PNS names the binary (default: the release build).
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
pns=${PNS_BIN:-${PNS:-../../target/release/pns}}
[ -x "$pns" ] || { printf 'there is no `%s`: build it, or name it in PNS\n' "$pns" >&2; exit 1; }
pns=$(realpath "$pns")
command -v python3 >/dev/null || { echo 'skipped: no python3'; exit 0; }

dir=$(mktemp -d)
pid=
cleanup() {
    [ -z "$pid" ] || { kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; }
    rm -rf "$dir"
}
trap cleanup EXIT
cd "$dir"

# Characters that HTTP Basic, forms and URLs each write in another way.
printf 'p+q%%2F&=:/x\n' >client.secret
printf 's3cr/et+Key=\n' >api.key
printf 'other-key\n' >rfp.key
cat >pns.toml <<'TOML'
[serve]
ephemeral = true
listen = "127.0.0.1:0"
seed = 7
[serve.world]
forwardable = "100%"
[serve.pull]
listen = "127.0.0.1:0"
[[serve.pull.key]]
name = "build"
key-file = "api.key"
[[serve.pull.key]]
name = "rfps"
key-file = "rfp.key"
apis = ["rfp"]
[[serve.pull.client]]
id = "ci client"
name = "bad"
secret-file = "client.secret"
TOML
# An id with a blank cannot be sent, and is refused at the start.
if "$pns" serve >serve.out 2>serve.err; then echo 'an id with a blank was taken'; exit 1; fi
grep -q 'the id of client `bad`' serve.err || { cat serve.err; exit 1; }
sed -i.old -e 's/"ci client"/"ci"/' -e 's/"bad"/"ci"/' pns.toml

"$pns" serve >serve.out 2>serve.err &
pid=$!
for _ in $(seq 200); do
    grep -q 'clock' serve.out && break
    kill -0 "$pid" 2>/dev/null || { cat serve.err; exit 1; }
    sleep 0.1
done

packages='requests-oauthlib==2.0.0 Authlib==1.9.10 requests==2.34.2'
python=python3
# shellcheck disable=SC2086 # several packages
if python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check $packages; then
    python=venv/bin/python
else
    printf 'skipped in part: pip could not install %s\n' "$packages"
fi
"$python" "$here/pull_client.py" serve.out
kill "$pid"
wait "$pid" || { cat serve.err; exit 1; }
pid=
