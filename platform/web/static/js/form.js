// <x-form [draft="deal:new"] [react="/o/deal/draft"] [quiet]><form>…</form></x-form>: nothing typed is ever lost.
// - shows [data-dirty] and warns before leaving while something is unsaved (unless `quiet`); Ctrl/Cmd Enter saves;
// - after an answer with errors, goes to the first wrong field, or to the summary ([data-errors]) where that tells of more than fields;
// - `draft`: keeps what is typed on this device under that name and offers it when the form comes back empty-handed;
//   `carried`: every answer brings back what was sent, so that what was sent is no draft any more;
// - `react`: on leaving a changed field with data-watch, posts the form there with changed=<name>; the answer is the same <form> as HTML, and is morphed in.
//   What somebody types meanwhile stays; what stood in a field that goes away stands in it again when it comes back; only the newest answer counts.
//   Who saves before the answer is there waits for it a moment: the save and the form are to know the same fields.
import { ask } from "./http.js";
import { goTo } from "./refused.js";
import { announce, el, icon, settled, t } from "./texts.js";

const PATIENCE = 3000; // milliseconds a save waits for what the form is still asking
const isTicked = (control) => control.type === "checkbox" || control.type === "radio";
/** Which control of a form it is: a box that is ticked shares its name with others, and with the hidden one that says it is there. */
const identity = (control) => `${control.type}:${control.name}:${isTicked(control) ? control.value : ""}`;

