// <x-expression label="Formula" [complete="/url"] [check="/url"] [context='{"object": "deal"}']><textarea name="formula">…</textarea></x-expression>:
// an editor for the expression language over a textarea, which is what is sent. Without JavaScript the textarea stays.
// - complete: GET complete?path=account (path: relation before the last dot, "" at the start) →
//   {"names": [{"name", "type", "label", "relation": true if a dot may follow}], "functions": [{"name", "signature", "doc", "example", "type"}], "keywords": []}
// - check: POST JSON {"source", …context} →
//   {"ok", "type": "checkbox", "note": "true for 27 of 64 records", "words": "in plain words", "problems": [{"text", "start", "end", "severity": "error|warning", "fix": "annual_revenue"}]}
//   start and end count characters (code points) from 0, as errors.Span does.
// The editor lives in a shadow root: its styles are adopted there, so that no page needs a nonce. Its parts take the tokens of app.css.
import { el, icon, settled, t } from "./texts.js";
import { ask } from "./http.js";

const WORDS = /^(?:TRUE|FALSE|NULL|NOT|AND|OR)\b/i;
// spec/expressions.md section 1: numbers, texts, names with dots, comments, operators
const language = {
  name: "expression",
  startState: () => ({ comment: false }),
  token(stream, state) {
    if (state.comment) {
      if (stream.match(/.*?\*\//)) state.comment = false;
      else stream.skipToEnd();
      return "comment";
    }
    if (stream.eatSpace()) return null;
    if (stream.match("/*")) {
      state.comment = true;
      return "comment";
    }
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/) || stream.match(/^'(?:[^'\\]|\\.)*'?/)) return "string";
    if (stream.match(/^\d+(?:\.\d+)?/)) return "number";
    if (stream.match(WORDS) && !/[\w.$]/.test(stream.peek() ?? "")) return "keyword";
    if (stream.match(/^[A-Za-z$][\w$.:#]*/))
      return /^\s*\(/.test(stream.string.slice(stream.pos)) ? "function" : stream.current().startsWith("$") ? "special" : "variableName";
    if (stream.match(/^(?:==|<>|!=|<=|>=|&&|\|\||[-+*/^&=<>!])/)) return "operator";
    stream.next();
    return null;
  },
  tokenTable: {},
};

// code points (the server's) to UTF-16 positions (the editor's)
function place(source, at) {
  let units = 0;
  let points = 0;
  for (const char of source) {
    if (points === at) return units;
    points += 1;
    units += char.length;
  }
  return units;
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
    this.setAttribute("hx-morph-skip", "");
    this.cache = new Map();
    this.host = el("div", { class: "host" });
    this.status = el("div", { class: "xe-status", role: "status" });
    this.box = el("div", { class: "xe" }, this.host);
    const root = this.host.attachShadow({ mode: "open" });
    const lang = cm.StreamLanguage.define({
      ...language,
      tokenTable: { function: cm.tags.function(cm.tags.variableName), special: cm.tags.special(cm.tags.variableName) },
    });
    this.view = new cm.EditorView({
      root,
      parent: root,
      state: cm.EditorState.create({
        doc: this.area.value,
        extensions: [
          theme(cm),
          cm.syntaxHighlighting(colours(cm)),
          lang,
          cm.history(),
          cm.drawSelection(),
          cm.bracketMatching(),
          cm.closeBrackets(),
          cm.highlightSpecialChars(),
          cm.autocompletion({ override: [(context) => this.complete(context)], icons: false, defaultKeymap: true }),
          cm.linter((view) => this.check(view), { delay: 350 }),
          cm.EditorView.lineWrapping,
          cm.EditorView.domEventHandlers({
            beforeinput: (event, view) => replaceSelected(cm, event, view),
            focus: () => void (this.begun = this.area.value),
            blur: () => void (this.begun !== this.area.value && this.area.dispatchEvent(new Event("change", { bubbles: true }))),
          }),
          cm.EditorView.contentAttributes.of({
            "aria-label": this.getAttribute("label") ?? this.area.name,
            "aria-multiline": "true",
            spellcheck: "false",
            autocapitalize: "off",
          }),
          cm.keymap.of([
            ...cm.closeBracketsKeymap,
            ...cm.completionKeymap,
            ...cm.historyKeymap,
            ...cm.lintKeymap,
            { key: "Mod-Enter", run: () => false },
            ...cm.defaultKeymap.filter((each) => each.key !== "Mod-Enter"),
          ]),
          cm.EditorView.updateListener.of((update) => update.docChanged && this.typed()),
        ],
      }),
    });
    this.area.hidden = true;
    this.append(this.box, this.status);
    this.area.addEventListener("restored", () => this.set(this.area.value));
    this.area.addEventListener("focus", () => this.view.focus());
    const label = document.querySelector(`label[for="${CSS.escape(this.area.id)}"]`);
    label?.addEventListener("click", () => this.view.focus());
    if (this.area.getAttribute("aria-invalid")) this.box.classList.add("bad");
    if (this.area.value.trim()) cm.forceLinting(this.view);
  }
  disconnectedCallback() {
    this.view?.destroy();
    this.view = null;
    this.loading = false;
    this.box?.remove();
    this.status?.remove();
    if (this.area) this.area.hidden = false;
  }
  /** Replace the whole text. */
  set(text) {
    this.view?.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
  }
  /** Put `text` where the cursor is; for lists of fields and functions beside the editor. */
  insert(text) {
    const { from, to } = this.view.state.selection.main;
    this.view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + text.length } });
    this.view.focus();
  }
  typed() {
    this.area.value = this.view.state.doc.toString();
    this.area.dispatchEvent(new Event("input", { bubbles: true }));
    this.box.classList.remove("bad");
  }

  // completion: names after each dot, functions anywhere else
  async complete(context) {
    const before = context.matchBefore(/[A-Za-z$][\w$.:#]*/);
    if (!before && !context.explicit) return null;
    const inText = /^(?:[^"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*["'][^"']*$/.test(context.state.sliceDoc(0, context.pos));
    if (inText) return null;
    const typed = before?.text ?? "";
    const dot = typed.lastIndexOf(".");
    const path = dot >= 0 ? typed.slice(0, dot) : "";
    const offered = await this.names(path);
    if (!offered) return null;
    const options = (offered.names ?? []).map((each) => ({
      label: each.name,
      detail: each.type,
      info: each.label,
      type: "property",
      boost: 2,
      apply: each.relation ? `${each.name}.` : each.name,
    }));
    if (!path) {
      for (const each of offered.functions ?? []) {
        options.push({
          label: each.name,
          detail: each.signature?.replace(/^[^(]*/, "") ?? "",
          info: () => describe(each),
          type: "function",
          apply: (view, _completion, from, to) =>
            view.dispatch({ changes: { from, to, insert: `${each.name}()` }, selection: { anchor: from + each.name.length + 1 } }),
        });
      }
      for (const word of offered.keywords ?? ["TRUE", "FALSE", "NULL"]) options.push({ label: word, type: "keyword" });
    }
    return { from: context.pos - (typed.length - (dot + 1)), options, validFor: /^[\w$:#]*$/ };
  }
  async names(path) {
    const url = this.getAttribute("complete");
    if (!url) return null;
    const key = path.toLowerCase();
    if (!this.cache.has(key)) {
      const asked = new URL(url, location.href);
      asked.searchParams.set("path", path);
      const { ok, data } = await ask(asked, { quiet: true });
      this.cache.set(key, ok ? data : null);
    }
    return this.cache.get(key);
  }

  // check: every problem under its characters, the result type below
  async check(view) {
    const source = view.state.doc.toString();
    const url = this.getAttribute("check");
    if (!url || !source.trim()) {
      this.status.replaceChildren();
      return [];
    }
    this.request?.abort();
    this.request = new AbortController();
    let answer;
    try {
      answer = await ask(url, {
        method: "POST",
        json: { ...JSON.parse(this.getAttribute("context") ?? "{}"), source },
        signal: this.request.signal,
        quiet: true,
      });
    } catch (error) {
      if (error.name === "AbortError") return [];
      throw error;
    }
    if (!answer.data || typeof answer.data !== "object") return [];
    const problems = answer.data.problems ?? [];
    this.say(source, answer.data, problems);
    const end = source.length;
    return problems.map((problem) => {
      let from = Math.min(place(source, problem.start ?? 0), end);
      const to = Math.min(Math.max(place(source, problem.end ?? problem.start ?? 0), from + 1), end);
      if (from >= to) from = Math.max(0, to - 1);
      return {
        from,
        to,
        severity: problem.severity ?? "error",
        message: problem.text,
        actions: problem.fix
          ? [
              {
                name: problem.fix,
                apply: (editor, start, stop) => editor.dispatch({ changes: { from: start, to: stop, insert: problem.fix } }),
              },
            ]
          : [],
      };
    });
  }
  say(source, answer, problems) {
    const lines = problems.map((problem) => {
      const until = [...source].slice(0, problem.start ?? 0).join("");
      const line = until.split("\n").length;
      const column = [...until.slice(until.lastIndexOf("\n") + 1)].length + 1;
      const kind = problem.severity === "warning" ? "warnline" : "err";
      const jump = el(
        "button",
        { type: "button", class: kind },
        icon(kind === "err" ? "circle-alert" : "triangle-alert"),
        el("span", {}, `${t("line")} ${line}, ${t("column")} ${column}: ${problem.text}`),
      );
      jump.addEventListener("click", () => {
        this.view.dispatch({ selection: { anchor: place(source, problem.start ?? 0) }, scrollIntoView: true });
        this.view.focus();
      });
      return jump;
    });
    if (answer.ok) {
      const type = answer.type ? ` · ${t("result")}: ${answer.type}` : "";
      const note = answer.note ? ` · ${answer.note}` : "";
      lines.push(el("span", { class: "okline" }, icon("circle-check"), `${t("valid")}${type}${note}`));
    }
    if (answer.words) lines.push(el("span", { class: "hint" }, answer.words));
    this.status.replaceChildren(...lines);
    this.box.classList.toggle(
      "bad",
      problems.some((problem) => problem.severity !== "warning"),
    );
  }
}

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

function describe(fn) {
  return el(
    "div",
    { class: "cm-fn" },
    el("b", {}, fn.signature ?? fn.name),
    fn.doc ? el("p", {}, fn.doc) : null,
    fn.example ? el("code", {}, fn.example) : null,
  );
}

// custom properties go into the shadow root by inheritance; class names do not
function theme(cm) {
  return cm.EditorView.theme({
    "&": { fontSize: "12.5px", color: "var(--fg)", backgroundColor: "transparent" },
    "&.cm-focused": { outline: "none" },
    ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px", minHeight: "84px", letterSpacing: "0" },
    ".cm-content": { padding: "8px 0", caretColor: "var(--fg)" },
    ".cm-line": { padding: "0 10px" },
    ".cm-cursor": { borderLeftColor: "var(--fg)" },
    "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--bg-active) !important" },
    ".cm-matchingBracket": { backgroundColor: "var(--bg-active)", outline: "1px solid var(--line-2)" },
    ".cm-nonmatchingBracket": { color: "var(--bad)" },
    ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad) 1px", textUnderlineOffset: "4px" },
    ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--warn) 1px", textUnderlineOffset: "4px" },
    ".cm-lintPoint::after": { display: "none" },
    ".cm-tooltip": {
      border: "1px solid var(--line-2)",
      borderRadius: "7px",
      backgroundColor: "var(--bg-raised)",
      color: "var(--fg)",
      boxShadow: "var(--shadow-3)",
      zIndex: "40",
    },
    ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "220px", padding: "4px" },
    ".cm-tooltip.cm-tooltip-autocomplete > ul > li": {
      padding: "4px 7px",
      borderRadius: "5px",
      lineHeight: "18px",
      display: "flex",
      gap: "8px",
      alignItems: "center",
    },
    ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--bg-active)", color: "var(--fg)" },
    ".cm-completionMatchedText": { textDecoration: "none", color: "var(--accent)", fontWeight: "700" },
    ".cm-completionDetail": { marginLeft: "auto", fontStyle: "normal", color: "var(--fg-2)", fontFamily: "var(--font)", fontSize: "12px" },
    ".cm-completionInfo": { padding: "8px 10px", maxWidth: "320px", fontFamily: "var(--font)", fontSize: "12.5px", lineHeight: "18px" },
    ".cm-completionInfo p": { margin: "4px 0" },
    ".cm-completionInfo code": { fontFamily: "var(--mono)", color: "var(--fg-2)" },
    ".cm-diagnostic": {
      padding: "6px 10px",
      borderLeft: "3px solid var(--bad)",
      fontFamily: "var(--font)",
      fontSize: "12.5px",
      maxWidth: "420px",
    },
    ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
    ".cm-diagnosticAction": {
      backgroundColor: "var(--bg-subtle)",
      color: "var(--fg)",
      border: "1px solid var(--line-2)",
      borderRadius: "5px",
      padding: "1px 8px",
      marginLeft: "6px",
      fontFamily: "var(--mono)",
    },
  });
}
function colours(cm) {
  const tag = cm.tags;
  return cm.HighlightStyle.define([
    { tag: [tag.function(tag.variableName), tag.keyword], color: "light-dark(oklch(0.47 0.17 300), oklch(0.8 0.11 300))" },
    { tag: tag.string, color: "light-dark(oklch(0.45 0.11 155), oklch(0.82 0.11 155))" },
    { tag: tag.number, color: "light-dark(oklch(0.5 0.13 40), oklch(0.83 0.1 60))" },
    { tag: tag.special(tag.variableName), color: "light-dark(oklch(0.47 0.13 240), oklch(0.8 0.1 240))" },
    { tag: tag.comment, color: "var(--fg-3)", fontStyle: "italic" },
    { tag: tag.operator, color: "var(--fg-2)" },
  ]);
}

customElements.define("x-expression", Expression);
