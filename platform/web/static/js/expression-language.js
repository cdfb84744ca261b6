// The expression language as its editor sees it: colours of its words, the call around a place, positions.
// Here: pure functions of a text, and the editor's look. Not here: what names mean (the server), the editor itself (expression.js).

const WORDS = /^(?:TRUE|FALSE|NULL|NOT|AND|OR)\b/i;
// spec/expressions.md section 1: numbers, texts, names with dots, comments, operators
const tokens = {
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

/** The language for CodeMirror. */
export function language(cm) {
  const tokenTable = { function: cm.tags.function(cm.tags.variableName), special: cm.tags.special(cm.tags.variableName) };
  return cm.StreamLanguage.define({ ...tokens, tokenTable });
}

/** Code points (the server's) to UTF-16 positions (the editor's). */
export function place(source, at) {
  let units = 0;
  let points = 0;
  for (const char of source) {
    if (points === at) return units;
    points += 1;
    units += char.length;
  }
  return units;
}

const LEXEME = /\/\*[^]*?(\*\/|$)|"(?:[^"\\]|\\[^])*("|$)|'(?:[^'\\]|\\[^])*('|$)|[A-Za-z$][\w$.:#]*|[(),]/g;

/**
 * What stands around a place: {calls: [{name, from, argument, first}], text}. `calls` go from the outside in; `argument` counts from 0, `first`
 * is the text of the first argument. `text` is where the text begins that the place is inside of, undefined outside of texts and null in a comment.
 */
export function around(source, at) {
  const calls = [];
  let name = null;
  for (const match of source.matchAll(LEXEME)) {
    const found = match[0];
    const index = match.index;
    if (index >= at) break;
    const end = index + found.length;
    const close = match[1] ?? match[2] ?? match[3]; // of a text or comment; empty when it never ends
    if (close !== undefined && (at < end || !close)) return { calls, text: match[1] === undefined ? index : null };
    if (found === "(") calls.push({ name, from: end, argument: 0, first: "" });
    else if (found === ")") calls.pop();
    else if (found === "," && calls.length) {
      const call = calls.at(-1);
      if (call.argument === 0) call.first = source.slice(call.from, index).trim();
      call.argument += 1;
    }
    const ahead = source.slice(end).match(/^\s*\(/);
    name = /^[A-Za-z]/.test(found) && ahead ? found.toUpperCase() : null;
  }
  return { calls, text: undefined };
}
const WITH_VALUES = new Set(["ISPICKVAL", "INCLUDES", "IN", "CASE"]);
const bare = (path) => path.replace(/^(?:TEXT|PRIORVALUE)\s*\(\s*([^)\s]*)\s*\)$/i, "$1");

/** The field that the text beginning at `start` is compared with, as it is written; null if there is none. */
export function comparedWith(source, start, calls) {
  const compared = source.slice(0, start).match(/((?:TEXT|PRIORVALUE)\s*\(\s*[\w$.:]+\s*\)|[A-Za-z$][\w$.:]*)\s*(?:==?|<>|!=)\s*$/i);
  if (compared) return bare(compared[1]);
  const call = calls.at(-1);
  if (!call || !WITH_VALUES.has(call.name) || !call.argument || (call.name === "CASE" && call.argument % 2 === 0)) return null;
  return /^[\w$.:]+$/.test(bare(call.first)) ? bare(call.first) : null;
}

/** How the editor looks. Custom properties come into its shadow root by inheritance; class names do not. */
export function theme(cm) {
  return [looks(cm), cm.syntaxHighlighting(colours(cm))];
}

function looks(cm) {
  return cm.EditorView.theme({
    "&": { fontSize: "12.5px", color: "var(--fg)", backgroundColor: "transparent" },
    "&.cm-focused": { outline: "none" },
    ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px", minHeight: "var(--xe-min, 84px)", letterSpacing: "0" },
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
    ".cm-tooltip.cm-tooltip-autocomplete completion-section": {
      display: "block",
      padding: "8px 7px 2px",
      borderBottom: "none",
      opacity: "1",
      color: "var(--fg-3)",
      fontFamily: "var(--font)",
      fontSize: "11.5px",
    },
    ".cm-part": { display: "grid", gap: "2px", padding: "6px 10px", maxWidth: "420px", fontFamily: "var(--font)", fontSize: "12.5px" },
    ".cm-part code": { fontFamily: "var(--mono)", color: "var(--fg-2)", overflowWrap: "anywhere" },
    ".cm-part small": { color: "var(--fg-3)" },
    ".cm-completionInfo p": { margin: "4px 0" },
    ".cm-completionInfo code": { fontFamily: "var(--mono)", color: "var(--fg-2)" },
    ".cm-completionInfo .eg": { display: "block" },
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
