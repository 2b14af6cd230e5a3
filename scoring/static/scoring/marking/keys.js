/* Which deed a key stands for; null where the key is the browser's. */

const NAMED = {
  Enter: "submit",
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "less",
  ArrowRight: "more",
  Backspace: "erase",
};
const LETTERS = {
  u: "undo",
  s: "skip",
  c: "comment",
  p: "passage",
  g: "members",
  f: "full",
  m: "machine",
  a: "other-a",
  b: "other-b",
};

/* With an input method on, `key` says "Process" or is full-width; `code` is the key itself. */
function plain(event) {
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  if (digit && !event.shiftKey) return digit[1];
  const letter = /^Key([A-Z])$/.exec(event.code);
  if (event.key === "Process" && letter) return letter[1].toLowerCase();
  return event.key.normalize("NFKC").replace("。", ".");
}

function writes(element) {
  return element.matches("textarea, input:not([type=radio], [type=checkbox])");
}

export function deedOf(event, letters) {
  const { target } = event;
  if (event.isComposing || event.altKey) return null;
  if (event.ctrlKey || event.metaKey) return event.key === "Enter" ? "submit" : null;
  if (target.matches("textarea")) return event.key === "Escape" ? "leave" : null;
  const key = plain(event);
  if (key === "Enter" && target.closest("button, a, summary")) return null;
  if (key === "Enter") return "submit";
  const number = writes(target);
  if (key in NAMED) return number ? null : NAMED[key];
  if (/^\d$/.test(key)) return number ? null : `digit-${key}`;
  if (key === ".") return number ? null : "half";
  if (!letters) return null;
  if (key === "?") return "help";
  if (event.shiftKey) return key.toLowerCase() === "f" ? "full-all" : null;
  return LETTERS[key.toLowerCase()] ?? null;
}
