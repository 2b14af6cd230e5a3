/* What carries data-live is fetched anew while work goes on; when it is done the page is loaded once more.
   Where one carries data-live-follow, the work may hold the application or end the session: the page tries on, shows
   what carries data-live-away meanwhile, and goes to the sign-in page when it is sent there. */
"use strict";
(() => {
  const EVERY = 3000;
  const live = () => [...document.querySelectorAll("[data-live][id]")];
  const follows = () => document.querySelector("[data-live-follow]") !== null;

  function away(yes) {
    for (const note of document.querySelectorAll("[data-live-away]")) note.hidden = !yes;
  }

  function later() {
    away(true);
    setTimeout(refresh, follows() ? EVERY : EVERY * 5);
  }

  async function refresh() {
    if (document.hidden) return setTimeout(refresh, EVERY);
    let page;
    try {
      const response = await fetch(location.href, { credentials: "same-origin" });
      if (response.redirected && follows()) return location.reload();
      if (!response.ok || response.redirected) return later();
      page = new DOMParser().parseFromString(await response.text(), "text/html");
    } catch {
      return later();
    }
    away(false);
    for (const place of live()) {
      const fresh = page.getElementById(place.id);
      if (!fresh || !fresh.hasAttribute("data-live")) return location.reload();
      place.replaceChildren(...fresh.childNodes);
    }
    setTimeout(refresh, EVERY);
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (live().length) setTimeout(refresh, EVERY);
  });
})();
