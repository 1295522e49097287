// Small behaviours that every page shares. Pages work without any of it.
(() => {
  const FADE_MS = 6000;

  const fade = (toasts) => {
    for (const toast of toasts.querySelectorAll(".toast-success, .toast-info")) setTimeout(() => toast.remove(), FADE_MS);
  };
  const say = (text) => {
    const toasts = document.getElementById("toasts");
    const toast = document.createElement("div");
    toast.className = "toast toast-error";
    const paragraph = document.createElement("p");
    paragraph.textContent = text;
    const close = Object.assign(document.createElement("button"), { type: "button", className: "quiet small", textContent: "×" });
    close.dataset.dismiss = "";
    close.setAttribute("aria-label", "Dismiss");
    toast.append(paragraph, close);
    toasts?.append(toast);
  };

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    target?.closest("[data-dismiss]")?.closest(".toast")?.remove();
    const chosen = target?.closest("[data-select]");
    if (chosen) {
      for (const other of chosen.closest("nav")?.querySelectorAll("[aria-current]") ?? []) other.removeAttribute("aria-current");
      chosen.setAttribute("aria-current", "true");
    }
    const copy = target?.closest("[data-copy]");
    if (copy) {
      const source = document.getElementById(copy.dataset.copy);
      navigator.clipboard?.writeText(source?.value ?? source?.textContent.trim() ?? "").then(() => { copy.textContent = "Copied"; });
    }
  });

  document.addEventListener("submit", (event) => {
    const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  }, true);

  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-submit-on-change]")) event.target.form.requestSubmit();
  });

  // 4xx answers of htmx requests carry a page or partial of their own: show it, and say so when nothing can be shown.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (xhr.status === 409 || xhr.status === 422) event.detail.shouldSwap = true;
  });
  document.addEventListener("htmx:responseError", (event) => {
    const { status } = event.detail.xhr;
    if (status !== 409 && status !== 422) say(status === 403 ? "You may not do that." : `That did not work (${status}). Reload and try again.`);
  });
  // A table that scrolls sideways can be scrolled by keyboard.
  const reach = () => {
    for (const wrap of document.querySelectorAll(".table-wrap")) {
      if (wrap.scrollWidth > wrap.clientWidth) wrap.tabIndex = 0;
      else wrap.removeAttribute("tabindex");
    }
  };
  for (const when of ["DOMContentLoaded", "htmx:afterSettle"]) document.addEventListener(when, reach);
  addEventListener("resize", reach);

  // Filters are open on a desk, and on a phone once one is used.
  const wide = matchMedia("(min-width: 601px)");
  const fold = () => { for (const part of document.querySelectorAll("details.filters")) part.open = wide.matches || "used" in part.dataset; };
  document.addEventListener("DOMContentLoaded", fold);
  wide.addEventListener("change", fold);

  // On a phone a part that was loaded from a list above it would stay out of sight.
  document.addEventListener("htmx:afterSettle", ({ target }) => {
    const part = target.closest?.("[data-reveal]");
    if (part && part.getBoundingClientRect().top > innerHeight * 0.6) part.scrollIntoView({ block: "start" });
  });
  document.addEventListener("htmx:sendError", () => say("The server cannot be reached. Check the connection and try again."));
  document.addEventListener("htmx:oobAfterSwap", () => fade(document.getElementById("toasts") ?? document));
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector(".sidebar [aria-current]")?.scrollIntoView({ block: "nearest" }); // the navigation of an administrator may scroll
    const toasts = document.getElementById("toasts");
    if (toasts) fade(toasts);
  });
})();