class Form extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    if (!this.form || this.ready) return;
    this.ready = true;
    this.touched = new Map(); // control name -> when it was changed last
    this.gone = new Map(); // control -> what somebody had typed into it before it went away
    this.restored = new Map(); // name -> what a draft holds for a field that is not there yet
    this.first = this.text();
    const keep = settled(() => this.keep(), 600);
    this.addEventListener("input", (event) => {
      if (event.target.name) this.touched.set(event.target.name, performance.now());
      this.mark();
      keep();
    });
    this.addEventListener("change", (event) => {
      if (event.target.name) this.touched.set(event.target.name, performance.now());
      this.mark();
      keep();
      if (this.hasAttribute("react") && event.target.matches("[data-watch]")) this.follow(event.target.name);
    });
    this.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.metaKey || event.ctrlKey) && !event.isComposing) {
        event.preventDefault();
        this.form.requestSubmit(this.form.querySelector("button.pri[type=submit]") ?? undefined);
      }
    });
    this.addEventListener("submit", (event) => this.submitted(event));
    this.leave = (event) => {
      if (this.dirty && !this.sending && !this.hasAttribute("quiet")) event.preventDefault();
    };
    addEventListener("beforeunload", this.leave);
    addEventListener("pageshow", (event) => event.persisted && (this.sending = false));
    this.focusError();
    this.offer();
  }
  disconnectedCallback() {
    removeEventListener("beforeunload", this.leave);
    this.ready = false;
  }
  /** The values as pairs, without the token, passwords and files. */
  pairs() {
    const secret = new Set([...this.form.elements].filter((each) => each.type === "password").map((each) => each.name));
    return [...new FormData(this.form)].filter(
      ([name, value]) => typeof value === "string" && name !== "csrf_token" && name !== "row_version" && !secret.has(name),
    );
  }
  text() {
    return JSON.stringify(this.pairs());
  }
  mark() {
    this.dirty = this.text() !== this.first;
    for (const sign of this.querySelectorAll("[data-dirty]")) sign.hidden = !this.dirty;
  }
  submitted(event) {
    if (event.defaultPrevented || this.sending) {
      if (this.sending) event.preventDefault(); // a double click saves once
      return;
    }
    if (this.asking) {
      event.preventDefault();
      event.stopPropagation();
      this.afterwards(event.submitter);
      return;
    }
    this.sending = true;
    setTimeout(() => (this.sending = false), 8000);
    event.submitter?.setAttribute("aria-busy", "true");
    setTimeout(() => event.submitter?.removeAttribute("aria-busy"), 8000);
    if (this.hasAttribute("carried")) this.store(() => localStorage.removeItem(this.key()));
    this.store(() => sessionStorage.setItem("draft-sent", this.key()));
  }
  /** Save when the form knows what follows from what was typed, or when that takes too long; pressed twice, it saves once. */
  async afterwards(submitter) {
    if (this.waiting) return;
    this.waiting = true;
    submitter?.setAttribute("aria-busy", "true");
    await Promise.race([this.asking.catch(() => null), new Promise((done) => setTimeout(done, PATIENCE))]);
    this.request?.abort();
    this.asking = null;
    this.waiting = false;
    submitter?.removeAttribute("aria-busy");
    this.form.requestSubmit(submitter?.isConnected ? submitter : undefined);
  }
  focusError() {
    const wrong = this.querySelectorAll('[aria-invalid="true"]');
    const summary = this.querySelector("[data-errors]");
    const told = [...(summary?.querySelectorAll("li") ?? [])];
    const placed = told.every((each) => each.querySelector('a[href^="#"]')) || (told.length === 1 && wrong.length === 1);
    if (wrong.length && placed) goTo(wrong[0]);
    else summary?.focus();
  }

  // drafts
  key() {
    return `draft:${document.body.dataset.user ?? ""}:${this.getAttribute("draft")}`;
  }
  store(fn) {
    if (!this.hasAttribute("draft")) return null;
    try {
      return fn();
    } catch {
      return null; // no storage, no drafts
    }
  }
  keep() {
    this.store(() => (this.dirty ? localStorage.setItem(this.key(), this.text()) : localStorage.removeItem(this.key())));
  }
  offer() {
    const kept = this.store(() => localStorage.getItem(this.key()));
    if (!kept || kept === this.first || this.querySelector("[data-errors]")) return;
    const restore = el("button", { type: "button", class: "btn sm" }, t("restore"));
    const discard = el("button", { type: "button", class: "btn ghost sm" }, t("discard"));
    const note = el(
      "div",
      { class: "banner info", role: "note" },
      icon("history", "i"),
      el("div", {}, el("b", {}, t("draft"))),
      el("span", { class: "end" }, restore, discard),
    );
    restore.addEventListener("click", () => (this.restore(JSON.parse(kept)), note.remove()));
    discard.addEventListener("click", () => (this.store(() => localStorage.removeItem(this.key())), note.remove()));
    this.form.prepend(note);
  }
  restore(pairs) {
    const values = Map.groupBy(pairs, ([name]) => name);
    for (const control of this.form.elements) {
      if (
        !control.name ||
        control.type === "file" ||
        control.type === "password" ||
        control.name === "csrf_token" ||
        control.name === "row_version"
      )
        continue;
      const given = (values.get(control.name) ?? []).map(([, value]) => value);
      if (control.type === "checkbox" || control.type === "radio") control.checked = given.includes(control.value);
      else if (control.multiple) for (const option of control.options) option.selected = given.includes(option.value);
      else if (control.type === "hidden" && !control.closest("x-lookup, x-layout-builder")) continue;
      else if (given.length) control.value = given[0];
      control.dispatchEvent(new Event("restored"));
    }
    this.restored = new Map([...values].map(([name, some]) => [name, some.map(([, value]) => value)]));
    for (const { name } of this.form.elements) this.restored.delete(name);
    this.dispatchEvent(new Event("change"));
    this.mark();
    const watched = this.form.querySelector("[data-watch]");
    if (this.hasAttribute("react") && watched) this.follow(watched.name);
  }

  // what depends on what was typed: defaults, formulas, fields that appear
  follow(name) {
    const asking = this.react(name).finally(() => this.asking === asking && (this.asking = null));
    this.asking = asking;
  }
  async react(name) {
    const sent = performance.now();
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const body = new URLSearchParams([...new FormData(this.form)].filter(([, value]) => typeof value === "string"));
    body.set("changed", name);
    const url = this.getAttribute("react");
    this.request?.abort();
    this.request = new AbortController();
    let answer;
    try {
      answer = await ask(url, { method: "POST", form: body, signal: this.request.signal, quiet: true });
    } catch (error) {
      if (error.name === "AbortError") return;
      throw error;
    }
    if (turn !== this.turn || !answer.ok || typeof answer.data !== "string") return; // the next save says what is wrong
    const fresh = new DOMParser().parseFromString(answer.data, "text/html").querySelector("form");
    if (!fresh) return;
    const before = this.typed(() => true);
    // what was typed since the request left goes before what the server knows
    const mine = this.typed((each) => (this.touched.get(each.name) ?? 0) > sent || each === document.activeElement);
    await window.htmx.swap({ sourceElement: this.form, target: this.form, text: fresh.outerHTML, swap: "outerMorph", hx: {} });
    const there = this.typed(() => true);
    for (const [key, typed] of before) if (!there.has(key) && this.touched.has(typed.name)) this.gone.set(key, typed);
    const server = new Map([...fresh.elements].filter((each) => each.id).map((each) => [each.id, each]));
    const back = []; // what came back with what had been typed into it, which the server has not heard of
    for (const control of this.form.elements) {
      const known = before.has(identity(control));
      const kept = mine.get(identity(control)) ?? (known ? undefined : (this.gone.get(identity(control)) ?? this.drafted(control)));
      if (kept && !known && control.matches("[data-watch]")) back.push(control.name);
      const said = server.get(control.id);
      if (kept) Object.assign(control, isTicked(control) ? { checked: kept.checked } : { value: kept.value });
      else if (said && isTicked(control)) control.checked = said.checked;
      else if (said && control.tagName === "SELECT" && !control.closest("x-depends")) control.value = said.value;
    }
    this.mark();
    announce(t("done"));
    if (back.length) await this.react(back[0]);
  }
  /** What a restored draft holds for a control that was not there when it was restored. */
  drafted({ name, value }) {
    const given = this.restored.get(name);
    return given && { name, value: given[0], checked: given.includes(value) };
  }
  /** What stands in the controls that `wanted` chooses. */
  typed(wanted) {
    const chosen = [...this.form.elements].filter((each) => each.name && wanted(each));
    return new Map(chosen.map((each) => [identity(each), { name: each.name, value: each.value, checked: each.checked }]));
  }
}

customElements.define("x-form", Form);
