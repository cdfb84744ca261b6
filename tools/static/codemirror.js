// What an expression or template editor needs of CodeMirror 6, as one module.
export { EditorState, Compartment, StateEffect, StateField, Prec } from "@codemirror/state";
export {
  EditorView,
  keymap,
  drawSelection,
  placeholder,
  highlightSpecialChars,
  hoverTooltip,
  tooltips,
  lineNumbers,
} from "@codemirror/view";
export { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
export { StreamLanguage, HighlightStyle, syntaxHighlighting, bracketMatching } from "@codemirror/language";
export {
  autocompletion,
  completionKeymap,
  startCompletion,
  acceptCompletion,
  closeBrackets,
  closeBracketsKeymap,
  snippet,
} from "@codemirror/autocomplete";
export { linter, forceLinting, setDiagnostics, lintKeymap } from "@codemirror/lint";
export { tags } from "@lezer/highlight";
