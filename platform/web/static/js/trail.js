// The way from a list through its records. <x-trail list="deal" first="51" total="64" next="/o/deal?…" previous="/o/deal?…"> on the list notes
// what it shows, in this tab; <x-trail record="deal" text="{place} of {total}" back="Previous" forward="Next"> on a record that stands in
// that list shows its place, with the ways to its neighbours, and leads the breadcrumb back to the very list. Past the end of a page it
// asks for the next one.
import { el, icon } from "./texts.js";

const PLACE = (object) => `trail:${object}`;

class Trail extends HTMLElement {
  connectedCallback() {
    try {
      if (this.hasAttribute("list")) this.note(document, location.pathname + location.search, this);
      else this.show();
    } catch {
      // without storage there is no trail: the list is one step back
    }
  }
  /** Keep what a list page shows. */
  note(page, url, trail) {
    const ids = [...page.querySelectorAll("#rows > tr td.first a[href]")].map((link) => link.getAttribute("href"));
    const [first, total, next, previous] = ["first", "total", "next", "previous"].map((name) => trail.getAttribute(name));
    const kept = { url, ids, first: Number(first), total, next, previous };
    sessionStorage.setItem(PLACE(trail.getAttribute("list")), JSON.stringify(kept));
    return kept;
  }
  show() {
    const kept = JSON.parse(sessionStorage.getItem(PLACE(this.getAttribute("record"))) ?? "null");
    const at = kept?.ids.indexOf(location.pathname) ?? -1;
    if (at < 0) return;
    for (const link of document.querySelectorAll("[data-list]")) link.href = kept.url;
    const text = this.getAttribute("text").replace("{place}", kept.first + at).replace("{total}", kept.total);
    this.replaceChildren(
      el("span", { class: "n" }, text),
      this.step("previous", "chevron-left", this.getAttribute("back"), kept.ids[at - 1], kept.previous),
      this.step("next", "chevron-right", this.getAttribute("forward"), kept.ids[at + 1], kept.next),
    );
  }
  step(way, sign, label, url, page) {
    const link = el("a", { class: "btn ghost sm icon", "aria-label": label, title: label, [`data-${way}`]: true }, icon(sign, "i"));
    if (url || page) link.href = url || page;
    else link.setAttribute("aria-disabled", "true");
    if (!url && page) link.addEventListener("click", (event) => (event.preventDefault(), this.turn(way, page)));
    return link;
  }
  /** Go to the first record of the next page of the list, or the last one of the page before. */
  async turn(way, url) {
    const answer = await fetch(url, { credentials: "same-origin" });
    if (!answer.ok) return location.assign(url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const trail = page.querySelector("x-trail[list]");
    const ids = trail ? this.note(page, url, trail).ids : [];
    location.assign((way === "next" ? ids[0] : ids.at(-1)) ?? url);
  }
}

customElements.define("x-trail", Trail);
