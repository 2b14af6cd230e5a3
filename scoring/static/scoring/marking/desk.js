/* The desk: keys and buttons become commands, which change the form or are sent to the server; the
   state of the desk that the server sends back is swapped in. */

import * as extras from "./extras.js";
import { commandOf } from "./keys.js";
import { Lease } from "./lease.js";
import { Points } from "./points.js";
import { send, words } from "./send.js";

const desk = document.getElementById("desk");
const announcement = document.getElementById("desk-said");
const help = document.getElementById("desk-help");
const letters = document.getElementById("desk-letters");
let form, points, lease, busy; // `busy`: a request is under way, and no other may be sent.

function begin() {
  lease?.stop();
  form = document.getElementById("points");
  points = form?.querySelector("fieldset") ? new Points(form) : null;
  if (form && form.action !== location.href) history.replaceState(null, "", form.action);
  const place = desk.querySelector("[data-lease]");
  lease = place && form ? new Lease(place, form, warn) : null;
  const main = desk.querySelector("main");
  announce(main?.dataset.said ?? "");
  if (points) (points.missing ?? points.rows[0]).focus();
  else ["[tabindex='-1']", "[data-row]", "main a"].map((place) => desk.querySelector(place)).find(Boolean)?.focus();
  scrollTo(0, 0);
}

/* Always read aloud; shown if it is more than the number of the next answer. */
function announce(text) {
  announcement.classList.remove("desk-toast");
  void announcement.offsetWidth; // Restarts the animation.
  announcement.textContent = text;
  announcement.classList.toggle("desk-toast", text !== "" && !text.startsWith("#"));
}

function warn(text) {
  const place = form?.querySelector("[data-alert]");
  if (!place) return;
  place.textContent = text;
  place.hidden = !text;
  if (text) place.scrollIntoView({ block: "nearest" });
}

async function run(command) {
  if (busy || !form) return;
  if (command === "submit" && points?.missing) {
    warn(words.missing);
    return points.missing.focus();
  }
  busy = true;
  desk.setAttribute("aria-busy", "true");
  const response = await send(form, command);
  desk.removeAttribute("aria-busy");
  busy = false;
  if (response.message) return warn(response.message);
  desk.innerHTML = response.html;
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

/* Moves the focus among the checkboxes of a group, or the rows of a list; false if it is on none. */
function moveAmongMembers(by) {
  const boxes = [...desk.querySelectorAll("[name=removed], [data-row]")];
  const at = boxes.indexOf(document.activeElement);
  if (at < 0) return false;
  boxes[Math.min(Math.max(at + by, 0), boxes.length - 1)].focus();
  return true;
}

function submit() {
  const next = desk.querySelector("a[data-next]");
  if (next) return location.assign(next.href);
  return points && run("submit");
}

const commands = {
  submit,
  undo: () => run("undo"),
  skip: () => points && run("skip"),
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
  saved: () => extras.open("desk-comments"),
  note: () => extras.open("desk-notes"),
  mine: () => location.assign(desk.querySelector("[data-mine]").href),
  up: () => moveAmongMembers(-1) || points?.move(-1),
  down: () => moveAmongMembers(1) || points?.move(1),
  half: () => points?.half(),
  erase: () => points?.erase(),
  help: () => help.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (lease) lease.active = true;
  if (help.open) return event.key === "?" && help.close();
  if (extras.isOpen()) return;
  const command = commandOf(event, letters.checked);
  if (!command) return;
  event.preventDefault();
  if (busy || (event.repeat && !event.key.startsWith("Arrow"))) return;
  if (command.startsWith("digit-")) points?.digit(command.at(-1));
  else commands[command]();
});

for (const activity of ["pointerdown", "input", "wheel"]) {
  document.addEventListener(activity, () => lease && (lease.active = true), { passive: true });
}

desk.addEventListener("submit", (event) => {
  if (event.target !== form) return;
  event.preventDefault();
  run(event.submitter?.value || "submit");
});

desk.addEventListener("click", (event) => {
  if (event.target.closest("[data-command=help]")) help.showModal();
});

letters.checked = localStorage.getItem("deskLetters") !== "0";
letters.addEventListener("change", () => localStorage.setItem("deskLetters", letters.checked ? "1" : "0"));
extras.listen(desk, () => points?.active.focus());
help.addEventListener("close", () => points?.active.focus());
begin();
