/* What carries data-live is fetched anew while work goes on; when it is done the page is loaded once more.
   data-live-every is after how many seconds, where 3 are too few.
   Where one carries data-live-follow, the work may hold the application or end the session: the page tries on, shows
   what carries data-live-away meanwhile, and goes to the sign-in page when it is sent there. */
"use strict";
(() => {
  const every = () => 1000 * (document.querySelector("[data-live-every]")?.dataset.liveEvery ?? 3);
  const shown = new Map();
  const live = () => [...document.querySelectorAll("[data-live][id]")];
  const follows = () => document.querySelector("[data-live-follow]") !== null;

  function away(yes) {
    for (const note of document.querySelectorAll("[data-live-away]")) note.hidden = !yes;
  }

  function later() {
    away(true);
    setTimeout(refresh, follows() ? every() : every() * 5);
  }

  /* Nothing is touched that did not change; the focus stays on its link, and a log at its end. */
  function show(place, fresh) {
    const html = fresh.innerHTML;
    if (shown.get(place.id) === html) return;
    shown.set(place.id, html);
    const focused = place.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    place.replaceChildren(...fresh.childNodes);
    if (focused) place.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    toEnd(place);
  }

  function toEnd(place) {
    for (const log of place.querySelectorAll("[data-tail]")) log.scrollTop = log.scrollHeight;
  }

  async function refresh() {
    if (document.hidden) return setTimeout(refresh, every());
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
      show(place, fresh);
    }
    setTimeout(refresh, every());
  }

  document.addEventListener("DOMContentLoaded", () => {
    toEnd(document);
    if (live().length) setTimeout(refresh, every());
  });
})();
