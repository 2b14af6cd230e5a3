/* Maps keys to the commands of the desk; null for keys that are left to the browser. */

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
  k: "saved",
  n: "note",
  h: "mine",
};

/* With an input method on, `key` is "Process" or full-width; `code` names the physical key. */
function plainKey(event) {
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  if (digit && !event.shiftKey) return digit[1];
  const letter = /^Key([A-Z])$/.exec(event.code);
  if (event.key === "Process" && letter) return letter[1].toLowerCase();
  return event.key.normalize("NFKC").replace("。", ".");
}

function takesText(element) {
  return element.matches("textarea, input:not([type=radio], [type=checkbox])");
}

export function commandOf(event, letters) {
  const { target } = event;
  if (event.isComposing || event.altKey) return null;
  if (event.ctrlKey || event.metaKey) return event.key === "Enter" ? "submit" : null;
  if (target.matches("textarea")) return event.key === "Escape" ? "leave" : null;
  const key = plainKey(event);
  if (key === "Enter" && target.closest("button, a, summary")) return null;
  if (key === "Enter") return "submit";
  const inText = takesText(target);
  if (key in NAMED) return inText ? null : NAMED[key];
  if (/^\d$/.test(key)) return inText ? null : `digit-${key}`;
  if (key === ".") return inText ? null : "half";
  if (!letters) return null;
  if (key === "?") return "help";
  if (event.shiftKey) return key.toLowerCase() === "f" ? "full-all" : null;
  return LETTERS[key.toLowerCase()] ?? null;
}
