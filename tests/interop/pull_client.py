"""Pulls every call of a running `pns serve`, whose first lines stand in the file named, and acts.

Once with nothing but the standard library and an API key; then, where they are installed, with requests-oauthlib and
Authlib and tokens. Any disagreement ends it.
"""

import base64
import http.client
import json
import re
import ssl
import sys
import urllib.parse
import uuid

SAID = open(sys.argv[1]).read()
CONTROL = re.search(r"serves (?:\S*?)(http://[\d.:]+)", SAID)[1]
PULL = re.search(r"(https://[\d.:]+), trusted by --cacert (\S+)", SAID)
PULL, CA = PULL[1], PULL[2]
KEY, SECRET = "s3cr/et+Key=", "p+q%2F&=:/x"
TLS = ssl.create_default_context(cafile=CA)

READING = {
    "rfp": "/rfp/v1/supplier/rfp/{rfp}",
    "responses": "/rfp-response/v1/rfp/{rfp}",
    "response": "/rfp-response/v1/rfp/{rfp}/supplier/{supplier}",
    "represented-venues": "/rfp/v1/supplier/rfp/{rfp}/cvb",
    "messages": "/message/v1/rfp/{rfp}",
    "venue": "/venue/v1/venue/{supplier}",
}
DATA_TYPES = (
    "AGENDA_ITEMS PROPOSAL_DATES ATTACHMENTS EVENT_SPACES ESTIMATED_COSTS PACKAGES SLEEPING_ROOMS "
    "ADDITIONAL_QUESTIONS ADDITIONAL_FEES"
).split()


def plain(method, url, headers=(), body=None):
    """Status, headers and body, by `http.client`."""
    at = urllib.parse.urlsplit(url)
    if at.scheme == "https":
        connection = http.client.HTTPSConnection(at.netloc, context=TLS, timeout=30)
    else:
        connection = http.client.HTTPConnection(at.netloc, timeout=30)
    connection.request(method, at.path, body, dict(headers))
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, answer.headers, json.loads(text) if text else None


def publish(event_type, rfp, supplier):
    body = json.dumps({"type": event_type, "rfp": rfp, "supplier": supplier})
    status, _, told = plain("POST", CONTROL + "/api/v1/notifications", [("Content-Type", "application/json")], body)
    assert status == 201, told


def expect(status, wanted, told=None):
    assert status == wanted, f"{status} in place of {wanted}: {told}"


def walk(name, call):
    """Pulls every call and acts, by `call(method, path, body)`, which gives a status and JSON."""
    rfp, supplier, other = (str(uuid.uuid4()) for _ in range(3))
    for event_type in ("RFP_SEND", "RESPONSE_ADD_ATTACHMENT", "MESSAGE_PLANNER_TO_SUPPLIER"):
        publish(event_type, rfp, supplier)
    calls = 0

    def get(path, wanted=200):
        nonlocal calls
        calls += 1
        status, told = call("GET", path.format(rfp=rfp, supplier=supplier), None)
        expect(status, wanted, told)
        return told

    told = {kind: get(path) for kind, path in READING.items()}
    assert told["rfp"]["rfpId"] == rfp
    assert told["response"]["supplierId"] == supplier
    assert len(told["responses"]["responses"]) == 1
    for data_type in DATA_TYPES:
        assert get("/rfp-response/v1/rfp/{rfp}/" + data_type)["responseDataType"] == data_type
    message = told["messages"]["messages"][0]["messageId"]
    assert get(f"/message/v1/message/{message}")["messageId"] == message
    attachment = re.search(r'"attachmentId": "([^"]+)"', json.dumps(told["response"]))[1]
    assert attachment in json.dumps(get(f"/rfp-response/v1/attachment/{attachment}"))
    get(f"/rfp/v1/supplier/rfp/{other}", 404)
    get("/rfp-response/v1/rfp/none", 422)
    get("/rfp-response/v1/rfp/{rfp}/NOTHING", 422)

    response = f"/rfp-response/v1/rfp/{rfp}/supplier/{supplier}"
    expect(*call("PUT", f"{response}/proposalDetails", {"comment": "as agreed"})[:1], 200)
    targets = {"forwarderSupplierId": supplier, "targetSupplierIds": [other]}
    expect(*call("POST", f"/rfp/v1/supplier/rfp/{rfp}/rfpForward", targets)[:1], 200)
    assert len(get("/rfp-response/v1/rfp/{rfp}")["responses"]) == 2
    expect(*call("POST", f"{response}/turndown", {"responseReason": "OTHER"})[:1], 422)
    expect(*call("POST", f"{response}/turndown", {"responseReason": "OTHER", "comment": "full"})[:1], 200)
    expect(*call("PUT", f"{response}/turndown", {"responseReason": "LOW_BUDGET"})[:1], 200)
    turned = get("/rfp-response/v1/rfp/{rfp}/supplier/{supplier}")
    assert turned["turnDown"]["responseReason"] == "LOW_BUDGET", turned
    print(f"{name}: {calls} pulls and 6 acts")


