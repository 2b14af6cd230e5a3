/* Counts down the lease on the answer, and renews it while the marker is active. */

import { post, words } from "./send.js";

const SOON = 60; // Seconds left from which on the countdown is highlighted.

export class Lease {
  constructor(place, form, warn) {
    Object.assign(this, { place, form, warn });
    this.left = place.querySelector("[data-left]");
    this.whole = Number(place.dataset.whole);
    this.active = false;
    this.begin(Number(place.dataset.lease));
    this.timer = setInterval(() => this.tick(), 1000);
  }

  begin(seconds) {
    this.began = performance.now();
    this.ends = this.began + seconds * 1000;
    this.show();
  }

  get seconds() {
    return Math.max(0, Math.round((this.ends - performance.now()) / 1000));
  }

  show() {
    const { seconds } = this;
    this.left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    this.place.classList.toggle("desk-soon", seconds <= SOON);
  }

  tick() {
    this.show();
    const age = (performance.now() - this.began) / 1000;
    if (this.seconds === 0) return this.over();
    if (this.active && age > Math.min(60, this.whole / 4)) this.renew();
  }

  async renew() {
    this.active = false;
    this.began = performance.now();
    try {
      const response = await post(this.form, "renew");
      const { seconds } = response.ok ? await response.json() : {};
      /* The mark may have been submitted while this was under way. That ended the lease, so the
         server answers 409, but the desk shows the next answer by now and must not be warned. */
      if (this.stopped) return;
      if (response.ok) this.begin(seconds);
      else if (response.status === 409) this.over();
    } catch {
      /* The countdown goes on, and the next activity tries again. */
    }
  }

  over() {
    this.stop();
    this.place.classList.add("desk-over");
    this.left.textContent = "0:00";
    this.warn(words.over);
  }

  stop() {
    this.stopped = true;
    clearInterval(this.timer);
  }
}
