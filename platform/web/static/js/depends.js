// <x-depends on="stage"><script type="application/json">{"lost": ["price", "timing"]}</script><select>…</select></x-depends>:
// the select offers only what the other field's value allows. A value the matrix does not name allows nothing.
class Depends extends HTMLElement {
  connectedCallback() {
    this.select = this.querySelector("select");
    this.form = this.select?.closest("form");
    if (!this.form) return;
    this.allowed = JSON.parse(this.querySelector("script")?.textContent || "{}");
    this.all ??= [...this.select.options].map((option) => option.cloneNode(true));
    this.listen = (event) => event.target.name === this.getAttribute("on") && this.narrow();
    this.form.addEventListener("change", this.listen);
    this.narrow();
  }
  disconnectedCallback() {
    this.form?.removeEventListener("change", this.listen);
  }
  refresh() {
    if (this.all) this.narrow();
  }
  narrow() {
    const other = this.form.elements.namedItem(this.getAttribute("on"));
    const allowed = new Set(this.allowed[other?.value] ?? []);
    const kept = new Set([...this.select.selectedOptions].map((option) => option.value));
    this.select.replaceChildren(
      ...this.all.filter((option) => !option.value || allowed.has(option.value)).map((option) => option.cloneNode(true)),
    );
    for (const option of this.select.options) option.selected = kept.has(option.value);
    const lost = [...kept].some((value) => value && !allowed.has(value));
    if (lost) this.select.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

customElements.define("x-depends", Depends);
