// <x-expression label="Formula" about="object=deal&use=formula" [with="returns scale"] [prefix="="] [try] [api="/setup/expressions"]>
//   <textarea name="formula">…</textarea></x-expression>: an editor for the expression language over a textarea, which is what is sent.
// `with`: controls of the form that are asked about too, as they stand. `prefix`: only what begins with it is an expression; the rest is a value.
// `try`: offers to try it on a record; its value is what the box for the record is called. A <textarea data-examples> in the same .expression becomes the list of examples (expression-examples.js).
// Asked of the server, each with ?about: GET functions, GET complete?path=, GET values?path=, GET records?q=, and
// - POST check {"source", "record"?, "edited"?, "examples"?} → {"ok", "problems": [{"text", "start", "end", "severity", "fix"?, "returns"?, "returns_text"?}], "type"?, "note"?,
//   "reads"?: [{"in", "path", "label", "kind", "figure"?, "given"?}] (where an example holds it; only of the figure of a roll-up; only some examples have it), "edited"?: label of the box for a second record, "tried"?: {"result" or "problem" and "then", "of"?, "type", "parts": [{"start", "end", "type", "value", "error"?, "skipped"?}], "reads", "example"?, "differs"?: how the example is not what came out},
//   "examples"?: [{"ok", "text"}]}; start and end count characters (code points) from 0, as errors.Span does.
// The editor lives in a shadow root: its styles are adopted there, so that no page needs a nonce. Its parts take the tokens of app.css.
import { Examples } from "./expression-examples.js";
import { around, comparedWith, language, place, theme } from "./expression-language.js";
import { Trial } from "./expression-trial.js";
import { ask, meaning } from "./http.js";
import { goTo } from "./refused.js";
import { el, icon, settled, t } from "./texts.js";

