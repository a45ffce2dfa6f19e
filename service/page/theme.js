// Light or dark: as the system says until the switch is used. Not a module, so that it runs before
// the page is drawn.
"use strict";
(() => {
  const NAME = "ragfirst-theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const systemTheme = () => (system.matches ? "dark" : "light");

  try {
    root.dataset.theme = localStorage.getItem(NAME) ?? "";
  } catch {} // no storage: the system's

  function change() {
    const theme = (root.dataset.theme || systemTheme()) === "dark" ? "light" : "dark";
    root.dataset.theme = theme === systemTheme() ? "" : theme;
    try {
      if (root.dataset.theme) localStorage.setItem(NAME, theme);
      else localStorage.removeItem(NAME);
    } catch {} // until the page is left, then
  }

  addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", change);
  });
})();
