// <x-import-progress src="/jobs/7/progress" [every="1000"]>: shows how far a job is. Asks GET src until it is done; answer
// {"state": "waiting|running|done|failed", "done": 812, "total": 1248, "text": "812 of 1,248", "label": "Importing rows", "counts": [{"label", "value"}], "location": "/…"}.
// When the state is done or failed: goes to `location` if there is one, else sends the event "finished", which htmx may use as a trigger.
import { ask } from "./http.js";
import { announce, el, t, unique } from "./texts.js";

class ImportProgress extends HTMLElement {
  connectedCallback() {
    if (!this.bar) {
      const id = unique("progress");
      this.label = el("span", { id }, this.textContent.trim() || t("loading"));
      this.count = el("span", {});
      this.bar = el("progress", { "aria-labelledby": id, max: "100" });
      this.counts = el("dl", { class: "counts" });
      this.replaceChildren(el("div", { class: "prog" }, el("div", {}, this.label, this.count), this.bar), this.counts);
    }
    this.failures = 0;
    this.poll();
  }
  disconnectedCallback() {
    clearTimeout(this.timer);
  }
  async poll() {
    const { ok, data } = await ask(this.getAttribute("src"), { quiet: true });
    if (!this.isConnected) return;
    if (ok) {
      this.failures = 0;
      if (this.show(data)) return;
    } else this.failures += 1;
    const wait = Number(this.getAttribute("every") ?? 1000) * Math.min(8, 2 ** this.failures);
    this.timer = setTimeout(() => this.poll(), document.hidden ? 4 * wait : wait);
  }
  // returns true when there is nothing more to wait for
  show(job) {
    if (job.label) this.label.textContent = job.label;
    this.count.textContent = job.text ?? "";
    if (job.total) {
      this.bar.max = job.total;
      this.bar.value = job.done ?? 0;
    } else this.bar.removeAttribute("value");
    this.counts.replaceChildren(
      ...(job.counts ?? []).map((each) => el("div", {}, el("dt", {}, each.label), el("dd", {}, String(each.value)))),
    );
    const over = job.state === "done" || job.state === "failed";
    if (!over) return false;
    this.bar.classList.add(job.state === "done" ? "ok" : "bad");
    announce(job.label ?? job.text ?? t("done"));
    if (job.location) location.assign(job.location);
    else this.dispatchEvent(new CustomEvent("finished", { bubbles: true, detail: job }));
    return true;
  }
}

customElements.define("x-import-progress", ImportProgress);
