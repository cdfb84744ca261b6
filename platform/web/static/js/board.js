// <x-board post="/o/deal/{id}/move" field="stage">: columns of cards. Inside: ol[data-list="<value>"] with li[data-id][data-version];
// each column may show [data-count], .sum and its name in [data-name]. A card goes by dragging, by Alt+Left and Alt+Right, or by its [data-move] menu.
// Posts JSON {"field", "value", "row_version", "before": id of the card below or null}; answers
//   200 {"row_version": 5, "columns": {"won": {"count": 3, "sum": "€ 822k"}}, "card": "<li …>" (optional)},
//   422 {"error": "…", "form": "/url of a form that asks what is missing" (optional)}, 409 {"error": "…"}: the card goes back.
import Sortable from "../vendor/sortable.js";
import { announce, el, icon, t, unique } from "./texts.js";
import { ask } from "./http.js";
import { toast } from "./toast.js";

class Board extends HTMLElement {
  connectedCallback() {
    if (this.sortables) return;
    this.lists = [...this.querySelectorAll("ol[data-list]")];
    this.sortables = this.lists.map((list) =>
      Sortable.create(list, {
        group: "board",
        draggable: ".kc",
        animation: 130,
        delay: 180,
        delayOnTouchOnly: true,
        filter: ".mv",
        preventOnFilter: false,
        onMove: ({ to }) => this.over(to),
        onEnd: ({ item, from, to, oldIndex }) => {
          this.over(null);
          if (from !== to) this.moved(item, from, to, oldIndex);
        },
      }),
    );
    this.addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("click", (event) => {
      const button = event.target.closest("[data-move]");
      if (button) this.menu(button);
    });
  }
  disconnectedCallback() {
    this.sortables?.forEach((each) => each.destroy());
    this.sortables = null;
    this.popup?.remove();
  }
  over(list) {
    for (const each of this.lists) each.closest(".col")?.classList.toggle("over", each === list);
  }
  name(list) {
    return list.closest(".col")?.querySelector("[data-name]")?.textContent ?? list.dataset.list;
  }
  key(event) {
    const card = event.target.closest?.(".kc");
    if (!card || !event.altKey || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
    const from = card.parentElement;
    const to = this.lists[this.lists.indexOf(from) + (event.key === "ArrowRight" ? 1 : -1)];
    if (to) this.put(card, to);
  }
  menu(button) {
    this.popup?.remove();
    const card = button.closest(".kc");
    const id = unique("move");
    this.popup = el("div", { class: "menu", id, popover: true }, el("p", { class: "nav-h" }, t("move")));
    for (const list of this.lists) {
      const here = list === card.parentElement;
      const choice = el(
        "button",
        { type: "button", disabled: here, "aria-current": here ? "true" : null },
        el("span", { class: "l" }, this.name(list)),
      );
      choice.addEventListener("click", () => (this.popup.hidePopover(), this.put(card, list)));
      this.popup.append(choice);
    }
    button.after(this.popup);
    this.popup.addEventListener("toggle", ({ newState }) => newState === "closed" && this.popup.remove());
    this.popup.showPopover({ source: button });
    this.popup.querySelector("button:not([disabled])")?.focus();
  }
  put(card, to) {
    const from = card.parentElement;
    const oldIndex = [...from.children].indexOf(card);
    to.prepend(card);
    this.show(card);
    this.moved(card, from, to, oldIndex);
  }
  /** Bring a card that was put elsewhere into sight; being put took the focus away. */
  show(card) {
    card.scrollIntoView({ block: "nearest", inline: "nearest" });
    (card.querySelector("a[href]") ?? card).focus();
  }
  recount() {
    for (const list of this.lists) {
      const count = list.closest(".col")?.querySelector("[data-count]");
      if (count && !count.dataset.more) count.textContent = list.querySelectorAll(".kc").length;
    }
  }
  async moved(card, from, to, oldIndex, undoing = false) {
    this.recount();
    card.classList.add("saving");
    const { ok, status, data } = await ask(this.getAttribute("post").replace("{id}", encodeURIComponent(card.dataset.id)), {
      method: "POST",
      json: {
        field: this.getAttribute("field"),
        value: to.dataset.list,
        row_version: Number(card.dataset.version ?? 0),
        before: card.nextElementSibling?.dataset.id ?? null,
      },
    });
    card.classList.remove("saving");
    if (!ok) {
      from.insertBefore(card, from.children[oldIndex] ?? null);
      this.show(card);
      this.recount();
      if (status === 422 && data?.form) return location.assign(data.form);
      if (data?.error) toast(data.error, { kind: "bad", seconds: 12 });
      announce(`${t("moved_back")} ${this.name(from)}`);
      return;
    }
    if (data?.row_version !== undefined) card.dataset.version = data.row_version;
    for (const [value, column] of Object.entries(data?.columns ?? {})) {
      const col = this.lists.find((list) => list.dataset.list === value)?.closest(".col");
      if (!col) continue;
      if (column.count !== undefined && col.querySelector("[data-count]")) col.querySelector("[data-count]").textContent = column.count;
      if (column.sum !== undefined && col.querySelector(".sum")) col.querySelector(".sum").textContent = column.sum;
    }
    if (data?.card) {
      const fresh = new DOMParser().parseFromString(data.card, "text/html").querySelector(".kc");
      if (fresh) {
        card.replaceWith(document.adoptNode(fresh));
        window.htmx?.process(fresh);
        card = fresh;
      }
    }
    const text = `${t(undoing ? "moved_back" : "moved")} ${this.name(to)}`;
    if (undoing) return announce(text);
    toast(text, {
      kind: "ok",
      undo: () => {
        const at = [...to.children].indexOf(card);
        from.insertBefore(card, from.children[oldIndex] ?? null);
        this.moved(card, to, from, at, true);
      },
    });
  }
}

customElements.define("x-board", Board);
