// <x-layout-builder>: drags fields and sections between a palette and a canvas. Inside:
//   <input type="hidden" data-layout value='{"sections": [{"label": "Deal", "columns": 2, "items": ["name", {"field": "amount", "required": true}]}]}'>
//   <script type="application/json" data-fields>[{"name", "label", "icon", "sample", "required", "api": "amount"}]</script>
//   [data-palette] (ul), [data-canvas], [data-properties] (optional), [data-find] (optional box that narrows the palette).
// What a section or item carries besides (show_when, …) is kept as it is. Every change writes the hidden input and sends "change".
// Keys: Alt+arrows move a field (left and right: into the section before and after) or a section; Delete takes a field off; Ctrl/Cmd Z and Shift undo and redo.
// Properties of the selected field: the template [data-field-properties], whose controls named after item keys (label, required, read_only, …) are filled and read;
// of a section the template [data-section-properties], opened by a button in its head.
import Sortable from "../vendor/sortable.js";
import { announce, el, icon, t } from "./texts.js";

const asItem = (given) => (typeof given === "string" ? { field: given } : { ...given });
const asGiven = (item) => (Object.keys(item).length === 1 ? item.field : item);

class LayoutBuilder extends HTMLElement {
  connectedCallback() {
    if (this.layout) return;
    this.hidden_ = this.querySelector("input[data-layout]");
    this.fields = new Map(JSON.parse(this.querySelector("script[data-fields]").textContent).map((field) => [field.name, field]));
    this.palette = this.querySelector("[data-palette]");
    this.canvas = this.querySelector("[data-canvas]");
    this.properties = this.querySelector("[data-properties]");
    this.blank = this.properties ? [...this.properties.childNodes] : [];
    const given = JSON.parse(this.hidden_.value || '{"sections": []}');
    this.layout = { ...given, sections: given.sections.map((section) => ({ ...section, items: (section.items ?? []).map(asItem) })) };
    this.past = [];
    this.future = [];
    this.addEventListener("keydown", (event) => this.key(event));
    this.querySelector("[data-find]")?.addEventListener("input", (event) => this.find(event.target.value));
    for (const [name, step] of [
      ["undo", () => this.undo()],
      ["redo", () => this.redo()],
      ["add-section", () => this.addSection()],
    ]) {
      this.querySelector(`[data-${name}]`)?.addEventListener("click", step);
    }
    this.draw();
  }
  disconnectedCallback() {
    this.sortables?.forEach((each) => each.destroy());
  }

  // state
  json() {
    return JSON.stringify({
      ...this.layout,
      sections: this.layout.sections.map((section) => ({ ...section, items: section.items.map(asGiven) })),
    });
  }
  change(fn, said) {
    this.past.push(this.json());
    this.future = [];
    fn();
    this.write();
    if (said) announce(said);
  }
  write() {
    this.draw();
    this.keep();
  }
  keep() {
    this.drawSteps();
    this.hidden_.value = this.json();
    this.hidden_.dispatchEvent(new Event("change", { bubbles: true }));
  }
  load(text) {
    const given = JSON.parse(text);
    this.layout = { ...given, sections: given.sections.map((section) => ({ ...section, items: section.items.map(asItem) })) };
    this.write();
  }
  undo() {
    if (!this.past.length) return;
    this.future.push(this.json());
    this.load(this.past.pop());
  }
  redo() {
    if (!this.future.length) return;
    this.past.push(this.json());
    this.load(this.future.pop());
  }
  placed() {
    return new Set(this.layout.sections.flatMap((section) => section.items.map((item) => item.field)));
  }
  where(name) {
    const section = this.layout.sections.findIndex((each) => each.items.some((item) => item.field === name));
    return [section, this.layout.sections[section]?.items.findIndex((item) => item.field === name) ?? -1];
  }
  take(name) {
    const [section, at] = this.where(name);
    return section < 0 ? { field: name } : this.layout.sections[section].items.splice(at, 1)[0];
  }
  place(name, section, at) {
    this.change(
      () => {
        if (!this.layout.sections.length) this.layout.sections.push({ label: t("section"), columns: 2, items: [] });
        const item = this.take(name);
        const items = this.layout.sections[Math.min(section, this.layout.sections.length - 1)].items;
        items.splice(Math.min(at, items.length), 0, item);
      },
      `${this.fields.get(name)?.label ?? name}: ${t("dropped")}`,
    );
  }
  addSection() {
    this.change(() => this.layout.sections.push({ label: t("section"), columns: 2, items: [] }));
    this.canvas.querySelector(".sec:last-of-type input")?.select();
  }

