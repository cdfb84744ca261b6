// Moments as people type them: the day and the clock of one zone, as <input type="datetime-local"> holds them, from and to UTC.
// Here: `localOf`, `utcOf`. Not here: how moments are shown in pages (the server).
const EXACT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/;

/** What clocks in `zone` show at a UTC moment such as 2026-03-08T07:30:00Z; null for what is no moment in whole seconds. */
export function localOf(moment, zone) {
  if (!EXACT.test(moment) || Number.isNaN(Date.parse(moment))) return null;
  return iso(Date.parse(moment) + offset(Date.parse(moment), zone));
}

/** The UTC moment at which clocks in `zone` show `local`; of an hour that comes twice the first, of one that is left out the one after it. */
export function utcOf(local, zone) {
  const shown = Date.parse(`${local}Z`);
  const day = 86_400_000;
  const early = shown - offset(shown - day, zone); // by the clocks of the day before, which run on until they are changed
  const late = shown - offset(shown + day, zone);
  return `${iso(offset(early, zone) === shown - early ? early : offset(late, zone) === shown - late ? late : early)}Z`;
}

const iso = (milliseconds) => new Date(milliseconds).toISOString().slice(0, 19);

/** By how many milliseconds clocks in `zone` are ahead of UTC at a moment. */
function offset(milliseconds, zone) {
  const whole = Math.floor(milliseconds / 1000) * 1000;
  const units = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" };
  const parts = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", ...units }).formatToParts(whole);
  const { year, month, day, hour, minute, second } = Object.fromEntries(parts.map((part) => [part.type, Number(part.value)]));
  return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
}
