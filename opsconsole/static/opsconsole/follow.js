/* Follows a log: the form that reads on is sent by itself, and the new lines are put below the old ones.
   Without this script its button does the same, a page at a time. */
"use strict";
(() => {
  const EVERY = 5000, MOST_ROUNDS = 240, REMEMBERED = 5000;
  const wait = (time) => new Promise((done) => setTimeout(done, time));
  const parse = (text) => new DOMParser().parseFromString(text, "text/html");

  async function page(address, options) {
    const response = await fetch(address, { credentials: "same-origin", ...options });
    if (!response.ok) throw new Error(response.status);
    return { address: response.url, document: parse(await response.text()) };
  }

  /* The page of the operation once it has ended: a worker takes a moment to begin. */
  async function read(form) {
    let seen = await page(form.action, { method: "POST", body: new FormData(form) });
    while (seen.document.querySelector("#operation-live[data-live]")) {
      await wait(1000);
      seen = await page(seen.address);
    }
    return seen.document;
  }

  function add(log, text, known) {
    const fresh = text.split("\n").filter((line) => line && !known.has(line));
    if (!fresh.length) return;
    for (const line of fresh) known.add(line);
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append((log.textContent ? "\n" : "") + fresh.join("\n"));
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  async function follow(form) {
    const log = document.querySelector("pre.pms-log");
    const note = document.querySelector("[data-following]");
    const stop = document.querySelector("[data-stop]");
    const known = new Set(log.textContent.split("\n").slice(-REMEMBERED));
    let going = true;
    form.hidden = true;
    note.hidden = stop.hidden = false;
    stop.addEventListener("click", () => { going = false; });
    for (let round = 0; going && round < MOST_ROUNDS; round++) {
      await wait(EVERY);
      if (document.hidden || !going) continue;
      try {
        const seen = await read(form);
        add(log, seen.querySelector("pre.pms-log")?.textContent ?? "", known);
        const since = seen.querySelector("[data-follow] [name=since]")?.value;
        if (since) form.elements.since.value = since;
      } catch {
        break;
      }
    }
    note.hidden = stop.hidden = true;
    form.hidden = false;
  }

  document.addEventListener("DOMContentLoaded", () => {
    const form = document.querySelector("form[data-follow='1']");
    if (form) follow(form);
  });
})();
