// Trying an expression on a record, below its editor: a record chosen by name, what comes out, the values that were read.
// A lookup filter may read a second record, the one that has the lookup: the server's answer says so (`edited`).
// Here: the box. Not here: the value of each part, which the editor shows in its text (expression.js).
import { el, icon, t, unique } from "./texts.js";

export class Trial {
  constructor(editor) {
    this.editor = editor;
    this.out = el("div", { class: "out", role: "status" });
    this.tested = new Picker(editor, editor.getAttribute("try") || t("record"), {}, () => this.chosen());
    this.other = new Picker(editor, "", { of: "edited" }, () => this.chosen());
    this.other.field.hidden = true;
    this.box = el(
      "details",
      { class: "try" },
      el("summary", {}, icon("flask-conical"), t("try")),
      el("div", { class: "body" }, this.tested.field, this.other.field, this.out),
    );
  }
  chosen() {
    if (!this.record) this.out.replaceChildren();
    this.editor.recheck();
  }
  /** What a check asks to be tried: the ids of the chosen records. */
  get asked() {
    for (const each of [this.tested, this.other]) each.aim();
    return { record: this.record || undefined, edited: this.other.value.value || undefined };
  }
  /** The id of the chosen record; empty when there is none. */
  get record() {
    return this.tested.value.value;
  }
  /** Ask for the record that has the lookup, under this label; without one it is not asked for. */
  ask(edited) {
    this.other.label.textContent = edited ?? "";
    this.other.field.hidden = !edited;
  }
  show(tried, examples) {
    if (!tried) {
      this.out.classList.toggle("stale", this.out.childElementCount > 0);
      if (this.record && !this.out.childElementCount) this.out.replaceChildren(el("p", { class: "hint" }, t("later")));
      return;
    }
    this.out.classList.remove("stale");
    const rows = [];
    if (tried.problem) rows.push(row(t("comes_to"), "", el("b", { class: "bad" }, icon("triangle-alert"), tried.problem), tried.then));
    else rows.push(row(t("comes_to"), tried.type, el("b", {}, tried.result), tried.then));
    for (const read of tried.reads) rows.push(row(read.label, "", read.value));
    const add =
      tried.example &&
      examples &&
      el(
        "button",
        { type: "button", class: "btn sm", click: () => examples.add(tried.example) },
        icon("plus"),
        el("span", {}, t("add_example")),
      );
    const of = tried.of ? [el("p", { class: "hint" }, tried.of)] : [];
    this.out.replaceChildren(
      ...of,
      el("dl", { class: "fl tried" }, ...rows),
      ...(add ? [add] : []),
      ...(tried.differs ? [el("p", { class: "hint" }, tried.differs)] : []),
      el("p", { class: "hint" }, t("point")),
    );
  }
}

/** A box to choose one record by name. */
class Picker {
  constructor(editor, label, more, chosen) {
    this.search = () => editor.url("records", more);
    const id = unique("try");
    this.value = el("input", { type: "hidden" });
    this.text = el("input", { class: "in", id, type: "text", autocomplete: "off", spellcheck: "false" });
    this.lookup = el("x-lookup", { search: this.search() }, this.value, el("span", { class: "box" }, icon("search"), this.text));
    this.value.addEventListener("change", (event) => {
      event.stopPropagation(); // nothing of the form has changed
      chosen();
    });
    this.text.addEventListener("input", (event) => event.stopPropagation());
    this.label = el("label", { for: id }, label);
    this.field = el("div", { class: "field" }, this.label, this.lookup);
  }
  /** Search in the object that the form names by now; a record chosen of another one is let go. */
  aim() {
    const [search, before] = [this.search(), this.lookup.getAttribute("search")];
    this.lookup.setAttribute("search", search);
    if (objectIn(search) !== objectIn(before)) this.value.value = this.text.value = "";
  }
}

/** The controls of a form that say of which object an expression is. */
const objectIn = (url) => ["to", "relation"].map((name) => new URL(url).searchParams.get(name)).join();

function row(name, note, value, then) {
  const more = then ? el("small", {}, ` ${then}`) : null;
  return el("div", {}, el("dt", {}, name, note ? el("small", {}, ` ${note}`) : null), el("dd", {}, value, more));
}
