// <x-narrow>: a box [data-narrow] that hides the rows of the table in it whose heading lacks the words typed. What is hidden is still sent.
class Narrow extends HTMLElement {
  connectedCallback() {
    const box = this.querySelector("[data-narrow]");
    box?.addEventListener("input", () => this.narrow(box.value));
    box?.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) event.preventDefault();
    });
    if (box?.value) this.narrow(box.value);
  }
  narrow(typed) {
    const words = typed.trim().toLocaleLowerCase();
    for (const row of this.querySelectorAll("tbody tr")) {
      row.hidden = !`${row.dataset.words ?? ""} ${row.cells[0].textContent}`.toLocaleLowerCase().includes(words);
    }
  }
}

customElements.define("x-narrow", Narrow);