  // drawing
  draw() {
    const focus = document.activeElement?.dataset?.name;
    this.sortables?.forEach((each) => each.destroy());
    this.sortables = [];
    this.drawPalette();
    this.canvas.replaceChildren(...this.layout.sections.map((section, at) => this.section(section, at)));
    const add = el("button", { type: "button", class: "btn" }, icon("plus", "i"), t("section"));
    add.addEventListener("click", () => this.addSection());
    if (!this.querySelector("[data-add-section]")) this.canvas.append(add);
    this.sortables.push(
      Sortable.create(this.canvas, {
        draggable: ".sec",
        handle: ".handle",
        animation: 130,
        onEnd: ({ oldDraggableIndex: from, newDraggableIndex: to }) => from !== to && this.moveSection(from, to),
      }),
    );
    const option = { group: "fields", animation: 130, delay: 150, delayOnTouchOnly: true, filter: ".rm, .add", preventOnFilter: false };
    this.sortables.push(
      Sortable.create(this.palette, {
        ...option,
        sort: false,
        draggable: "li:not(.used)",
        group: { name: "fields", pull: "clone", put: true },
        onAdd: ({ item }) => this.remove(item.dataset.name),
      }),
    );
    for (const list of this.canvas.querySelectorAll("ul")) {
      const section = Number(list.dataset.section);
      this.sortables.push(
        Sortable.create(list, {
          ...option,
          draggable: "li",
          onAdd: ({ item, newIndex }) => this.place(item.dataset.name, section, newIndex),
          onUpdate: ({ item, newIndex }) => this.place(item.dataset.name, section, newIndex),
        }),
      );
    }
    if (focus) this.canvas.querySelector(`.bf[data-name="${CSS.escape(focus)}"]`)?.focus();
    this.drawSteps();
  }
  drawSteps() {
    for (const [name, stack] of [
      ["undo", this.past],
      ["redo", this.future],
    ]) {
      const button = this.querySelector(`[data-${name}]`);
      if (button) button.disabled = !stack.length;
    }
  }
  drawPalette() {
    const placed = this.placed();
    this.palette.replaceChildren(
      ...[...this.fields.values()].map((field) => {
        const used = placed.has(field.name);
        const item = el(
          "li",
          { class: used ? "used" : null, "data-name": field.name },
          icon(field.icon ?? "text", "i"),
          el("span", { class: "l" }, field.label),
        );
        if (used) item.append(el("small", {}, t("placed")));
        else {
          const add = el(
            "button",
            { type: "button", class: "add", "aria-label": `${t("add")} ${field.label}`, title: `${t("add")} ${field.label}` },
            icon("plus"),
          );
          const last = () => Math.max(0, this.selected ? this.where(this.selected)[0] : this.layout.sections.length - 1);
          add.addEventListener("click", () => this.place(field.name, last(), Infinity));
          item.append(add);
        }
        return item;
      }),
    );
    this.find(this.querySelector("[data-find]")?.value ?? "");
  }
  section(section, at) {
    const label =
      typeof section.label === "object"
        ? (section.label[document.documentElement.lang] ?? Object.values(section.label)[0] ?? "")
        : (section.label ?? "");
    const name = el("input", { class: "name", value: label, "aria-label": t("section") });
    name.addEventListener("change", () => {
      this.past.push(this.json());
      this.future = [];
      section.label = typeof section.label === "object" ? { ...section.label, [document.documentElement.lang]: name.value } : name.value;
      name.closest(".sec").setAttribute("aria-label", name.value);
      this.keep(); // nothing is drawn: what was clicked to leave the box is still there
    });
    const columns = section.columns ?? 2;
    const button = (glyph, text, run, disabled = false) => {
      const made = el(
        "button",
        { type: "button", class: "btn ghost sm icon", "aria-label": `${text}: ${label}`, title: text, disabled },
        icon(glyph),
      );
      made.addEventListener("click", run);
      return made;
    };
    const header = el(
      "header",
      {},
      el("span", { class: "handle", "aria-hidden": "true" }, icon("grip-vertical", "i")),
      name,
      el(
        "span",
        { class: "end" },
        ...(this.querySelector("template[data-section-properties]")
          ? [button("settings-2", t("properties"), () => this.selectSection(at))]
          : []),
        button(columns === 2 ? "columns-2" : "square", columns === 2 ? "2 → 1" : "1 → 2", () =>
          this.change(() => (section.columns = columns === 2 ? 1 : 2)),
        ),
        button("arrow-up", t("up"), () => this.moveSection(at, at - 1), at === 0),
        button("arrow-down", t("down"), () => this.moveSection(at, at + 1), at === this.layout.sections.length - 1),
        button("x", t("remove"), () => this.change(() => this.layout.sections.splice(at, 1))),
      ),
    );
    const list = el(
      "ul",
      { class: columns === 1 ? "one" : null, "data-section": String(at) },
      ...section.items.map((item) => this.item(item)),
    );
    return el("section", { class: "sec", "aria-label": label }, header, list);
  }
  item(item) {
    const field = this.fields.get(item.field) ?? { name: item.field, label: item.field };
    const required = item.required || field.required;
    const star = required ? el("span", { class: "rq", "aria-hidden": "true" }, "*") : null;
    const box = el(
      "button",
      { type: "button", class: "bf", "data-name": field.name, "aria-pressed": String(this.selected === field.name) },
      el("small", {}, item.label || field.label, star),
      el("span", { class: "v" }, field.sample || "–"),
    );
    box.addEventListener("click", () => this.select(field.name));
    const off = el("button", { type: "button", class: "rm", "aria-label": `${t("remove")} ${field.label}`, title: t("remove") }, icon("x"));
    off.addEventListener("click", () => this.remove(field.name));
    return el("li", { "data-name": field.name }, box, off);
  }
  find(text) {
    const want = text.trim().toLowerCase();
    for (const item of this.palette.children) item.hidden = want !== "" && !item.textContent.toLowerCase().includes(want);
  }