def by_key():
    headers = [("Authorization", f"api_key {KEY}"), ("Content-Type", "application/json")]

    def call(method, path, body):
        status, _, told = plain(method, PULL + path, headers, json.dumps(body) if body else None)
        return status, told

    walk("standard library, key", call)
    status, answered, _ = plain("GET", PULL + "/rfp/v1/supplier/rfp/x")
    assert status == 401 and {scheme.split()[0] for scheme in answered.get_all("WWW-Authenticate")} == {"Bearer", "api_key"}
    narrow = [("Authorization", "api_key other-key")]
    expect(*plain("GET", PULL + f"/rfp-response/v1/rfp/{uuid.uuid4()}", narrow)[:1], 403)


def by_hand():
    """A token by the standard library alone, with id and secret encoded as RFC 6749 has it."""
    pair = ":".join(urllib.parse.quote_plus(text) for text in ("ci", SECRET))
    headers = [
        ("Authorization", "Basic " + base64.b64encode(pair.encode()).decode()),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ]
    status, answered, told = plain("POST", PULL + "/oauth2/token", headers, "grant_type=client_credentials")
    expect(status, 200, told)
    assert answered["Cache-Control"] == "no-store" and told["token_type"] == "Bearer" and told["expires_in"] == 3600
    bearer = [("Authorization", f"Bearer {told['access_token']}"), ("Content-Type", "application/json")]

    def call(method, path, body):
        status, _, told = plain(method, PULL + path, bearer, json.dumps(body) if body else None)
        return status, told

    walk("standard library, token", call)


def by_session(name, session):
    def call(method, path, body):
        answer = session.request(method, PULL + path, json=body, timeout=30)
        return answer.status_code, answer.json()

    walk(name, call)


def by_requests_oauthlib():
    from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, UnsupportedGrantTypeError
    from requests.auth import HTTPBasicAuth
    from requests_oauthlib import OAuth2Session

    def session(secret=SECRET, **more):
        session = OAuth2Session(client=BackendApplicationClient(client_id="ci"))
        session.verify, session.trust_env = CA, False  # bundles of the environment would win
        if more.pop("basic", False):
            more["auth"] = HTTPBasicAuth("ci", secret)
        else:
            more |= {"client_secret": secret, "include_client_id": True}
        session.fetch_token(PULL + "/oauth2/token", verify=CA, **more)
        return session

    by_session("requests-oauthlib, form", session())
    by_session("requests-oauthlib, Basic", session(basic=True))
    for wrong in ({"secret": "wrong"}, {"secret": "wrong", "basic": True}):
        try:
            session(**wrong)
        except InvalidClientError:
            continue
        raise AssertionError("a wrong secret got a token")
    status, _, told = plain(
        "POST",
        PULL + "/oauth2/token",
        [("Content-Type", "application/x-www-form-urlencoded")],
        urllib.parse.urlencode({"grant_type": "password", "client_id": "ci", "client_secret": SECRET}),
    )
    assert (status, told["error"]) == (400, UnsupportedGrantTypeError.error), told


def by_authlib():
    from authlib.integrations.base_client import OAuthError
    from authlib.integrations.requests_client import OAuth2Session

    def session(method, secret=SECRET):
        session = OAuth2Session("ci", secret, token_endpoint_auth_method=method)
        session.verify, session.trust_env = CA, False  # bundles of the environment would win
        session.fetch_token(PULL + "/oauth2/token", grant_type="client_credentials")
        return session

    for method in ("client_secret_basic", "client_secret_post"):
        by_session(f"Authlib, {method}", session(method))
        try:
            session(method, "wrong")
        except OAuthError as error:
            assert error.error == "invalid_client", error
        else:
            raise AssertionError("a wrong secret got a token")


by_key()
by_hand()
for library in (by_requests_oauthlib, by_authlib):
    try:
        library()
    except ImportError as error:
        print(f"skipped: {error}")
