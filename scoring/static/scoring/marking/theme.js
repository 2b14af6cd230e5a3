/* Applies the admin's choice of light or dark before anything is drawn. */
"use strict";
(() => {
  let chosen = "auto";
  try {
    chosen = JSON.parse(localStorage.getItem("adminTheme") ?? '"auto"');
  } catch {
    /* Unreadable: follow the system. */
  }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.classList.toggle("dark", chosen === "dark" || (chosen === "auto" && dark));
})();
