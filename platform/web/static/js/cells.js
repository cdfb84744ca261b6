// <x-cells url="/o/deal"><script type="application/json">{"2": "stage"}</script><table>…</table></x-cells>: values edited where they stand.
// The script names the field of each column that can be edited. A double click or Enter opens a cell; in it Enter saves and goes down,
// Tab saves and goes right, Escape puts the value back. Arrows move between cells. The server's answer is the whole row.
import { ask } from "./http.js";
import { toast } from "./toast.js";
import { announce, t } from "./texts.js";

class Cells extends HTMLElement {
  connectedCallback() {
    this.fields = JSON.parse(this.querySelector("script")?.textContent || "{}");
    this.ready();
    this.addEventListener("dblclick", (event) => {
      const cell = event.target.closest("td");
      if (this.field(cell) && !event.target.closest("a, button, input, select")) this.open(cell);
    });
    this.addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("focusout", (event) => this.left(event));
  }
  /** One cell can be reached by Tab; the arrows go on from there. */
  ready() {
    const first = Object.keys(this.fields)[0];
    const cell = first && this.querySelector(`tbody tr td:nth-child(${Number(first) + 1})`);
    if (cell && !this.querySelector('td[tabindex="0"]')) cell.tabIndex = 0;
  }
  field(cell) {
    return cell?.closest("tbody") ? this.fields[cell.cellIndex] : undefined;
  }
  address(cell) {
    const link = cell.parentElement.querySelector("td.first a[href]");
    return `${link.getAttribute("href")}/cell/${this.field(cell)}${location.search}`;
  }
  key(event) {
    if (event.isComposing) return;
    const form = event.target.closest("form.cellform");
    if (form) return this.keyInside(event, form);
    const cell = event.target;
    if (cell.localName !== "td" || !this.field(cell)) return;
    const to = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (to) {
      event.preventDefault();
      this.go(cell, ...to);
    } else if (event.key === "Enter" || event.key === "F2") {
      event.preventDefault();
      event.stopPropagation();
      this.open(cell);
    }
  }
  keyInside(event, form) {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if ((event.key === "Enter" || event.key === "Tab") && !event.defaultPrevented) {
      event.preventDefault();
      event.stopPropagation();
      const by = event.key === "Enter" ? [event.shiftKey ? -1 : 1, 0] : [0, event.shiftKey ? -1 : 1];
      this.save(form, by);
    }
  }
  /** Go to the cell that lies `down` rows and `right` editable columns from this one. */
  go(cell, down, right) {
    const columns = Object.keys(this.fields).map(Number);
    const rows = [...cell.closest("tbody").rows];
    const row = rows[Math.max(0, Math.min(rows.length - 1, rows.indexOf(cell.parentElement) + down))];
    const column = columns[Math.max(0, Math.min(columns.length - 1, columns.indexOf(cell.cellIndex) + right))];
    this.at(row.cells[column]);
  }
  at(cell) {
    for (const other of this.querySelectorAll('td[tabindex="0"]')) other.tabIndex = -1;
    cell.tabIndex = 0;
    cell.focus();
  }
  async open(cell) {
    if (cell.querySelector("form") || this.busy) return;
    this.close();
    this.busy = true;
    const { status, data } = await ask(this.address(cell));
    this.busy = false;
    if (status === 200) return this.put(cell, data);
    const why = status === 422 ? new DOMParser().parseFromString(data, "text/html").querySelector("[data-why]")?.textContent : t("locked");
    if (status && status !== 401 && status < 500) toast(why ?? t("locked"), { kind: "bad" });
  }
  put(cell, html) {
    if (!cell.was) cell.was = [...cell.childNodes];
    const form = new DOMParser().parseFromString(html, "text/html").querySelector("form");
    cell.replaceChildren(document.adoptNode(form));
    cell.classList.add("editing");
    window.htmx?.process(form);
    form.addEventListener("submit", (event) => (event.preventDefault(), this.save(form, null)));
    const control = form.querySelector('select, textarea, input:not([type="hidden"])');
    control?.focus();
    control?.select?.();
    this.first = this.text(form);
    const wrong = form.querySelector(".errs");
    if (wrong) announce(wrong.textContent.trim());
  }
  text(form) {
    return JSON.stringify([...new FormData(form)].filter(([name]) => name !== "row_version"));
  }
  async save(form, by) {
    const cell = form.closest("td");
    if (this.busy) return;
    if (this.text(form) === this.first && !form.querySelector(".errs")) {
      this.close();
      return by ? this.go(cell, ...by) : this.at(cell);
    }
    this.busy = true;
    const body = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
    const { ok, status, data } = await ask(this.address(cell), { method: "POST", form: body });
    this.busy = false;
    if (!ok) return status === 422 || status === 409 ? this.put(cell, data) : undefined;
    const fresh = new DOMParser().parseFromString(data, "text/html").querySelector("tr");
    const row = cell.parentElement;
    const place = cell.cellIndex;
    const box = fresh.querySelector("input[data-select]");
    if (box) box.checked = Boolean(row.querySelector("input[data-select]")?.checked);
    row.replaceChildren(...fresh.children);
    window.htmx?.process(row);
    announce(t("saved"));
    if (by) this.go(row.cells[place], ...by);
    else this.ready();
  }
  /** Leaving a cell with what was typed in it saves it; nothing is lost without a word. */
  left(event) {
    const form = event.target.closest("form.cellform");
    if (!form || form.contains(event.relatedTarget) || this.busy) return;
    if (event.relatedTarget === null && !document.hasFocus()) return; // another window: the cell stays open
    setTimeout(() => form.isConnected && !form.contains(document.activeElement) && this.save(form, null), 0);
  }
  close() {
    for (const cell of this.querySelectorAll("td.editing")) {
      if (cell.was) cell.replaceChildren(...cell.was);
      cell.was = null;
      cell.classList.remove("editing");
      this.at(cell);
    }
  }
}

customElements.define("x-cells", Cells);
