/* The desk: keys become deeds, deeds change the form or go to the server, its answer is swapped in. */

import { deedOf } from "./keys.js";
import { Lease } from "./lease.js";
import { Points } from "./points.js";
import { send, words } from "./send.js";

const desk = document.getElementById("desk");
const said = document.getElementById("desk-said");
const help = document.getElementById("desk-help");
const letters = document.getElementById("desk-letters");
let form, points, lease, busy;

function begin() {
  lease?.stop();
  form = document.getElementById("points");
  points = form?.querySelector("fieldset") ? new Points(form) : null;
  if (form && form.action !== location.href) history.replaceState(null, "", form.action);
  const place = desk.querySelector("[data-lease]");
  lease = place && form ? new Lease(place, form, tell) : null;
  const main = desk.querySelector("main");
  say(main?.dataset.said ?? "");
  if (points) (points.missing ?? points.rows[0]).focus();
  else desk.querySelector("[tabindex='-1'], main a")?.focus();
  scrollTo(0, 0);
}

/* Read aloud always; shown where it is more than the number of the next answer. */
function say(text) {
  said.classList.remove("desk-toast");
  void said.offsetWidth; // Lets the animation begin anew.
  said.textContent = text;
  said.classList.toggle("desk-toast", text !== "" && !text.startsWith("#"));
}

function tell(text) {
  const place = form?.querySelector("[data-alert]");
  if (!place) return;
  place.textContent = text;
  place.hidden = !text;
  if (text) place.scrollIntoView({ block: "nearest" });
}

async function go(deed) {
  if (busy || !form) return;
  if (deed === "submit" && points?.missing) {
    tell(words.missing);
    return points.missing.focus();
  }
  busy = true;
  desk.setAttribute("aria-busy", "true");
  const told = await send(form, deed);
  desk.removeAttribute("aria-busy");
  busy = false;
  if (told.fault) return tell(told.fault);
  desk.innerHTML = told.html;
  begin();
}

function toggle(selector, inner) {
  const place = desk.querySelector(selector);
  if (!place) return;
  place.open = !place.open;
  (place.open ? place.querySelector(inner) : points?.active)?.focus();
}

function comment() {
  const place = desk.querySelector(".desk-comment");
  if (!place) return;
  place.open = true;
  place.querySelector("textarea").focus();
}

function among(by) {
  const boxes = [...desk.querySelectorAll("[name=removed]")];
  const at = boxes.indexOf(document.activeElement);
  if (at < 0) return false;
  boxes[Math.min(Math.max(at + by, 0), boxes.length - 1)].focus();
  return true;
}

function submit() {
  const next = desk.querySelector("a[data-next]");
  if (next) return location.assign(next.href);
  return points && go("submit");
}

const deeds = {
  submit,
  undo: () => go("undo"),
  skip: () => points && go("skip"),
  comment,
  leave: () => points?.active.focus(),
  passage: () => toggle("#passage", "[role=region]"),
  members: () => desk.querySelector("[name=removed]")?.focus(),
  full: () => points?.full(),
  "full-all": () => points?.all((row) => row.most),
  machine: () => points?.all((row) => row.place.dataset.machine),
  "other-a": () => points?.all((row) => row.place.dataset.otherA),
  "other-b": () => points?.all((row) => row.place.dataset.otherB),
  less: () => points?.step(-1),
  more: () => points?.step(1),
  up: () => among(-1) || points?.move(-1),
  down: () => among(1) || points?.move(1),
  half: () => points?.half(),
  erase: () => points?.erase(),
  help: () => help.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (lease) lease.active = true;
  if (help.open) return event.key === "?" && help.close();
  const deed = deedOf(event, letters.checked);
  if (!deed) return;
  event.preventDefault();
  if (busy || (event.repeat && !event.key.startsWith("Arrow"))) return;
  if (deed.startsWith("digit-")) points?.digit(deed.at(-1));
  else deeds[deed]();
});

for (const sign of ["pointerdown", "input", "wheel"]) {
  document.addEventListener(sign, () => lease && (lease.active = true), { passive: true });
}

desk.addEventListener("submit", (event) => {
  if (event.target !== form) return;
  event.preventDefault();
  go(event.submitter?.value || "submit");
});

desk.addEventListener("click", (event) => {
  if (event.target.closest("[data-deed=help]")) help.showModal();
});

letters.checked = localStorage.getItem("deskLetters") !== "0";
letters.addEventListener("change", () => localStorage.setItem("deskLetters", letters.checked ? "1" : "0"));
help.addEventListener("close", () => points?.active.focus());
begin();
