// The keyboard. Single letters never act while somebody types or composes, nor under an open dialog, and can be switched off
// (own settings: <body data-keys="off">, this device: the switch in the list of shortcuts).
// A page names its own with data-key="E" on a button or link; data-go="D" and data-create="D" follow G and C.
const WAIT = 1200; // ms between the two letters of G H
let first = null;
let timer;

/** Whether the event belongs to somebody who is typing. */
export function typing(event) {
  if (event.isComposing || event.keyCode === 229) return true;
  const target = event.composedPath()[0];
  if (!(target instanceof Element)) return false;
  if (target.isContentEditable) return true;
  return target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])");
}

function off() {
  if (document.body.dataset.keys === "off") return true;
  try {
    return localStorage.getItem("keys") === "off";
  } catch {
    return false;
  }
}

const letterOf = (name, letter) =>
  [...document.querySelectorAll(`[data-${name}]`)].find((place) => place.dataset[name].toUpperCase() === letter);
const show = (id) => {
  const dialog = document.getElementById(id);
  if (dialog && !dialog.open) dialog.showModal();
};

document.addEventListener("keydown", (event) => {
  if ((event.metaKey || event.ctrlKey) && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    const palette = document.getElementById("palette");
    if (palette?.open) palette.close();
    else show("palette");
    return;
  }
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || typing(event) || off()) return;
  if (document.querySelector("dialog[open]:modal")) return;
  if (act(event)) event.preventDefault();
});

function act(event) {
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  if (first) {
    const place = letterOf(first === "G" ? "go" : "create", key);
    first = null;
    clearTimeout(timer);
    place?.click();
    return Boolean(place);
  }
  if (key === "/") return (show("palette"), true);
  if (key === "?") return (show("shortcuts"), true);
  if (event.shiftKey) return false;
  if (key === "G" || key === "C") {
    first = key;
    timer = setTimeout(() => {
      first = null;
      if (key === "C") letterOf("key", "C")?.click(); // C alone: the page's own New
    }, WAIT);
    return true;
  }
  const own = letterOf("key", key);
  if (own && own.checkVisibility()) return (own.click(), true);
  if (key === "J" || key === "K") return step(key === "J" ? 1 : -1);
  const row = document.querySelector("tr.cursor");
  if (!row) return false;
  if (key === "O" || (key === "Enter" && document.activeElement === document.body)) return (row.querySelector("a[href]")?.click(), true);
  if (key === "X") return (row.querySelector("input[data-select]")?.click(), true);
  return false;
}

// J and K: the next row of a list, or the next record of the list one came from
function step(by) {
  const rows = [...document.querySelectorAll(".tbl.fold > tbody > tr")];
  if (!rows.length) {
    const place = document.querySelector(by > 0 ? "a[data-next]" : "a[data-previous]");
    place?.click();
    return Boolean(place);
  }
  const at = rows.findIndex((row) => row.classList.contains("cursor"));
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
  rows[at]?.classList.remove("cursor");
  next.classList.add("cursor");
  next.querySelector("a[href]")?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  return true;
}

for (const box of document.querySelectorAll("[data-keys-switch]")) {
  box.checked = !off();
  box.addEventListener("change", () => {
    try {
      localStorage.setItem("keys", box.checked ? "on" : "off");
    } catch {
      // without storage the own settings are the only switch
    }
  });
}
