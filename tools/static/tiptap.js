// The rich text editor: TipTap core with its starter kit, as one module.
export { Editor } from "@tiptap/core";
export { StarterKit } from "@tiptap/starter-kit";
