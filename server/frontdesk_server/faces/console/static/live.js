// Keeps the list of decisions fresh while the page is looked at.

const EVERY_MS = 2000;
const rows = document.getElementById("rows");
const live = document.getElementById("live");

async function refresh() {
  if (live.checked && !document.hidden && !rows.contains(document.activeElement)) {
    try {
      const address = new URL(location.href);
      address.searchParams.set("part", "rows");
      const response = await fetch(address);
      if (response.ok) replace(await response.text());
      else if (response.status === 401) location.reload();
    } catch {
      // the server is away for a moment: the next look will tell
    }
  }
  setTimeout(refresh, EVERY_MS);
}

/** The markup is the console's own, as the page was; what is new is marked until the next look. */
function replace(html) {
  const known = new Set([...rows.querySelectorAll("a")].map((link) => link.href));
  rows.innerHTML = html;
  for (const link of rows.querySelectorAll("a")) if (!known.has(link.href)) link.closest("tr").classList.add("fresh");
}

if (rows && live) {
  live.parentElement.hidden = false;
  setTimeout(refresh, EVERY_MS);
}
