// Requests from scripts: same origin, with the token of the page, with errors turned into toasts. htmx sends its own.
import { t } from "./texts.js";
import { toast } from "./toast.js";

const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

/** What a failed answer means; null where the caller has to say. */
export function meaning(status) {
  if (status === 401) return t("signin");
  if (status === 429) return t("busy");
  if (status === 0) return t("offline");
  return status >= 500 ? t("failed") : null;
}

/** Tell the person what a failed answer means. Returns true if it was one that the caller need not handle. */
export function complain(status, requestId) {
  const text = meaning(status);
  if (text === null) return false;
  if (status === 401) {
    toast(text, {
      kind: "bad",
      seconds: 30,
      action: { label: "→", run: () => location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`) },
    });
  } else if (status >= 500) toast(text, { kind: "bad", seconds: 20, note: requestId ? `${t("request")} ${requestId}` : null });
  else toast(text, { kind: "bad" });
  return true;
}

/** Ask for JSON (or HTML). Resolves to {ok, status, data}; `data` is text for HTML. Never throws except when aborted. */
export async function ask(url, { method = "GET", json, form, signal, quiet = false } = {}) {
  const headers = { Accept: "application/json, text/html;q=0.9", "X-Requested-With": "fetch" };
  let body;
  if (method !== "GET") headers["X-CSRFToken"] = token();
  if (json !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(json);
  } else if (form) body = form;
  try {
    const answer = await fetch(url, { method, headers, body, signal, credentials: "same-origin" });
    const kind = answer.headers.get("Content-Type") ?? "";
    const data = kind.includes("json") ? await answer.json() : await answer.text();
    if (!answer.ok && !quiet) complain(answer.status, answer.headers.get("Request-Id"));
    return { ok: answer.ok, status: answer.status, data };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (!quiet) complain(0);
    return { ok: false, status: 0, data: null };
  }
}
