// Runs before first paint, so that the page never flashes in the wrong theme. The choice of this device goes before that of the server.
try {
  const kept = localStorage.getItem("theme");
  if (kept) document.documentElement.dataset.theme = kept;
} catch {
  // storage may be switched off: the server's choice stays
}
