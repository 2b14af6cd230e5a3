/* The rows of the form: each a criterion with radio buttons, or a number field if they are too many. */

class Row {
  constructor(place) {
    this.place = place;
    this.most = Number(place.dataset.most);
    this.step = Number(place.dataset.step);
    this.inputs = [...place.querySelectorAll("input")];
    this.typed = this.inputs[0].type === "number";
  }

  get value() {
    const input = this.typed ? this.inputs[0] : this.inputs.find((radio) => radio.checked);
    return input && input.value !== "" ? Number(input.value) : null;
  }

  set value(points) {
    if (this.typed) this.inputs[0].value = points ?? "";
    else for (const input of this.inputs) input.checked = points !== null && Number(input.value) === points;
    this.place.dispatchEvent(new Event("change", { bubbles: true }));
  }

  fits(points) {
    return points >= 0 && points <= this.most && Number.isInteger(points / this.step);
  }

  holds(element) {
    return this.place.contains(element);
  }

  focus() {
    const input = this.inputs.find((radio) => radio.checked) ?? this.inputs[0];
    input.focus({ preventScroll: true });
    this.place.scrollIntoView({ block: "nearest" });
  }
}

export class Points {
  constructor(form) {
    this.most = Number(form.dataset.most);
    this.output = form.querySelector("[data-total]");
    this.rows = [...form.querySelectorAll("fieldset[data-name]")].map((place) => new Row(place));
    this.entry = null; // The row that was last filled by digits, and its digits so far.
    form.addEventListener("change", () => this.showTotal());
    form.addEventListener("input", () => this.showTotal());
    this.showTotal();
  }

  get active() {
    return this.rows.find((row) => row.holds(document.activeElement)) ?? this.missing ?? this.rows.at(-1);
  }

  get missing() {
    return this.rows.find((row) => row.value === null);
  }

  showTotal() {
    const known = this.rows.map((row) => row.value).filter((value) => value !== null);
    const sum = Math.min(known.reduce((total, value) => total + value, 0), this.most);
    this.output.value = known.length ? String(sum) : "–";
    this.output.classList.toggle("desk-partial", known.length < this.rows.length);
  }

  move(by) {
    const at = this.rows.indexOf(this.active) + by;
    this.rows[Math.min(Math.max(at, 0), this.rows.length - 1)].focus();
  }

  /* The row keeps the focus while another digit could follow; else the next row gets it. */
  digit(digit) {
    const row = this.active;
    const before = this.entry?.row === row && this.entry.open ? this.entry.digits : "";
    const digits = row.fits(Number(before + digit)) ? before + digit : digit;
    if (!row.fits(Number(digits))) return this.refuse(row);
    row.value = Number(digits);
    const open = digits !== "0" && Number(`${digits}0`) <= row.most;
    this.entry = { row, digits, open };
    if (open) row.focus();
    else this.onward(row);
  }

  half() {
    const row = this.entry?.row ?? this.active;
    const points = (row.value ?? 0) + 0.5;
    if (row.value !== null && row.value % 1) return;
    if (!row.fits(points)) return this.refuse(row);
    row.value = points;
    if (this.entry?.open) this.onward(row);
    this.entry = null;
  }

  set(row, points) {
    this.entry = null;
    if (!row.fits(points)) return;
    row.value = points;
  }

  full() {
    const row = this.active;
    this.set(row, row.most);
    this.onward(row);
  }

  all(points) {
    for (const row of this.rows) {
      const value = points(row);
      if (value !== undefined && value !== "") this.set(row, Number(value));
    }
    (this.missing ?? this.rows.at(-1)).focus();
  }

  step(by) {
    const row = this.active;
    const from = row.value ?? (by > 0 ? -row.step : row.most + row.step);
    this.set(row, from + by * row.step);
    row.focus();
  }

  erase() {
    const row = this.active;
    this.entry = null;
    if (row.value !== null) row.value = null;
    else return this.move(-1);
    row.focus();
  }

  onward(row) {
    const next = this.rows[this.rows.indexOf(row) + 1];
    (next ?? row).focus();
  }

  refuse(row) {
    row.place.classList.remove("desk-refused");
    void row.place.offsetWidth; // Restarts the animation.
    row.place.classList.add("desk-refused");
  }
}