const NAME = /[\p{L}$][\p{L}\w$.:#]*/u; // a label may be typed as well as an API name
const known = new Map(); // address → what it answered: editors of one page share it

async function learn(url) {
  if (!known.has(url))
    known.set(
      url,
      ask(url, { quiet: true }).then(({ ok, data }) => {
        if (!ok) known.delete(url);
        return ok ? data : null;
      }),
    );
  return known.get(url);
}

class Expression extends HTMLElement {
  async connectedCallback() {
    if (this.view || this.loading) return;
    this.loading = true;
    this.area = this.querySelector("textarea");
    if (!this.area || this.area.disabled || this.area.readOnly) return;
    const cm = await import("../vendor/codemirror.js");
    if (!this.isConnected) return;
    this.cm = cm;
    this.asked = 0;
    this.setAttribute("hx-morph-skip", "");
    this.recheck = settled(() => this.check(), 300);
    this.explain = settled(() => this.help(), 80);
    this.build();
    this.view = new cm.EditorView({ root: this.root, parent: this.root, state: this.state() });
    const focused = document.activeElement === this.area;
    this.area.hidden = true;
    this.listen();
    if (focused) goTo(this.area);
    this.recheck();
  }
  focus() {
    this.view?.focus();
  }
  build() {
    this.host = el("div", { class: "host" });
    this.root = this.host.attachShadow({ mode: "open" });
    this.hint = el("div", { class: "xe-help", "aria-live": "polite" });
    this.status = el("div", { class: "xe-status", role: "status" });
    const offer = (kind, glyph) =>
      el("button", { type: "button", class: "btn ghost sm", click: () => this.offer(kind) }, icon(glyph), el("span", {}, t(kind)));
    this.box = el(
      "div",
      { class: "xe" },
      el("div", { class: "bar" }, offer("fields", "list"), offer("functions", "square-function")),
      this.host,
      this.hint,
    );
    this.append(this.box, this.status);
    if (this.hasAttribute("try")) (this.closest(".field") ?? this).after((this.trial = new Trial(this)).box);
    const written = this.closest(".expression")?.querySelector("textarea[data-examples]");
    if (written) this.examples = new Examples(written, this);
  }
  state() {
    const cm = this.cm;
    const refused = document.getElementById(`${this.area.id}-e`)?.textContent.trim(); // ids do not reach into a shadow root
    return cm.EditorState.create({
      doc: this.area.value,
      extensions: [
        theme(cm),
        language(cm),
        cm.history(),
        cm.drawSelection(),
        cm.bracketMatching(),
        cm.closeBrackets(),
        cm.highlightSpecialChars(),
        cm.autocompletion({ override: [(context) => this.complete(context)], icons: false, defaultKeymap: true, maxRenderedOptions: 200 }),
        cm.hoverTooltip((view, at) => this.hover(at)),
        cm.EditorView.lineWrapping,
        cm.EditorView.domEventHandlers({
          beforeinput: (event, view) => replaceSelected(cm, event, view),
          focus: () => {
            this.begun = this.area.value;
            this.explain();
          },
          // the help stays: what is below must not move away from under the pointer
          blur: () => void (this.begun !== this.area.value && this.area.dispatchEvent(new Event("change", { bubbles: true }))),
        }),
        cm.EditorView.contentAttributes.of({
          "aria-label": this.getAttribute("label") ?? this.area.name,
          "aria-multiline": "true",
          spellcheck: "false",
          autocapitalize: "off",
          ...(refused && { "aria-invalid": "true", "aria-description": refused }),
        }),
        cm.keymap.of([
          ...cm.closeBracketsKeymap,
          ...cm.completionKeymap,
          { key: "Tab", run: cm.acceptCompletion }, // with no list open it goes on to the next control
          ...cm.historyKeymap,
          ...cm.lintKeymap,
          { key: "Mod-Enter", run: () => false },
          ...cm.defaultKeymap.filter((each) => each.key !== "Mod-Enter"),
        ]),
        cm.EditorView.updateListener.of((update) => {
          if (update.docChanged) this.typed();
          if (update.docChanged || update.selectionSet) this.explain();
          if (update.transactions.some((each) => each.scrollIntoView)) update.view.requestMeasure(uncover);
        }),
      ],
    });
  }
  listen() {
    this.area.addEventListener("restored", () => this.set(this.area.value));
    this.area.addEventListener("focus", () => this.view.focus());
    const label = document.querySelector(`label[for="${CSS.escape(this.area.id)}"]`);
    label?.addEventListener("click", () => this.view?.focus());
    if (this.area.getAttribute("aria-invalid")) this.box.classList.add("bad");
    this.changed = (event) => this.beside.includes(event.target.name) && event.target.form === this.area.form && this.recheck();
    if (this.beside.length) document.addEventListener("change", this.changed);
  }
  disconnectedCallback() {
    this.request?.abort();
    document.removeEventListener("change", this.changed);
    this.view?.destroy();
    this.view = null;
    this.loading = false;
    for (const part of [this.box, this.status, this.trial?.box, this.examples?.box]) part?.remove();
    if (this.area) this.area.hidden = false;
  }
  /** Replace the whole text. */
  set(text) {
    this.view?.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
  }
  typed() {
    this.area.value = this.text();
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
    this.box.classList.remove("bad");
    this.recheck();
  }
  text() {
    return this.view.state.doc.toString();
  }
  /** The expression in the text, and how many characters stand before it; null where a plain value stands. */
  source() {
    const text = this.text();
    const prefix = this.getAttribute("prefix") ?? "";
    return text.startsWith(prefix) ? { source: text.slice(prefix.length), before: prefix.length } : null;
  }
  get beside() {
    return (this.getAttribute("with") ?? "").split(" ").filter(Boolean);
  }
  /** The address of one of the server's answers, about the form as it stands. */
  url(what, more = {}) {
    const url = new URL(`${this.getAttribute("api") ?? "/setup/expressions"}/${what}?${this.getAttribute("about") ?? ""}`, location.href);
    const typed = this.area.form ? new FormData(this.area.form) : new FormData();
    for (const name of this.beside) url.searchParams.set(name, typed.getAll(name).at(-1) ?? ""); // a box sends 0, and 1 where it is ticked
    for (const [name, value] of Object.entries(more)) url.searchParams.set(name, value);
    return url.href;
  }

  // --- completion: names after each dot, values between quotation marks, functions anywhere else
  offer(kind) {
    this.only = kind;
    const prefix = this.getAttribute("prefix");
    if (prefix && !this.text()) this.set(prefix);
    if (!this.view.hasFocus) this.view.focus();
    if (this.view.state.selection.main.head < (prefix?.length ?? 0))
      this.view.dispatch({ selection: { anchor: this.view.state.doc.length } });
    this.cm.startCompletion(this.view);
  }
  async complete(context) {
    const only = this.only;
    this.only = null;
    const written = this.source();
    if (!written || context.pos < written.before) return null;
    const { source, before } = written;
    const { calls, text } = around(source, context.pos - before);
    if (text === null) return null;
    if (text !== undefined) return this.values(source, text, context.pos - before, before, calls);
    const word = context.matchBefore(NAME);
    if (!word && !context.explicit) return null;
    const typed = only ? "" : (word?.text ?? "");
    const dot = typed.lastIndexOf(".");
    const path = dot >= 0 ? typed.slice(0, dot) : "";
    const options = only === "functions" ? [] : await this.names(path);
    if (!path && only !== "fields") options.push(...(await this.calls(!typed)));
    return { from: context.pos - (typed.length - (dot + 1)), options, validFor: /^[\p{L}\w$:#]*$/u };
  }
  async names(path) {
    const offered = await learn(this.url("complete", { path }));
    const options = [];
    for (const each of offered?.names ?? []) {
      const said = { type: "property", boost: each.name.startsWith("$") ? 0 : 2, apply: each.relation ? `${each.name}.` : each.name };
      options.push({ ...said, label: each.name, detail: [each.label, each.type].filter(Boolean).join(" · ") });
      // found by its label as well, where that is another word
      if (/[^\x20-\x7e]/.test(each.label)) options.push({ ...said, label: each.label, detail: `${each.name} · ${each.type}`, boost: said.boost - 1 });
    }
    for (const word of offered?.keywords ?? []) options.push({ label: word, type: "keyword" });
    return options;
  }
  /** The functions: in groups where nothing is typed yet, else by how well they fit, among the fields. */
  async calls(grouped) {
    const offered = await learn(this.url("functions"));
    return (offered?.functions ?? []).map((each) => ({
      label: each.name,
      detail: each.calls[0].signature.replace(/^[^(]*/, ""),
      info: () => describe(each),
      type: "function",
      section: grouped ? { name: each.group, rank: offered.functions.findIndex((one) => one.group === each.group) } : undefined,
      apply: (view, _completion, from, to) => {
        const inside = from + each.name.length + (each.calls.some((call) => call.params.length) ? 1 : 2);
        view.dispatch({ changes: { from, to, insert: `${each.name}()` }, selection: { anchor: inside } });
      },
    }));
  }
  async values(source, start, at, before, calls) {
    const path = comparedWith(source, start, calls);
    const offered = path ? await learn(this.url("values", { path })) : null;
    if (!offered?.values?.length) return null;
    const quote = source[start];
    const typed = source.slice(start + 1, at).toLowerCase();
    const found = offered.values.filter((each) => `${each.name}\n${each.label}`.toLowerCase().includes(typed)); // in the order of the picklist
    const options = found.map((each) => ({
      label: each.name,
      detail: each.label === each.name ? "" : each.label,
      type: "constant",
      apply: (view, _completion, from, to) => {
        const end = view.state.sliceDoc(to, to + 1) === quote ? to + 1 : to;
        view.dispatch({ changes: { from, to: end, insert: each.name + quote }, selection: { anchor: from + each.name.length + 1 } });
      },
    }));
    return { from: before + start + 1, options, filter: false };
  }

  // --- help: the call around the caret with its argument, and the value of the part around it
  async help() {
    const written = this.view ? this.source() : null;
    const lines = [];
    if (written && this.begun !== undefined) {
      const at = this.view.state.selection.main.head;
      const { calls } = around(written.source, at - written.before);
      const call = calls.findLast((each) => each.name);
      const offered = call ? await learn(this.url("functions")) : null;
      const found = offered?.functions?.find((each) => each.name === call.name);
      if (found) lines.push(signature(found, call.argument));
      const part = this.partAt(at);
      if (part) lines.push(el("div", { class: "part" }, el("code", {}, part.text), el("span", {}, part.value), el("small", {}, part.type)));
    }
    if (!lines.length) lines.push(el("div", { class: "tip" }, t(written ? "offer" : "constant")));
    const now = lines.map((line) => line.textContent).join("\n");
    if (this.hint.dataset.now === now && this.hint.childElementCount) return;
    this.hint.dataset.now = now;
    this.hint.replaceChildren(...lines);
  }
  /** The smallest part around a place whose value is known, with its text; null where none is. */
  partAt(at) {
    const written = this.source();
    if (!written || this.parts?.source !== written.source) return null;
    const near = this.parts.list.filter((part) => part.from <= at && at <= part.to);
    return near.sort((one, other) => one.to - one.from - (other.to - other.from))[0] ?? null;
  }
  hover(at) {
    const part = this.partAt(at);
    if (!part) return null;
    const dom = () => el("div", { class: "cm-part" }, el("code", {}, part.text), el("b", {}, part.value), el("small", {}, part.type));
    return { pos: part.from, end: part.to, above: true, create: () => ({ dom: dom() }) };
  }

  // --- check: every problem under its characters, what comes out below; the newest answer wins
  async check() {
    if (!this.view) return;
    const written = this.source();
    this.request?.abort();
    this.request = new AbortController();
    const turn = (this.asked += 1);
    const there = Boolean(written?.source.trim());
    const counts = Boolean(written && this.examples?.relation?.value); // a roll-up has a figure without a filter, too
    this.examples?.offer(there, counts);
    const value = written || !this.text().trim() ? null : this.text(); // no expression: perhaps one was meant
    if (!there && !counts && !value) return this.show({ problems: [] }, "", 0);
    const json = value ? { value } : { source: written.source };
    if (!value) Object.assign(json, this.trial?.asked);
    if (!value && (this.examples?.list.length || !there)) json.examples = this.examples.list;
    try {
      const { ok, status, data } = await ask(this.url("check"), { method: "POST", json, signal: this.request.signal, quiet: true });
      if (turn !== this.asked || !this.view) return;
      const shown = [value ?? written.source, written?.before ?? 0];
      if (ok) return this.show(data, ...shown);
      this.show({ problems: [] }, ...shown);
      this.status.replaceChildren(el("span", { class: "warnline" }, icon("triangle-alert"), meaning(status) ?? t("failed")));
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  }
  show(answer, source, before) {
    const end = before + source.length;
    const range = ({ start = 0, end: stop = start }) => {
      const from = Math.min(before + place(source, start), Math.max(before, end - 1));
      return { from, to: Math.min(Math.max(before + place(source, stop), from + 1), Math.max(end, from)) };
    };
    const parts = (answer.tried?.parts ?? []).map((part) => {
      const at = range(part);
      return { ...part, ...at, text: source.slice(at.from - before, at.to - before) };
    });
    this.parts = { source, list: parts };
    const problems = (answer.problems ?? []).map((problem) => ({ ...problem, ...range(problem) }));
    const arose = parts.filter((part) => part.error === "here");
    const failed = (arose.length ? arose : parts.slice(0, 1).filter((part) => part.error)).map((part) => ({
      ...part,
      severity: "warning",
    }));
    const marks = [...problems, ...failed].filter((each) => each.to > each.from).map((each) => this.mark(each));
    this.view.dispatch(this.cm.setDiagnostics(this.view.state, marks));
    this.say(source, answer, problems);
    const refused = document.querySelectorAll(`#${CSS.escape(this.area.id)}-e .err`); // what is told below with its place is told once
    for (const each of refused) each.hidden = problems.some((problem) => each.textContent.trim().endsWith(problem.text));
    if (answer.ok) this.trial?.ask(answer.edited);
    this.trial?.show(answer.tried, this.examples);
    this.examples?.show(answer.examples, answer.reads ?? [], answer.kind);
    this.explain();
  }
  mark({ from, to, severity = "error", text, value, fix }) {
    const actions = fix === undefined ? [] : [{ name: fix || t("remove"), apply: (view, start, stop) => this.put(start, stop, fix) }];
    return { from, to, severity, message: value ?? text, actions };
  }
  put(from, to, insert) {
    this.view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + insert.length } });
    this.view.focus();
  }
  say(source, answer, problems) {
    const lines = problems.map((problem) => this.line(source, problem));
    const fixes = problems.filter((problem) => problem.fix !== undefined);
    if (fixes.length > 1)
      lines.unshift(
        el(
          "div",
          {},
          mend(`${t("mend_all")} (${fixes.length})`, () => this.mend(fixes)),
        ),
      );
    if (answer.ok) {
      const type = answer.type ? ` · ${t("result").replace("{type}", answer.type)}` : "";
      const note = answer.note ? ` · ${answer.note}` : "";
      lines.push(el("span", { class: "okline" }, icon("circle-check"), `${t("valid")}${type}${note}`));
    }
    this.status.replaceChildren(...lines);
    this.box.classList.toggle(
      "bad",
      problems.some((problem) => problem.severity !== "warning"),
    );
  }
  line(source, problem) {
    const until = [...source].slice(0, problem.start ?? 0).join("");
    const line = until.split("\n").length;
    const column = [...until.slice(until.lastIndexOf("\n") + 1)].length + 1;
    const said = t("at").replace("{line}", line).replace("{column}", column).replace("{text}", () => problem.text);
    const kind = problem.severity === "warning" ? "warnline" : "err";
    const jump = el(
      "button",
      { type: "button", class: kind },
      icon(kind === "err" ? "circle-alert" : "triangle-alert"),
      el("span", {}, said),
    );
    jump.addEventListener("click", () => {
      this.view.dispatch({ selection: { anchor: problem.from }, scrollIntoView: true });
      this.view.focus();
    });
    return el(
      "div",
      { class: "told" },
      jump,
      problem.fix !== undefined && mend(problem.fix || t("remove"), () => this.put(problem.from, problem.to, problem.fix)),
      problem.returns && mend(t("returns").replace("{type}", problem.returns_text), () => this.returns(problem.returns)),
    );
  }
  /** Put what was meant everywhere at once. */
  mend(fixes) {
    this.view.dispatch({ changes: fixes.map(({ from, to, fix }) => ({ from, to, insert: fix })) });
    this.view.focus();
  }
  /** Let the field take what the formula gives. */
  returns(type) {
    const select = this.area.form?.elements.namedItem("returns");
    if (!select) return;
    const scale = this.area.form.elements.namedItem("scale");
    if (scale && !scale.value && (type === "currency" || type === "number")) scale.value = "2";
    select.value = type;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

// The bars of the page that stick above and below cover no line in hand: the page scrolls.
const uncover = {
  read(view) {
    const line = view.coordsAtPos(view.state.selection.main.head);
    const below = [...document.querySelectorAll(".formfoot, .tabbar")].filter((bar) => bar.offsetHeight);
    const end = Math.min(innerHeight, ...below.map((bar) => bar.getBoundingClientRect().top)) - 8;
    const start = (document.querySelector(".top")?.offsetHeight ?? 0) + 8;
    return line ? Math.max(line.bottom - end, 0) + Math.min(line.top - start, 0) : 0;
  },
  write: (by) => by && scrollBy(0, by),
};

// Typing over selected coloured text, Chromium would keep its colour in a style attribute, which the policy refuses loudly: it is done here instead.
function replaceSelected(cm, event, view) {
  const { from, to, empty } = view.state.selection.main;
  if (empty || event.inputType !== "insertText" || event.isComposing || event.data === null) return false;
  event.preventDefault();
  const insert = () => view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
  const handled = view.state.facet(cm.EditorView.inputHandler).some((handler) => handler(view, from, to, event.data, insert));
  if (!handled) view.dispatch(insert());
  return true;
}

const mend = (name, run) => el("button", { type: "button", class: "btn sm", click: run }, icon("wand-sparkles"), el("span", {}, name));

/** A text of the catalogue, whose words between back quotes are code. */
const prose = (text) => text.split("`").map((part, at) => (at % 2 ? el("code", {}, part) : part));

function describe(fn) {
  const ways = new Map(); // calls that are written alike and do the same stand there once, with the examples of all
  for (const call of fn.calls) {
    const head = [`${call.signature}${call.type ? ` → ${call.type}` : ""}`, call.doc];
    const way = ways.get(head.join("\n")) ?? { head, examples: [] };
    way.examples.push(...call.examples);
    ways.set(head.join("\n"), way);
  }
  const parts = [...ways.values()].flatMap(({ head: [signature, doc], examples }) => [
    el("b", {}, signature),
    el("p", {}, ...prose(doc)),
    ...examples.map((each) => el("code", { class: "eg" }, each)),
  ]);
  return el("div", { class: "cm-fn" }, ...parts);
}

/** The call as it is written, with the argument in hand marked, and what the function does. */
function signature(fn, argument) {
  const takes = (call) => argument < call.params.length || call.params.at(-1)?.repeats;
  const call = fn.calls.find(takes) ?? fn.calls[0];
  const hand = Math.min(argument, call.params.length - 1);
  const params = call.params.map((param, at) => {
    const text = `${param.optional ? "[" : ""}${param.name}${param.repeats ? ", …" : ""}${param.optional ? "]" : ""}`;
    return [at ? ", " : "", at === hand ? el("mark", {}, text) : text];
  });
  const type = call.params[hand]?.type;
  return el(
    "div",
    { class: "sig" },
    el("code", {}, `${fn.name}(`, ...params.flat(), ")"),
    type ? el("small", {}, `${call.params[hand].name}: ${type}`) : null,
    el("span", {}, ...prose(call.doc)),
  );
}

customElements.define("x-expression", Expression);
