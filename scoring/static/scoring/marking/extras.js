/* The dialogs of saved comments and of notes: opened by keys or buttons, sent without leaving the desk. */

import { headers, words } from "./send.js";

export function open(id) {
  const dialog = document.getElementById(id);
  if (!dialog) return;
  const from = dialog.querySelector("[data-from-comment]");
  const typed = document.querySelector(".desk-comment textarea")?.value;
  if (from && typed) from.value = typed;
  dialog.showModal();
  (dialog.querySelector("[data-insert]") ?? dialog.querySelector("textarea"))?.focus();
}

export const isOpen = () => document.querySelector("dialog[data-extra][open]") !== null;

function insert(text) {
  const place = document.querySelector(".desk-comment");
  const comment = place.querySelector("textarea");
  place.open = true;
  comment.value = comment.value.trim() ? `${comment.value.trimEnd()}\n${text}` : text;
  comment.focus();
}

function moveAmong(dialog, by) {
  const buttons = [...dialog.querySelectorAll("[data-insert]")];
  const at = buttons.indexOf(document.activeElement);
  if (at < 0) return false;
  buttons[Math.min(Math.max(at + by, 0), buttons.length - 1)].focus();
  return true;
}

async function send(form, submitter) {
  const dialog = form.closest("dialog");
  const body = new FormData(form, submitter);
  const answer = document.querySelector("#points [name=answer]");
  if (answer) body.set("answer", answer.value);
  let message = words.failed;
  try {
    const response = await fetch(form.action, { method: "POST", body, headers: headers(body), redirect: "manual" });
    if ([200, 422].includes(response.status)) {
      dialog.innerHTML = await response.text();
      return dialog.querySelector("[data-insert], textarea")?.focus();
    }
    if (response.type === "opaqueredirect" || response.status === 403) message = words.out;
  } catch {
    message = words.away;
  }
  const said = document.createElement("p");
  said.className = "desk-alert";
  said.setAttribute("role", "alert");
  said.textContent = message;
  form.prepend(said);
}

/* `within` is the desk, whose content changes with each answer. */
export function listen(within, onClose) {
  within.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) return open(opener.dataset.opens);
    const dialog = event.target.closest("dialog[data-extra]");
    const chosen = event.target.closest("[data-insert]");
    if (chosen) {
      dialog.close();
      return insert(chosen.dataset.insert);
    }
    if (event.target.closest("[data-close]")) dialog.close();
  });
  within.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-extra-form]")) return;
    event.preventDefault();
    send(event.target, event.submitter);
  });
  within.addEventListener("keydown", (event) => {
    const dialog = event.target.closest("dialog[data-extra]");
    if (!dialog) return;
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (by && moveAmong(dialog, by)) event.preventDefault();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) dialog.querySelector("form").requestSubmit();
  });
  within.addEventListener("close", (event) => {
    if (event.target.matches("dialog[data-extra]") && !document.activeElement?.matches("textarea")) onClose();
  }, true);
}
