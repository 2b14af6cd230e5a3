/* What carries data-live is fetched anew while work goes on; when it is done the page is loaded once more. */
"use strict";
(() => {
  const EVERY = 3000;
  const live = () => [...document.querySelectorAll("[data-live][id]")];

  async function refresh() {
    if (document.hidden) return setTimeout(refresh, EVERY);
    let page;
    try {
      const response = await fetch(location.href, { credentials: "same-origin" });
      if (!response.ok || response.redirected) return setTimeout(refresh, EVERY * 5);
      page = new DOMParser().parseFromString(await response.text(), "text/html");
    } catch {
      return setTimeout(refresh, EVERY * 5);
    }
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
