"""What every answer carries: the security headers, the request's id, compression.

Here: the headers of spec/security.md, section 11, and nothing an answer could leave out.
Not here: cookies (`login.py`), static files (`assets.py`).
"""

from __future__ import annotations

import gzip

from flask import Request, Response

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{nonce}; img-src 'self' blob:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; report-to csp"
)
ENOUGH_TO_COMPRESS = 1_000  # bytes


def protect(response: Response, *, request_id: str, https: bool, style_nonce: str | None = None) -> None:
    """Set the security headers. `style_nonce` is for pages with a code editor alone."""
    headers = response.headers
    headers["Content-Security-Policy"] = POLICY.format(nonce=f" 'nonce-{style_nonce}'" if style_nonce else "")
    headers["Reporting-Endpoints"] = 'csp="/csp-report"'
    if https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Request-Id"] = request_id
    headers.setdefault("Cache-Control", "no-store")


def compress(response: Response, request: Request) -> None:
    """Compress a page. What is secret in one is masked (`csrf.py`), so that its compressed length tells nothing."""
    if (
        response.mimetype != "text/html"
        or response.direct_passthrough
        or response.is_streamed
        or "Content-Encoding" in response.headers
        or request.accept_encodings["gzip"] <= 0
    ):
        return
    body = response.get_data()
    if len(body) < ENOUGH_TO_COMPRESS:
        return
    response.set_data(gzip.compress(body, 5, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding, HX-Request"
