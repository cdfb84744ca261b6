// <x-sortable handle=".grip">: a list whose children are put in order by dragging, or with Alt+Up and Alt+Down on anything inside one.
// Each child carries data-value; input[data-order] gets the values as JSON and sends "change". Buttons with data-up and data-down do the same by click.
import Sortable from "../vendor/sortable.js";
import { announce, t } from "./texts.js";

class Order extends HTMLElement {
  connectedCallback() {
    this.list = this.querySelector("ol, ul, tbody");
    if (!this.list || this.sortable) return;
    this.sortable = Sortable.create(this.list, {
      handle: this.getAttribute("handle") ?? undefined,
      animation: 120,
      delay: 150,
      delayOnTouchOnly: true,
      onEnd: () => this.changed(),
    });
    this.addEventListener("keydown", (event) => {
      if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
      event.preventDefault();
      this.move(event.target, event.key === "ArrowUp" ? -1 : 1);
    });
    this.addEventListener("click", (event) => {
      if (event.target.closest("[data-up]")) this.move(event.target, -1);
      if (event.target.closest("[data-down]")) this.move(event.target, 1);
    });
    this.addEventListener("submit", () => this.changed());
  }
  disconnectedCallback() {
    this.sortable?.destroy();
    this.sortable = null;
  }
  move(inside, by) {
    const item = inside.closest("[data-value]");
    const other = by < 0 ? item?.previousElementSibling : item?.nextElementSibling;
    if (!item || !other) return;
    by < 0 ? other.before(item) : other.after(item);
    (inside.closest("button, a, input") ?? item).focus();
    this.changed();
    announce(`${t("position")} ${[...this.list.children].indexOf(item) + 1} ${t("of")} ${this.list.children.length}`);
  }
  changed() {
    const hidden = this.querySelector("input[data-order]");
    if (!hidden) return;
    hidden.value = JSON.stringify([...this.list.children].map((item) => item.dataset.value).filter(Boolean));
    hidden.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

customElements.define("x-sortable", Order);
