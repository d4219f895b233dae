"""A receiver as Flask's tutorial has it: `request.get_json()`, and SQLite through `g`. Reads API_KEY and DATABASE."""

import os
import sqlite3

from flask import Flask, abort, g, request

app = Flask(__name__)


def get_db():
    if "db" not in g:
        g.db = sqlite3.connect(os.environ["DATABASE"])
    return g.db


@app.teardown_appcontext
def close_db(_error=None):
    db = g.pop("db", None)
    if db is not None:
        db.close()


with app.app_context():
    get_db().execute("CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, type TEXT NOT NULL, rfp_id TEXT, reason TEXT)")
    get_db().commit()


@app.post("/pns")
def receive():
    if request.headers.get("Authorization") != f"api_key {os.environ['API_KEY']}":
        abort(401)
    event = request.get_json()
    db = get_db()
    db.execute(
        "INSERT INTO event (id, type, rfp_id, reason) VALUES (?, ?, ?, ?)",
        (event["eventId"], event["eventType"], event.get("rfpId"), event.get("reason")),
    )
    db.commit()
    return {"received": True}
