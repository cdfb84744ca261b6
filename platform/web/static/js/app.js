// Every page loads this one. Here: what all pages share, and which element comes from which file.
// An element's file is loaded when the element first appears, also after an htmx swap.
import "./toast.js";
import "./shortcuts.js";
import { complain } from "./http.js";
import { toast } from "./toast.js";
import { settled } from "./texts.js";

const ELEMENTS = {
  "x-board": () => import("./board.js"),
  "x-cells": () => import("./cells.js"),
  "x-depends": () => import("./depends.js"),
  "x-expression": () => import("./expression.js"),
  "x-form": () => import("./form.js"),
  "x-icons": () => import("./icons.js"),
  "x-import-progress": () => import("./import-progress.js"),
  "x-layout-builder": () => import("./layout-builder.js"),
  "x-lookup": () => import("./lookup.js"),
  "x-narrow": () => import("./narrow.js"),
  "x-palette": () => import("./palette.js"),
  "x-rich": () => import("./rich.js"),
  "x-selection": () => import("./selection.js"),
  "x-sortable": () => import("./sortable.js"),
  "x-trail": () => import("./trail.js"),
};
const later = ELEMENTS["x-palette"]; // large enough to wait until somebody opens it
delete ELEMENTS["x-palette"];
document.getElementById("palette")?.addEventListener("beforetoggle", () => later(), { once: true });

function load() {
  for (const found of document.querySelectorAll(":not(:defined)")) {
    const name = found.localName;
    ELEMENTS[name]?.();
    delete ELEMENTS[name];
  }
}
load();
new MutationObserver(settled(load, 20)).observe(document.body, { childList: true, subtree: true });

// dialogs, themes
const opener = new WeakMap();
document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  if (!target) return;
  const open = target.closest("[data-open]");
  if (open) {
    const dialog = document.getElementById(open.dataset.open);
    open.closest("dialog[open]")?.close();
    open.closest("[popover]")?.hidePopover();
    if (dialog && !dialog.open) {
      opener.set(dialog, open);
      dialog.showModal();
      dialog.querySelector("x-expression")?.focus(); // what it shows is no form control: the first button would have it
    }
  }
  if (target.closest("[data-close]")) target.closest("dialog")?.close();
  const theme = target.closest("[data-theme-set]");
  if (theme) setTheme(theme.dataset.themeSet);
  const said = target.closest("[data-toast]");
  if (said) toast(said.dataset.toast);
  if (
    target.matches("dialog.dlg, dialog.cmdk, dialog.drawer") &&
    outside(target, event) &&
    !target.querySelector("[data-dirty]:not([hidden])")
  )
    target.close();
});
for (const each of document.querySelectorAll("dialog.dlg[open]")) {
  each.close(); // the server opened it for browsers without scripts; with them it is like any other
  each.showModal();
}
document.addEventListener("close", (event) => opener.get(event.target)?.focus(), true);

function outside(dialog, event) {
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

function setTheme(value) {
  document.documentElement.dataset.theme = value;
  try {
    localStorage.setItem("theme", value);
  } catch {
    // storage may be switched off: the theme holds for this page
  }
  document.cookie = `fs_theme=${value};path=/;max-age=31536000;samesite=lax`;
  showTheme();
}
function showTheme() {
  for (const button of document.querySelectorAll("[data-theme-set]"))
    button.setAttribute("aria-pressed", String(button.dataset.themeSet === document.documentElement.dataset.theme));
}
showTheme();

// the reader's own modifier key
if (/Mac|iPhone|iPad/.test(navigator.platform))
  for (const key of document.querySelectorAll("[data-mod]")) key.textContent = `⌘ ${key.dataset.mod}`;

// on a phone the current stage, page and tab are in sight
for (const now of document.querySelectorAll(".path .now, .subnav [aria-current], .tabs [aria-current]")) {
  const row = now.parentElement;
  row.scrollLeft = now.offsetLeft - row.offsetLeft - 60;
}

// htmx: a thin line while it works, errors as toasts
let running = 0;
const busy = document.querySelector(".busy");
const count = (by) => busy?.classList.toggle("on", (running = Math.max(0, running + by)) > 0);
document.addEventListener("htmx:before:request", () => count(1));
document.addEventListener("htmx:finally:request", () => count(-1));
document.addEventListener("htmx:response:error", ({ detail: { ctx } }) =>
  complain(ctx.response.status, ctx.response.headers.get("Request-Id")),
);
// a morph takes away what scripts had added: each element puts it back
document.addEventListener("htmx:after:swap", () => {
  for (const each of document.querySelectorAll("x-lookup, x-depends")) each.refresh?.();
});
document.addEventListener("htmx:error", ({ detail }) => detail.ctx && complain(0));

// no connection
const connection = () => document.body.classList.toggle("is-offline", !navigator.onLine);
addEventListener("online", connection);
addEventListener("offline", connection);
connection();

// a draft whose form is gone was saved; on the sign-in page it is only waiting
try {
  const sent = sessionStorage.getItem("draft-sent");
  if (sent && !document.querySelector("[data-signin]")) {
    const still = [...document.querySelectorAll("x-form[draft]")].some((form) => sent.endsWith(`:${form.getAttribute("draft")}`));
    if (!still) localStorage.removeItem(sent);
    sessionStorage.removeItem("draft-sent");
  }
} catch {
  // no storage, no drafts
}
