/* Times that carry the installation's zone are shown in the browser's own; the title keeps the installation's. */
"use strict";
(() => {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const shown = new Intl.DateTimeFormat(document.documentElement.lang || undefined, {
    year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short",
  });

  /* On the axis of a chart: what the installation wrote as a date stays a date. */
  const clock = new Intl.DateTimeFormat(document.documentElement.lang || undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const date = new Intl.DateTimeFormat(document.documentElement.lang || undefined, { month: "numeric", day: "numeric" });

  function ticks(root) {
    for (const text of root.querySelectorAll("text[data-zone]")) {
      const at = new Date(text.dataset.at);
      if (text.dataset.zone !== here && !Number.isNaN(at.valueOf())) {
        text.textContent = (text.textContent.includes(":") ? clock : date).format(at);
      }
      text.removeAttribute("data-zone");
    }
  }

  function translate(root) {
    ticks(root);
    for (const time of root.querySelectorAll("time[data-zone]")) {
      const at = new Date(time.dateTime);
      if (time.dataset.zone !== here && !Number.isNaN(at.valueOf())) time.textContent = shown.format(at);
      time.removeAttribute("data-zone");
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    translate(document);
    new MutationObserver((changes) => {
      for (const change of changes) {
        for (const node of change.addedNodes) {
          if (node.nodeType === Node.ELEMENT_NODE && node.isConnected) translate(node.parentNode);
        }
      }
    }).observe(document.body, { childList: true, subtree: true });
  });
})();