  // acts
  remove(name) {
    if (!this.placed().has(name)) return this.draw();
    if (this.selected === name) this.select(null);
    this.change(() => this.take(name), `${this.fields.get(name)?.label ?? name}: ${t("remove")}`);
  }
  moveSection(from, to) {
    if (to < 0 || to >= this.layout.sections.length) return;
    this.change(
      () => this.layout.sections.splice(to, 0, ...this.layout.sections.splice(from, 1)),
      `${t("position")} ${to + 1} ${t("of")} ${this.layout.sections.length}`,
    );
  }
  key(event) {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "z" && !event.target.matches("input, textarea")) {
      event.preventDefault();
      return event.shiftKey ? this.redo() : this.undo();
    }
    const name = event.target.closest?.(".bf")?.dataset.name;
    if (!name) return;
    if (event.key === "Delete") {
      event.preventDefault();
      return this.remove(name);
    }
    if (!event.altKey || !event.key.startsWith("Arrow")) return;
    event.preventDefault();
    const [section, at] = this.where(name);
    const step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
    const target = section + step[0];
    if (target < 0 || target >= this.layout.sections.length || at + step[1] < 0) return;
    this.place(name, target, step[0] ? 0 : at + step[1]);
    const [now, index] = this.where(name);
    announce(`${t("position")} ${index + 1} ${t("of")} ${this.layout.sections[now].items.length}`);
  }
  select(name) {
    this.selected = name;
    for (const box of this.canvas.querySelectorAll(".bf")) box.setAttribute("aria-pressed", String(box.dataset.name === name));
    if (!this.properties) return;
    const template = this.querySelector("template[data-field-properties]");
    if (!name || !template) return this.properties.replaceChildren(...this.blank);
    this.showProperties(template, this.fields.get(name), () => {
      const [section, at] = this.where(name);
      return this.layout.sections[section].items[at];
    });
  }
  selectSection(at) {
    this.select(null);
    const section = this.layout.sections[at];
    const label = typeof section.label === "object" ? Object.values(section.label)[0] : section.label;
    this.showProperties(this.querySelector("template[data-section-properties]"), { label }, () => this.layout.sections[at]);
    this.properties.querySelector("input, select, textarea")?.focus();
  }
  /** Fill the controls of a template from what `target` returns, and write them back. */
  showProperties(template, texts, target) {
    const form = template.content.cloneNode(true);
    for (const place of form.querySelectorAll("[data-of]")) place.textContent = texts[place.dataset.of] ?? "";
    for (const control of form.querySelectorAll("[data-key]")) {
      const key = control.dataset.key;
      if (control.type === "checkbox") control.checked = Boolean(target()[key]);
      else control.value = target()[key] ?? "";
      control.addEventListener("change", () =>
        this.change(() => {
          const value = control.type === "checkbox" ? control.checked : control.value.trim();
          if (value) target()[key] = value;
          else delete target()[key];
        }),
      );
    }
    this.properties.replaceChildren(form);
  }
}

customElements.define("x-layout-builder", LayoutBuilder);
