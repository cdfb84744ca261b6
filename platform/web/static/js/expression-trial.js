// Trying an expression on a record, below its editor: a record chosen by name, what comes out, the values that were read.
// Here: the box. Not here: the value of each part, which the editor shows in its text (expression.js).
import { el, icon, t, unique } from "./texts.js";

export class Trial {
  constructor(editor) {
    this.editor = editor;
    this.out = el("div", { class: "out", role: "status" });
    const id = unique("try");
    this.value = el("input", { type: "hidden" });
    const text = el("input", { class: "in", id, type: "text", autocomplete: "off", spellcheck: "false" });
    const lookup = el("x-lookup", { search: editor.url("records") }, this.value, el("span", { class: "box" }, icon("search"), text));
    this.value.addEventListener("change", (event) => {
      event.stopPropagation(); // nothing of the form has changed
      if (!this.record) this.out.replaceChildren();
      editor.recheck();
    });
    text.addEventListener("input", (event) => event.stopPropagation());
    const field = el("div", { class: "field" }, el("label", { for: id }, t("record")), lookup);
    this.box = el(
      "details",
      { class: "try" },
      el("summary", {}, icon("flask-conical"), t("try")),
      el("div", { class: "body" }, field, this.out),
    );
  }
  /** The id of the chosen record; empty when there is none. */
  get record() {
    return this.value.value;
  }
  show(tried, examples) {
    if (!tried) {
      this.out.classList.toggle("stale", this.out.childElementCount > 0);
      if (this.record && !this.out.childElementCount) this.out.replaceChildren(el("p", { class: "hint" }, t("later")));
      return;
    }
    this.out.classList.remove("stale");
    const rows = [];
    if (tried.problem) rows.push(row(t("comes_to"), "", el("b", { class: "bad" }, icon("triangle-alert"), tried.problem)));
    else rows.push(row(t("comes_to"), tried.type, el("b", {}, tried.result)));
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
    this.out.replaceChildren(el("dl", { class: "fl tried" }, ...rows), ...(add ? [add] : []), el("p", { class: "hint" }, t("point")));
  }
}

function row(name, note, value) {
  return el("div", {}, el("dt", {}, name, note ? el("small", {}, ` ${note}`) : null), el("dd", {}, value));
}
