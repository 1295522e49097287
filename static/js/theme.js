// Set before the first paint: the theme that the person chose, if any; else the system's.
(() => {
  const KEY = "studio-theme";
  const root = document.documentElement;
  const read = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const saved = read();
  if (saved === "light" || saved === "dark") root.dataset.theme = saved;
  const isDark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const label = (button) => { button.textContent = isDark() ? "Light theme" : "Dark theme"; };
  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.hidden = false;
      label(button);
      button.addEventListener("click", () => {
        root.dataset.theme = isDark() ? "light" : "dark";
        try { localStorage.setItem(KEY, root.dataset.theme); } catch { /* private mode: this page only */ }
        label(button);
        document.dispatchEvent(new CustomEvent("studio:theme"));
      });
    }
  });
})();
