// <x-selection>: ticked rows of a list and the bar of what can be done with them. Holds input[data-select] per row, input[data-select-all],
// and [data-bulk] with [data-count], [data-select-total] (all that match, also unseen: adds <input name="select_all" value="1">), [data-select-none].
// Put a <form> inside, so that the bar's buttons send `select=<id>` for each ticked row.
import { el } from "./texts.js";

class Selection extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => this.clicked(event));
    this.addEventListener("change", () => this.update());
    this.addEventListener("keydown", (event) => {
      if (
        (event.metaKey || event.ctrlKey) &&
        event.key.toLowerCase() === "a" &&
        event.target.matches("input[data-select], input[data-select-all]")
      ) {
        event.preventDefault();
        this.tick(this.boxes(), true);
      }
    });
    this.addEventListener("htmx:after:swap", () => this.update());
    this.update();
  }
  boxes() {
    return [...this.querySelectorAll("input[data-select]")];
  }
  tick(boxes, on) {
    for (const box of boxes) box.checked = on;
    this.update();
  }
  clicked(event) {
    const box = event.target.closest("input[data-select]");
    if (box) {
      const boxes = this.boxes();
      const [from, to] = [boxes.indexOf(this.last), boxes.indexOf(box)].sort((a, b) => a - b);
      if (event.shiftKey && from >= 0) this.tick(boxes.slice(from, to + 1), box.checked);
      this.last = box;
    }
    if (event.target.closest("input[data-select-all]")) this.tick(this.boxes(), event.target.checked);
    if (event.target.closest("[data-select-none]")) this.tick(this.boxes(), false);
    const total = event.target.closest("[data-select-total]");
    if (total) {
      this.tick(this.boxes(), true);
      this.all = el("input", { type: "hidden", name: "select_all", value: "1" });
      total.after(this.all);
      total.hidden = true;
      this.querySelector("[data-count]").textContent = total.textContent.replace(/\D+/, "");
    }
  }
  update() {
    const boxes = this.boxes();
    const ticked = boxes.filter((box) => box.checked);
    for (const box of boxes) {
      const row = box.closest("tr");
      if (box.checked) row?.setAttribute("aria-selected", "true");
      else row?.removeAttribute("aria-selected");
    }
    this.all?.remove();
    this.all = null;
    const every = this.querySelector("input[data-select-all]");
    if (every) {
      every.checked = boxes.length > 0 && ticked.length === boxes.length;
      every.indeterminate = ticked.length > 0 && !every.checked;
    }
    const bar = this.querySelector("[data-bulk]");
    if (!bar) return;
    bar.hidden = ticked.length === 0;
    bar.querySelector("[data-count]").textContent = ticked.length;
    const total = bar.querySelector("[data-select-total]");
    if (total) total.hidden = !every?.checked;
  }
}

customElements.define("x-selection", Selection);
