// <x-toast kind="ok|bad" seconds="8" undo="/url" note="…">Deal saved</x-toast>: a short notice at the corner.
// `undo`: URL that is posted when Undo is pressed; the answer {"location": "/…"} goes there, any other success reloads the page.
// It waits while it is hovered or focused, so that nobody loses the way back.
import { el, icon, t } from "./texts.js";

class Toast extends HTMLElement {
  connectedCallback() {
    if (this.ready) return;
    this.ready = true;
    const kind = this.getAttribute("kind") ?? "";
    const note = this.getAttribute("note");
    const said = el("span", {}, ...this.childNodes, note ? el("small", {}, note) : null);
    const sign = { ok: "circle-check", bad: "circle-alert" }[kind];
    const box = el("div", { class: `toast ${kind}` }, sign ? icon(sign, "i") : null, said);
    const undo = this.getAttribute("undo");
    if (undo) box.append(el("button", { type: "button", click: () => this.undo(undo) }, t("undo")));
    if (this.action) box.append(el("button", { type: "button", click: () => (this.remove(), this.action.run()) }, this.action.label));
    box.append(
      el("button", { type: "button", class: "close", "aria-label": t("close"), title: t("close"), click: () => this.remove() }, icon("x")),
    );
    this.replaceChildren(box);
    this.wait();
    for (const name of ["pointerenter", "focusin"]) box.addEventListener(name, () => clearTimeout(this.timer));
    for (const name of ["pointerleave", "focusout"]) box.addEventListener(name, () => this.wait());
    raise(this.parentElement);
  }
  disconnectedCallback() {
    clearTimeout(this.timer);
  }
  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.remove(), 1000 * Number(this.getAttribute("seconds") ?? 8));
  }
  async undo(url) {
    const { ask } = await import("./http.js");
    this.remove();
    const { ok, data } = await ask(url, { method: "POST" });
    if (ok) data?.location ? location.assign(data.location) : location.reload();
    else if (data?.error) toast(data.error, { kind: "bad" });
  }
}

// above an open dialog: the region goes to the top of the top layer again
function raise(region) {
  if (!region?.matches("[popover]")) return;
  if (region.matches(":popover-open")) region.hidePopover();
  region.showPopover();
}

/** Show a toast. `action`: {label, run}; `undo`: a function called when Undo is pressed. */
export function toast(text, { kind = "", seconds = 8, note = null, action = null, undo = null } = {}) {
  const made = document.createElement("x-toast");
  made.append(text);
  made.setAttribute("kind", kind);
  made.setAttribute("seconds", seconds);
  if (note) made.setAttribute("note", note);
  made.action = undo ? { label: t("undo"), run: undo } : action;
  document.getElementById("toasts")?.append(made);
  return made;
}

customElements.define("x-toast", Toast);
