// Leading to a control that was refused: on the page that answers, and from the summary at the top of its form.
// Here: `goTo`, and the links of every summary ([data-errors]). Not here: which control comes first (form.js).
const CONTROLS = 'input:not([type="hidden"]), select, textarea';

/** Focus a control, or the first one in `place`, and bring what is said of it into sight. */
export function goTo(place) {
  const control = place.matches(CONTROLS) ? place : place.querySelector(CONTROLS);
  if (control?.hidden) control.dispatchEvent(new Event("focus")); // an editor stands for it, and takes the focus
  else control?.focus({ preventScroll: true });
  (place.closest(".field")?.querySelector(".errs") ?? place).scrollIntoView({ block: "center" });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.('[data-errors] a[href^="#"]');
  const place = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (!place) return;
  event.preventDefault();
  goTo(place);
});
