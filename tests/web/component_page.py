"""The page of all components (`dev/ui.html`) served alone: the real templates and scripts under the real policy, with canned answers.

Here: what the elements' endpoints answer in these tests. Not here: the endpoints of the application.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, render_template, request, send_from_directory
from werkzeug.serving import make_server

from fieldstone.web.headers import protect

WEB = Path(__file__).resolve().parents[2] / "platform" / "web"
COMPANIES: tuple[dict[str, Any], ...] = (
    {"id": "c1", "text": "Kestrel Aerospace", "note": "Toulouse", "icon": "building-2", "hue": 12},
    {"id": "c2", "text": "山岚精密科技"},
)
SHELL: dict[str, Any] = {
    "org_name": "Halden Robotics",
    "app": {"label": "Sales", "icon": "bot"},
    "apps": [{"label": "Sales", "url": "#", "icon": "layout-grid", "current": True}, {"label": "Service", "url": "#", "icon": "life-buoy"}],
    "me": {"name": "Maya Okafor", "email": "maya@example.com"},
    "nav": [
        {"url": "#home", "label": "Home", "icon": "house", "key": "H"},
        {"url": "#approvals", "label": "Approvals", "icon": "inbox", "count": 4, "key": "A"},
        {"url": "/ui", "label": "Deals", "icon": "handshake", "hue": 9, "current": True, "key": "D"},
        {"url": "#robots", "label": "Installed robots and their spare parts", "icon": "bot", "hue": 10},
    ],
    "create": [{"url": "#new-deal", "label": "New deal", "icon": "handshake", "hue": 9, "key": "D"}],
    "unread": 3,
    "csrf_token": "it's a token",
    "setup_url": "/setup",
}


@contextmanager
def serving() -> Iterator[str]:
    """Serve the page for the block; yields its address without a path."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server("127.0.0.1", 0, _application(), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def _application() -> Flask:
    app = Flask(__name__, template_folder=str(WEB / "templates"), static_folder=None)
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    app.jinja_env.globals["static"] = lambda name: f"/static/hash/{name}"

    @app.after_request
    def _headers(response: Response) -> Response:
        protect(response, request_id="r1", https=False)
        response.headers.pop("Reporting-Endpoints")  # nobody listens here
        return response

    @app.get("/static/hash/<path:name>")
    def _static(name: str) -> Response:
        return send_from_directory(WEB / "static", name)

    @app.get("/ui")
    def _page() -> str:
        return render_template("dev/ui.html", **SHELL, theme=request.args.get("theme", "light"), lang=request.args.get("lang", "en"))

    @app.get("/lookup/deal/<field>")
    def _lookup(field: str) -> Response:
        typed = request.args["q"].lower()
        return jsonify(results=[each for each in COMPANIES if typed in each["text"].lower()], more=False, field=field)

    @app.get("/shell/keys")
    def _keys() -> str:
        return ""

    @app.get("/search")
    def _search() -> Response:
        hit = {"url": "#kestrel", "text": "Kestrel – Cell line 4", "note": "Deal", "icon": "handshake", "hue": 9}
        return jsonify(groups=[{"label": "Deals", "results": [hit]}] if "kes" in request.args["q"] else [])

    @app.get("/expressions/complete")
    def _names() -> Response:
        if request.args["path"] == "account":
            return jsonify(names=[{"name": "annual_revenue", "type": "currency", "label": "Annual revenue"}])
        return jsonify(names=[{"name": "account", "type": "lookup", "label": "Account", "relation": True}])

    @app.get("/expressions/functions")
    def _functions() -> Response:
        return jsonify(functions=[])

    @app.post("/expressions/check")
    def _check() -> Response:
        start = request.get_json()["source"].find("annu ")
        if start < 0:
            return jsonify(ok=True, type="checkbox", problems=[])
        return jsonify(ok=False, problems=[{"text": "There is no field “annu”.", "start": start, "end": start + 4, "severity": "error"}])

    @app.post("/o/deal/<record_id>/move")
    def _move(record_id: str) -> tuple[Response, int]:
        asked = request.get_json()
        if asked["value"] == "v":
            return jsonify(error="A deal needs a signed quote before Verbal."), 422
        return jsonify(row_version=asked["row_version"] + 1, columns={asked["value"]: {"sum": f"after {record_id}"}}), 200

    @app.get("/jobs/1/progress")
    def _progress() -> Response:
        return jsonify(state="done", done=1248, total=1248, text="1,248 of 1,248", counts=[{"label": "New", "value": 1240}])

    return app
