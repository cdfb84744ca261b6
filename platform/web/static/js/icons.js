// <x-icons> around <span data-shown>, <input name="icon">: choose an icon of the sprite from a grid that a word narrows. The input keeps its name.
import { el, icon, t, unique } from "./texts.js";

const names = fetch(new URL("../vendor/icons.json", import.meta.url)).then((answer) => answer.json());

class Icons extends HTMLElement {
  connectedCallback() {
    this.box = this.querySelector("input");
    this.shown = this.querySelector("[data-shown]");
    if (!this.box || this.querySelector("[data-choose]")) return;
    const button = el("button", { type: "button", class: "btn", "data-choose": true, "aria-haspopup": "dialog" }, t("choose"));
    button.addEventListener("click", () => this.open(button));
    this.box.addEventListener("input", () => this.show());
    this.box.closest(".affix").after(button);
    this.box.closest(".affix").parentElement.classList.add("flex");
  }
  async show() {
    if ((await names).includes(this.box.value)) this.shown.replaceChildren(icon(this.box.value, "i"));
  }
  async open(button) {
    const all = await names;
    const find = el("input", { class: "in", "aria-label": t("find"), placeholder: t("find"), type: "search" });
    const grid = el("div", { class: "icongrid" });
    const pop = el(
      "div",
      { class: "pop iconpop", popover: true, role: "dialog", "aria-label": t("choose"), id: unique("icons") },
      find,
      grid,
    );
    const draw = () =>
      grid.replaceChildren(
        ...all
          .filter((name) => name.includes(find.value.trim().toLowerCase()))
          .map((name) =>
            el(
              "button",
              {
                type: "button",
                title: name,
                "aria-label": name,
                "aria-pressed": String(name === this.box.value),
                click: () => this.choose(name, pop),
              },
              icon(name, "i"),
            ),
          ),
      );
    find.addEventListener("input", (event) => (event.stopPropagation(), draw()));
    find.addEventListener("change", (event) => event.stopPropagation());
    draw();
    this.append(pop);
    pop.addEventListener("toggle", ({ newState }) => newState === "closed" && pop.remove());
    pop.showPopover({ source: button });
    find.focus();
  }
  choose(name, pop) {
    this.box.value = name;
    this.show();
    pop.hidePopover();
    this.box.dispatchEvent(new Event("input", { bubbles: true }));
    this.box.focus();
  }
}

customElements.define("x-icons", Icons);
