// <x-palette search="/search">: the command palette around <dialog id="palette">. Asks GET search?q=… (also for "": what is recent) and
// shows {"groups": [{"label", "results": [{"url", "text", "line", "note", "icon", "hue", "keys": ["C", "D"]}]}]}, or an HTML fragment of [role=option] links.
// Pages of the navigation and what one may create are matched here, without asking.
import { announce, el, icon, marked, settled, t, unique } from "./texts.js";
import { ask } from "./http.js";
import { hue } from "./lookup.js";

class Palette extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    this.box = this.querySelector("input");
    this.list = this.querySelector('[role="listbox"]');
    const find = settled(() => this.fetch(), 120);
    this.box.addEventListener("input", () => (this.show([], true), find()));
    this.box.addEventListener("keydown", (event) => this.key(event));
    new MutationObserver(() => this.dialog.open && this.start()).observe(this.dialog, { attributes: true, attributeFilter: ["open"] });
    if (this.dialog.open) this.start(false); // somebody may have begun to type while this file was loaded
  }
  start(anew = true) {
    this.box.focus();
    if (anew) this.box.select();
    this.show([], true);
    this.fetch();
  }
  async fetch() {
    this.request?.abort();
    this.request = new AbortController();
    const url = new URL(this.getAttribute("search"), location.href);
    url.searchParams.set("q", this.box.value.trim());
    try {
      const { ok, data } = await ask(url, { signal: this.request.signal, quiet: true });
      if (!ok) return this.show([], false);
      if (typeof data === "string") {
        this.list.innerHTML = data;
        this.ready();
      } else this.show(data.groups ?? [], false);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  }
  // what the page itself knows: places and what may be created
  own() {
    const typed = this.box.value.trim().toLowerCase();
    const pick = (selector, glyph, keys) =>
      [...document.querySelectorAll(selector)]
        .map((link) => ({ url: link.href, text: link.querySelector(".l")?.textContent.trim() ?? "", icon: glyph, keys: keys(link) }))
        .filter((place) => place.text && (typed ? place.text.toLowerCase().includes(typed) : false));
    return [
      {
        label: t("pages"),
        results: pick(".side .nav a", "arrow-right", (link) => (link.dataset.go ? ["G", link.dataset.go] : [])).slice(0, 5),
      },
      {
        label: t("new"),
        results: pick("#create-menu a", "plus", (link) => (link.dataset.create ? ["C", link.dataset.create] : [])).slice(0, 5),
      },
    ];
  }
  show(groups, waiting) {
    if (waiting && this.list.querySelector(".opt") && this.box.value.trim()) return; // keep what is there until the answer comes
    this.list.replaceChildren();
    for (const group of [...groups, ...this.own()].filter((each) => each.results.length)) {
      const head = el("div", { class: "grp", id: unique("group") }, group.label);
      const holder = el("div", { role: "group", "aria-labelledby": head.id }, head);
      for (const result of group.results) {
        const mark = result.hue
          ? el("span", { class: `tile ${hue(result.hue)}` }, icon(result.icon ?? "box", "i"))
          : icon(result.icon ?? "arrow-right", "i");
        const aside = el("small", {}, result.note ?? "");
        for (const key of result.keys ?? []) aside.append(el("kbd", {}, key), " ");
        holder.append(
          el(
            "a",
            { class: "opt", role: "option", id: unique("opt"), href: result.url, tabindex: "-1", "aria-selected": "false" },
            mark,
            el("span", {}, marked(result.text, this.box.value), result.line && el("small", {}, marked(result.line, this.box.value))),
            aside,
          ),
        );
      }
      this.list.append(holder);
    }
    if (!waiting && this.box.value.trim() && !this.list.children.length) this.list.append(el("p", { class: "none" }, t("none")));
    this.ready();
    if (!waiting) announce(`${this.options().length} ${t("results")}`);
  }
  ready() {
    this.at = -1;
    this.box.setAttribute("aria-expanded", String(this.options().length > 0));
    if (this.options().length) this.move(1);
    else this.box.removeAttribute("aria-activedescendant");
  }
  options() {
    return [...this.list.querySelectorAll('[role="option"]')];
  }
  move(by) {
    const options = this.options();
    if (!options.length) return;
    this.at = (this.at + by + options.length) % options.length;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === this.at)));
    options[this.at].id ||= unique("opt");
    this.box.setAttribute("aria-activedescendant", options[this.at].id);
    options[this.at].scrollIntoView({ block: "nearest" });
  }
  key(event) {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      const link = this.options()[this.at];
      if (!link) return;
      if (event.metaKey || event.ctrlKey) window.open(link.href, "_blank");
      else {
        this.dialog.close();
        link.click();
      }
    }
  }
}

customElements.define("x-palette", Palette);
