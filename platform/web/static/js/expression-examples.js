// The examples of an expression as a list below its editor: each with its values, what is expected, and whether it comes out so.
// Here: JSON in a <textarea data-examples="refused accepted" data-zone="Europe/Paris"> ↔ the list; the two words are what a condition expects,
// if not true and false. Moments are UTC in the JSON and stand in the reader's zone in the list.
// Not here: running them (the server, through the editor's check).
import { goTo } from "./refused.js";
import { announce, el, icon, t, unique } from "./texts.js";
import { localOf, utcOf } from "./zoned.js";

const CHANGES = /\b(?:ISCHANGED|PRIORVALUE)\s*\(/i; // what asks for the record before

export class Examples {
  constructor(area, editor) {
    this.area = area;
    this.editor = editor;
    this.list = read(area.value);
    if (!this.list) {
      this.list = [];
      this.box = el("div", {});
      return; // what was sent is no list: it stays to be put right by hand
    }
    this.reads = [];
    this.outcomes = [];
    this.rows = el("ol", { class: "examples" });
    const blank = () => this.add({ record: {}, ...(CHANGES.test(editor.text()) && { prior: {} }), expect: this.words()?.[0] ?? null });
    this.more = el("button", { type: "button", class: "btn sm ghost", click: blank }, icon("plus"), el("span", {}, t("new_example")));
    const counted = () => this.add({ related: { [this.relation.value]: [{}] }, expect: "0" });
    const figure = el("button", { type: "button", class: "btn sm ghost", click: counted }, icon("sigma"), el("span", {}, t("new_figure")));
    const named = { role: "group", "aria-label": area.labels[0]?.textContent, "aria-describedby": area.getAttribute("aria-describedby") };
    const focused = document.activeElement === area;
    this.box = el("div", { class: "xe-examples", ...named }, this.rows, el("div", { class: "flex" }, this.more, this.relation && figure));
    area.hidden = true;
    area.after(this.box);
    area.addEventListener("focus", () => (this.rows.querySelector("li:has(.err) input") ?? this.box.querySelector("input, button")).focus());
    area.addEventListener("restored", () => {
      this.list = read(area.value) ?? [];
      this.draw();
      editor.recheck();
    });
    this.draw();
    if (focused) goTo(area);
  }
  /** Show the list where there is an expression to give examples of, or what `counts` without one; those that are there stay in sight. */
  offer(there, counts) {
    const field = this.area.closest(".field");
    if (field) field.hidden = !there && !counts && !this.area.value.trim();
    if (this.more) this.more.hidden = counts && !there;
  }
  /** The control that names the records of a roll-up, which has examples of its figure, too: of what it makes of a list of records. */
  get relation() {
    return this.editor.beside.includes("relation") ? this.area.form?.elements.namedItem("relation") : null;
  }
  /** What a condition may expect, as JSON values; null where the result is no condition. */
  words() {
    const named = this.area.dataset.examples.split(" ").filter(Boolean);
    if (named.length) return named;
    return this.kind === "Boolean" ? [true, false] : null;
  }
  add(example) {
    this.list.push(structuredClone(example));
    this.outcomes = [];
    this.draw();
    this.changed();
    this.rows.lastElementChild?.querySelector("input")?.focus();
    announce(t("example_added"));
  }
  remove(at) {
    this.list.splice(at, 1);
    this.outcomes = [];
    this.draw();
    this.changed();
    (this.rows.children[Math.min(at, this.list.length - 1)]?.querySelector("input") ?? this.box.querySelector("button")).focus();
  }
  changed() {
    this.area.value = this.list.length ? JSON.stringify(this.list) : "";
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
    this.editor.recheck();
  }
  show(outcomes, reads, kind) {
    if (!this.rows) return;
    const same = kind === this.kind && JSON.stringify(reads) === JSON.stringify(this.reads);
    this.outcomes = outcomes ?? [];
    if (kind && !same) {
      [this.reads, this.kind] = [reads, kind];
      this.redraw();
    }
    this.list.forEach((_, at) => this.judge(at));
  }
  judge(at) {
    const sign = this.rows.children[at]?.querySelector(".outcome");
    const outcome = this.outcomes[at];
    if (!sign) return;
    if (!outcome) return sign.replaceChildren();
    const tag = outcome.ok ? ["tag ok", "check", t("passes")] : ["tag bad", "x", t("fails")];
    const said = outcome.ok ? null : el("span", { class: "err" }, outcome.text);
    sign.replaceChildren(el("span", { class: tag[0] }, icon(tag[1]), tag[2]), ...(said ? [said] : []));
  }
  draw() {
    this.rows.replaceChildren(...this.list.map((example, at) => this.row(example, at)));
    this.list.forEach((_, at) => this.judge(at));
  }
  /** Draw anew what the expression reads now; of who is typing only the name of an example, which comes first, gives way. */
  redraw() {
    const held = document.activeElement;
    const at = [...this.rows.children].findIndex((row) => row.contains(held));
    if (at >= 0 && held !== this.rows.children[at].querySelector("input")) return;
    const caret = at >= 0 && [held.selectionStart, held.selectionEnd];
    this.draw();
    const box = this.rows.children[at]?.querySelector("input");
    box?.focus({ preventScroll: true });
    box?.setSelectionRange(...caret);
  }
  row(example, at) {
    const named = input(t("example_name"), example.name ?? "", "", (text) => {
      if (text) example.name = text;
      else delete example.name;
      this.changed();
    });
    const remove = el(
      "button",
      {
        type: "button",
        class: "btn ghost icon sm",
        title: t("remove"),
        "aria-label": `${t("remove")}: ${example.name ?? at + 1}`,
        click: () => this.remove(at),
      },
      icon("trash-2"),
    );
    return el(
      "li",
      {},
      el("div", { class: "head" }, named, remove),
      el("div", { class: "given" }, ...this.given(example)),
      this.expected(example),
      el("div", { class: "outcome", role: "status" }),
    );
  }
  /** A control for each value that the expression reads or the example gives. */
  given(example) {
    const record = this.reads.filter((read) => read.in[0] === "record");
    const controls = this.values(record, example.record, (row) => (example.record = row));
    if (example.prior) controls.push(...this.values(record, example.prior, (row) => (example.prior = row), ` (${t("before")})`));
    for (const [name, reads] of this.others(example)) {
      const put = (row) => (example.related = { ...example.related, [name]: row });
      controls.push(...this.values(reads, example.related?.[name], put));
    }
    for (const [key, kind] of [["today", "Date"], ["now", "Datetime"]])
      if (key in example) controls.push(this.control(t(key), kind, example[key], (value) => this.put(example, key, value ?? undefined)));
    if (example.user) controls.push(...this.values([], example.user, (row) => (example.user = row), ` (${t("user")})`));
    for (const rows of Object.values(example.related ?? {})) if (Array.isArray(rows)) controls.push(this.records(rows));
    return controls;
  }
  /** The records that an example gives a roll-up to take its figure from, a row each. */
  records(rows) {
    const reads = this.reads.filter((read) => read.in[0] === "related");
    const change = (at, gone, ...come) => {
      rows.splice(at, gone, ...come);
      this.changed();
      this.draw();
      const example = this.rows.children[this.list.findIndex((each) => Object.values(each.related ?? {}).includes(rows))];
      (example.querySelectorAll("fieldset li")[Math.min(at, rows.length - 1)]?.querySelector("input") ?? example.querySelector("fieldset button")).focus();
    };
    const row = (values, at) => {
      const put = (changed) => (rows[at] = changed);
      const gone = { type: "button", class: "btn ghost icon sm", title: t("remove"), "aria-label": `${t("remove")}: ${at + 1}` };
      const remove = el("button", { ...gone, click: () => change(at, 1) }, icon("trash-2"));
      return el("li", { class: "head" }, el("div", { class: "given" }, ...this.values(reads, values, put)), remove);
    };
    const add = el("button", { type: "button", class: "btn sm ghost", click: () => change(rows.length, 0, {}) }, icon("plus"), t("add_record"));
    return el("fieldset", { class: "field wide" }, el("legend", { class: "lab" }, t("related")), el("ol", {}, ...rows.map(row)), add);
  }
  /** The other records that an example gives one of each, or that the expression judges: name → what is read of it. */
  others(example) {
    const found = new Map(Object.keys(example.related ?? {}).map((name) => [name, []]));
    const judged = isFigure(example) ? [] : this.reads.filter((read) => read.in[0] === "related" && !read.figure);
    for (const read of judged) found.set(read.in[1], [...(found.get(read.in[1]) ?? []), read]);
    return [...found].filter(([name]) => !Array.isArray(example.related?.[name]));
  }
  /** A control for each value of a row of the example. */
  values(reads, row, put, note = "") {
    const known = new Map(reads.map((read) => [read.path, read]));
    const read = reads.filter((each) => !each.given).map((each) => each.path);
    return [...new Set([...read, ...Object.keys(row ?? {})])].map((path) => {
      const take = (value) => {
        row = { ...row, [path]: value };
        put(row);
        this.changed();
      };
      const { label = path, kind, values } = known.get(path) ?? {};
      return this.control(`${label}${note}`, kind, row?.[path], take, values);
    });
  }
  put(example, key, value) {
    if (value === undefined) delete example[key];
    else example[key] = value;
    this.changed();
  }
  expected(example) {
    const take = (value) => this.put(example, "expect", value);
    const words = this.words();
    const fits = !isFigure(example) && (words?.includes(example.expect) || (example.expect ?? null) === null);
    const made = words && fits ? select(t("expected"), words, example.expect, take) : this.control(t("expected"), words ? "" : this.kind, example.expect, take);
    made.classList.add("expected");
    return made;
  }
  /** A labelled control for a JSON value of an example; empty is blank. `values`: those of a picklist, which it offers by their labels. */
  control(label, kind, value, take, values = []) {
    if (kind === "Boolean") return select(label, [true, false], value, take);
    const taken = (text) => take(text === "" ? null : text);
    const shown = value === null || value === undefined ? "" : Array.isArray(value) ? value.join("; ") : String(value);
    if (kind === "Date" && (!shown || /^\d{4}-\d\d-\d\d$/.test(shown))) return input(label, shown, "", taken, { type: "date" });
    const zone = this.area.dataset.zone;
    const local = kind === "Datetime" && zone ? shown && localOf(shown, zone) : null;
    if (local !== null)
      return input(`${label} (${zone})`, local, "", (text) => taken(text && utcOf(text, zone)), { type: "datetime-local", step: "1" });
    const several = kind === "Multipicklist" || Array.isArray(value);
    const each = (text) =>
      text
        .split(";")
        .map((one) => one.trim())
        .filter(Boolean);
    const made = input(label, shown, t("blank"), (text) => (several && text ? take(each(text)) : taken(text)));
    return values.length ? offering(made, values) : made;
  }
}

/** Whether an example is about the figure of a roll-up: it gives records to take it from. */
const isFigure = (example) => Object.values(example.related ?? {}).some(Array.isArray);

function read(text) {
  if (!text.trim()) return [];
  try {
    const found = JSON.parse(text);
    return Array.isArray(found) ? found : null;
  } catch {
    return null;
  }
}

function input(label, value, placeholder, take, more = {}) {
  const id = unique("example");
  const box = el("input", { class: "in", id, value, autocomplete: "off", spellcheck: "false", placeholder, ...more });
  box.addEventListener("input", (event) => {
    event.stopPropagation();
    take(box.value.trim());
  });
  box.addEventListener("change", (event) => event.stopPropagation());
  return el("div", { class: "field" }, el("label", { for: id }, label), box);
}

function offering(made, values) {
  const id = unique("values");
  made.querySelector("input").setAttribute("list", id);
  made.append(el("datalist", { id }, ...values.map((each) => el("option", { value: each.name }, each.label))));
  return made;
}

function select(label, words, value, take) {
  const id = unique("example");
  const named = (word) => el("option", { value: JSON.stringify(word), selected: word === value }, t(String(word)));
  const box = el(
    "select",
    { class: "in", id },
    value === null || value === undefined ? el("option", { value: "null" }, t("blank")) : null,
    ...words.map(named),
  );
  box.addEventListener("input", (event) => event.stopPropagation());
  box.addEventListener("change", (event) => {
    event.stopPropagation();
    take(JSON.parse(box.value));
  });
  return el("div", { class: "field" }, el("label", { for: id }, label), box);
}
