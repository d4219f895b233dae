"""What schemathesis must know of the control API, beside its document."""

import datetime
import itertools
import os
import re

import schemathesis
from hypothesis import strategies as st

NOBODY = os.environ["NOBODY"]

# PNS time can be told from 1970 to 2554.
schemathesis.openapi.format(
    "date-time",
    st.datetimes(datetime.datetime(1970, 1, 2), datetime.datetime(2553, 1, 1)).map(lambda at: at.isoformat() + "Z"),
)
schemathesis.openapi.format("uri", st.from_regex(r"\A" + re.escape(NOBODY) + r"(/[a-z0-9]{0,8}){0,3}\Z"))

numbers = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Nothing is sent to anybody: an endpoint that would be taken is a port of this machine on which nothing listens."""
    body = case.body
    if not isinstance(body, dict):
        return
    endpoint = body.get("endpoint")
    if isinstance(endpoint, str) and re.match("https?://", endpoint) and len(endpoint) <= 4096:
        body["endpoint"] = NOBODY


def integers(value):
    """JSON Schema takes 5.0 for an integer. No client writes that, and the service does not read it."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: integers(member) for name, member in value.items()}
    return [integers(item) for item in value] if isinstance(value, list) else value


@schemathesis.hook
def map_body(context, body):
    """Of all texts, two name a pack."""
    if isinstance(body, dict) and isinstance(body.get("schema_pack"), str) and len(body["schema_pack"]) <= 64:
        del body["schema_pack"]
    return integers(body)


@schemathesis.hook
def map_headers(context, headers):
    """A key that was used before is refused, rightly: half of the keys are new."""
    key = headers.get("Idempotency-Key") if headers else None
    if isinstance(key, str) and key.isprintable() and next(numbers) % 2:
        headers["Idempotency-Key"] = f"{key[:100]}{next(numbers)}"
    return headers
