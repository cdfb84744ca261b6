// <x-lookup search="/url" [create="/url" create-label="Create company"] [depends="account,stage"]>: an ARIA combobox inside a form.
// Holds <input type="hidden" name="account"> (the id) and a text box. Asks GET search?q=…&<name>=<value> for each name in `depends`; answer
// {"results": [{"id", "text", "note", "icon", "hue"}], "more": true}. "Create new" opens the form at `create`?name=<typed> in a
// dialog; posted, it answers with {"id", "text"}, which is chosen, or with the form again. Leaving a text that was not chosen: the server
// gets it as <name>__text and may resolve an exact name, or refuses it.
import { announce, el, icon, marked, settled, t, unique } from "./texts.js";
import { ask } from "./http.js";

class Lookup extends HTMLElement {
  connectedCallback() {
    this.value = this.querySelector('input[type="hidden"]');
    this.box = this.querySelector(".box > .in");
    if (!this.value || !this.box || this.box.disabled) return;
    if (!this.find) {
      this.box.addEventListener("input", () => this.typed());
      this.box.addEventListener("keydown", (event) => this.key(event));
      this.box.addEventListener("focus", () => this.box.select());
      this.box.addEventListener("click", () => this.list?.isConnected || this.find());
      this.addEventListener("focusout", (event) => this.contains(event.relatedTarget) || this.close());
      this.find = settled(() => this.fetch(), 140);
    }
    this.refresh();
  }
  /** What the server's HTML does not have: roles and the button that empties the box. */
  refresh() {
    if (!this.find) return;
    this.box.setAttribute("role", "combobox");
    this.box.setAttribute("aria-autocomplete", "list");
    this.box.setAttribute("aria-expanded", String(Boolean(this.list?.isConnected)));
    this.showClear();
  }
  typed() {
    if (this.value.value) this.set("");
    this.find();
    this.showClear();
  }
  async fetch() {
    this.request?.abort();
    this.request = new AbortController();
    const url = new URL(this.getAttribute("search"), location.href);
    const typed = this.value.value ? "" : this.box.value.trim();
    url.searchParams.set("q", typed);
    for (const name of (this.getAttribute("depends") ?? "").split(",").filter(Boolean)) {
      const other = this.closest("form")?.elements.namedItem(name.trim());
      url.searchParams.set(name.trim(), other?.value ?? "");
    }
    try {
      const { ok, data } = await ask(url, { signal: this.request.signal });
      if (ok && this.contains(document.activeElement)) this.show(data.results ?? [], typed, data.more);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  }
  show(results, typed, more) {
    this.list?.remove();
    const id = unique("options");
    this.list = el("div", {
      class: "options",
      role: "listbox",
      id,
      "aria-label": this.closest(".field")?.querySelector("label")?.textContent ?? t("results"),
    });
    this.list.addEventListener("pointerdown", (event) => event.preventDefault()); // the box keeps the focus
    for (const result of results) {
      const mark = result.icon ? el("span", { class: `tile ${hue(result.hue)}` }, icon(result.icon, "i")) : null;
      const note = result.note ? el("small", {}, marked(result.note, typed)) : null;
      const option = el(
        "div",
        { role: "option", id: unique("option"), "aria-selected": "false" },
        mark,
        el("span", {}, marked(result.text, typed), note),
      );
      option.addEventListener("click", () => this.choose(result));
      this.list.append(option);
    }
    if (!results.length) this.list.append(el("div", { class: "none", role: "option", "aria-disabled": "true" }, t("none")));
    if (more) this.list.append(el("div", { class: "none", role: "option", "aria-disabled": "true" }, "…"));
    if (this.getAttribute("create")) {
      const name = typed
        ? `${this.getAttribute("create-label") ?? t("create")}: “${typed}”`
        : (this.getAttribute("create-label") ?? t("create"));
      const option = el(
        "div",
        { role: "option", class: "new", id: unique("option"), "aria-selected": "false" },
        icon("plus"),
        el("span", {}, name),
      );
      option.addEventListener("click", () => this.create(typed));
      this.list.append(option);
    }
    this.append(this.list);
    const below = innerHeight - this.box.getBoundingClientRect().bottom;
    this.list.classList.toggle("up", below < 240 && this.box.getBoundingClientRect().top > below);
    this.box.setAttribute("aria-expanded", "true");
    this.box.setAttribute("aria-controls", id);
    this.at = -1;
    if (typed && results.length) this.move(1);
    announce(`${results.length} ${t("results")}`);
  }
  options() {
    return this.list?.isConnected ? [...this.list.querySelectorAll('[role="option"]:not([aria-disabled])')] : [];
  }
  move(by) {
    const options = this.options();
    if (!options.length) return;
    this.at = (this.at + by + options.length) % options.length;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === this.at)));
    this.box.setAttribute("aria-activedescendant", options[this.at].id);
    options[this.at].scrollIntoView({ block: "nearest" });
  }
  key(event) {
    if (event.isComposing) return;
    const open = this.list?.isConnected;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (open) this.move(event.key === "ArrowDown" ? 1 : -1);
      else this.fetch();
    } else if (event.key === "Enter" && open && !event.ctrlKey && !event.metaKey) {
      event.preventDefault(); // also where nothing was found: it is a choice, and does not send the form
      event.stopPropagation();
      this.options()[this.at]?.click();
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if (
      event.key === "Tab" &&
      open &&
      this.at >= 0 &&
      this.box.value.trim() &&
      !this.options()[this.at]?.classList.contains("new")
    ) {
      this.options()[this.at]?.click();
    }
  }
  choose({ id, text }) {
    this.box.value = text;
    this.set(id);
    this.close();
    this.showClear();
  }
  set(id) {
    if (this.value.value === String(id)) return;
    this.value.value = id;
    this.value.dispatchEvent(new Event("change", { bubbles: true }));
  }
  async create(typed) {
    const url = new URL(this.getAttribute("create"), location.href);
    if (typed) url.searchParams.set("name", typed);
    this.close();
    const { ok, data } = await ask(url);
    if (!ok) return;
    const dialog = el("dialog", { class: "dlg", "aria-label": this.getAttribute("create-label") ?? t("create") });
    dialog.addEventListener("close", () => (dialog.remove(), this.box.focus()));
    dialog.addEventListener("input", () => dialog.querySelector("[data-dirty]")?.removeAttribute("hidden"));
    dialog.addEventListener("submit", (event) => (event.preventDefault(), this.send(dialog, event.target)));
    document.body.append(dialog);
    this.fill(dialog, data);
    dialog.showModal();
    dialog.querySelector('.body input:not([type="hidden"])')?.focus();
  }
  fill(dialog, html) {
    dialog.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
    window.htmx?.process(dialog);
  }
  async send(dialog, form) {
    if (this.sending) return;
    this.sending = true;
    const body = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
    const { ok, status, data } = await ask(this.getAttribute("create"), { method: "POST", form: body });
    this.sending = false;
    if (ok) {
      this.choose(data);
      dialog.close();
    } else if (status === 422) {
      this.fill(dialog, data);
      dialog.querySelector("[data-dirty]")?.removeAttribute("hidden");
      dialog.querySelector('[aria-invalid="true"], [data-errors]')?.focus();
    }
  }
  close() {
    this.request?.abort();
    this.list?.remove();
    this.box.setAttribute("aria-expanded", "false");
    this.box.removeAttribute("aria-activedescendant");
    this.box.removeAttribute("aria-controls");
    this.at = -1;
  }
  showClear() {
    const there = this.querySelector(".x");
    if (!this.box.value) return there?.remove();
    if (there) return;
    const clear = el("button", { type: "button", class: "x", "aria-label": t("clear"), title: t("clear") }, icon("x"));
    clear.addEventListener("click", () => {
      this.box.value = "";
      this.set("");
      clear.remove();
      this.box.focus();
    });
    this.box.after(clear);
  }
  disconnectedCallback() {
    this.request?.abort();
    this.list?.remove();
  }
}

const HUES = ["blue", "violet", "pink", "red", "orange", "amber", "yellow", "green", "emerald", "teal", "cyan", "sky"];
/** The class of a hue, given by number or name. */
export function hue(value) {
  const number = Number(value) || HUES.indexOf(value) + 1;
  return number >= 1 && number <= 12 ? `h${number}` : "gray";
}

customElements.define("x-lookup", Lookup);
