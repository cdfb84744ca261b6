// The page's words for scripts (base.html puts them into #texts) and small things every script needs.
const place = document.getElementById("texts");
const words = place ? JSON.parse(place.textContent) : {};

/** A text in the reader's language. */
export const t = (key) => words[key] ?? key;

/** Say something in the polite live region, for those who cannot see that it changed. */
export function announce(text) {
  const region = document.getElementById("live");
  if (!region) return;
  region.textContent = "";
  setTimeout(() => (region.textContent = text), 60);
}

const sprite = new URL("../vendor/icons.svg", import.meta.url).pathname;

/** An icon of the sprite as an element. */
export function icon(name, cls = "i i-s") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", cls);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

/** Build an element: el("li", {class: "opt", "aria-selected": "true"}, child, "text"). True gives a bare attribute, null and false none. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** `text` with every occurrence of `part` marked, as nodes. */
export function marked(text, part) {
  const out = document.createDocumentFragment();
  const low = text.toLowerCase();
  const want = part.trim().toLowerCase();
  let from = 0;
  // a letter that changes its length when lowered would shift the positions: then nothing is marked
  for (let at = want && low.length === text.length ? low.indexOf(want) : -1; at >= 0; at = low.indexOf(want, from)) {
    out.append(text.slice(from, at), el("mark", {}, text.slice(at, at + want.length)));
    from = at + want.length;
  }
  out.append(text.slice(from));
  return out;
}

/** Call `fn` once, `ms` after the last call. */
export function settled(fn, ms) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => fn(...args), ms);
  };
}

let last = 0;
/** An id that no other element has. */
export const unique = (prefix) => `${prefix}-${(last += 1)}`;
