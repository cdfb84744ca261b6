// <x-rich label="Body"><textarea name="body">HTML</textarea></x-rich>: rich text over a textarea. The textarea holds the HTML and is what is sent;
// the server cleans it. The editor (a large file) is loaded only here. Without JavaScript the textarea stays.
import { el, icon, t } from "./texts.js";

const TOOLS = [
  ["bold", "bold", "toggleBold", "bold"],
  ["italic", "italic", "toggleItalic", "italic"],
  ["strikethrough", "strike", "toggleStrike", "strike"],
  ["list", "bullets", "toggleBulletList", "bulletList"],
  ["list-ordered", "numbers", "toggleOrderedList", "orderedList"],
  ["text", "quote", "toggleBlockquote", "blockquote"],
  ["undo-2", "undo", "undo", null],
  ["redo-2", "redo", "redo", null],
];

class Rich extends HTMLElement {
  async connectedCallback() {
    if (this.editor || this.loading) return;
    this.loading = true;
    const area = this.querySelector("textarea");
    if (!area || area.disabled || area.readOnly) return;
    const { Editor, StarterKit } = await import("../vendor/tiptap.js");
    if (!this.isConnected) return;
    this.setAttribute("hx-morph-skip", "");
    const bar = el("div", { class: "bar", role: "toolbar", "aria-label": this.getAttribute("label") ?? "" });
    const host = el("div");
    const described = area.getAttribute("aria-describedby");
    this.editor = new Editor({
      element: host,
      injectCSS: false,
      extensions: [StarterKit.configure({ link: { openOnClick: false, protocols: ["mailto", "tel"] } })],
      content: area.value,
      editorProps: {
        attributes: {
          role: "textbox",
          "aria-multiline": "true",
          "aria-label": this.getAttribute("label") ?? area.name,
          ...(described ? { "aria-describedby": described } : {}),
          ...(area.getAttribute("aria-invalid") ? { "aria-invalid": "true" } : {}),
        },
      },
      onUpdate: ({ editor }) => {
        area.value = editor.isEmpty ? "" : editor.getHTML();
        area.dispatchEvent(new Event("input", { bubbles: true }));
      },
      onTransaction: ({ editor }) => {
        for (const [button, mark] of this.marks ?? []) button.setAttribute("aria-pressed", String(editor.isActive(mark)));
      },
    });
    this.marks = [];
    for (const [glyph, text, command, mark] of TOOLS) {
      const button = el("button", { type: "button", class: "btn ghost sm icon", "aria-label": t(text), title: t(text) }, icon(glyph));
      button.addEventListener("click", () => this.editor.chain().focus()[command]().run());
      if (mark) this.marks.push([button, mark]);
      bar.append(button);
    }
    area.addEventListener("restored", () => this.editor.commands.setContent(area.value));
    area.addEventListener("focus", () => this.editor.commands.focus());
    area.hidden = true;
    this.append(el("div", { class: "rich" }, bar, host));
  }
  disconnectedCallback() {
    this.editor?.destroy();
    this.editor = null;
    this.loading = false;
    this.querySelector(".rich")?.remove();
    const area = this.querySelector("textarea");
    if (area) area.hidden = false;
  }
}

customElements.define("x-rich", Rich);
