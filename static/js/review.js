// The reviewer's keys. The desk works without them: every key clicks a button or link that is there anyway.
(() => {
  const HEARTBEAT_MS = 60_000;
  const IDLE_MS = 5 * 60_000;
  let busy = false;
  let lastTouch = Date.now();

  const desk = () => document.querySelector("[data-desk]");
  const zoom = () => document.querySelector("[data-zoom]");
  const find = (selector) => desk()?.querySelector(selector);
  const typing = (target) => target instanceof Element && target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");

  // Nothing is decided unseen: a decision waits until the picture is on screen.
  const visible = () => [...(desk()?.querySelectorAll("[data-creative], [data-original]") ?? [])].every((image) => image.complete);

  const reject = (open) => {
    const panel = find("[data-reject]");
    if (!panel) return false;
    panel.open = open;
    if (open) {
      panel.querySelector("summary").focus({ preventScroll: true });
      panel.querySelector("fieldset").scrollIntoView({ block: "nearest" });
    }
    return true;
  };

  const ticked = () => [...(desk()?.querySelectorAll("input[name=creative]") ?? [])];
  const count = () => {
    const label = find("[data-count]");
    if (!label) return;
    const chosen = ticked().filter((box) => box.checked).length;
    label.textContent = chosen ? String(chosen) : "selected";
    for (const box of ticked()) box.closest(".grid-tile").classList.toggle("is-ticked", box.checked);
  };
  const selectAll = () => {
    const boxes = ticked();
    const all = boxes.every((box) => box.checked);
    for (const box of boxes) box.checked = !all;
    count();
  };

  const rejectWith = (digit) => {
    const panel = find("[data-reject]");
    const button = panel?.open && panel.querySelector(`[data-digit="${digit}"]`);
    if (!button) return false;
    const note = panel.querySelector("textarea");
    if (button.value === "other" && !note.value.trim()) note.focus();
    else button.click();
    return true;
  };

  const show = (link) => {
    const dialog = zoom();
    const image = dialog.querySelector("[data-zoom-image]");
    image.src = link.href;
    image.alt = link.querySelector("img")?.alt ?? "";
    dialog.dataset.kind = link.dataset.kind;
    dialog.querySelector("[data-zoom-name]").textContent = link.dataset.kind;
    if (!dialog.open) dialog.showModal();
  };
  const link = (kind) => find(`[data-zoom-open][data-kind="${kind}"]`);
  const toggleZoom = () => {
    if (zoom()?.open) zoom().close();
    else if (link("Creative")) show(link("Creative"));
    else return false;
    return true;
  };
  const flickInPlace = () => {
    const [shown, original] = [find("[data-creative]"), find("[data-original]")];
    if (!shown || !original) return false;
    const figure = shown.closest("figure");
    const away = figure.classList.toggle("is-original");
    shown.dataset.own ??= shown.src;
    shown.src = away ? original.src : shown.dataset.own;
    return true;
  };
  const flick = () => {
    if (!zoom()?.open) return flickInPlace();
    const other = link(zoom().dataset.kind === "Creative" ? "Original" : "Creative");
    if (other) show(other);
    return true;
  };

  const press = (key) => {
    const target = find(`[data-key="${key}"]`);
    if (!target || target.disabled) return false;
    target.click();
    return true;
  };
  const decide = (key) => visible() && press(key);

  const keys = {
    a: () => decide("a"),
    r: () => reject(!find("[data-reject]")?.open),
    s: () => decide("s"),
    u: () => press("u"),
    g: () => press("g"),
    x: () => press("x"),
    z: toggleZoom,
    o: flick,
    Escape: () => find("[data-reject]")?.open && reject(false),
  };

  document.addEventListener("keydown", (event) => {
    lastTouch = Date.now();
    if (event.key === "Escape" && typing(event.target) && find("[data-reject]")?.open) { find("[data-reject] summary").focus(); return; }
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || typing(event.target)) return;
    if (busy || !desk()) return;
    if (zoom()?.open && !["z", "o"].includes(event.key)) return;
    const action = /^[1-8]$/.test(event.key) ? () => visible() && rejectWith(event.key) : keys[event.key];
    if (action?.()) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    lastTouch = Date.now();
    const target = event.target instanceof Element ? event.target : null;
    const picture = target?.closest("[data-zoom-open]");
    if (picture && !(event.ctrlKey || event.metaKey || event.shiftKey)) { event.preventDefault(); show(picture); }
    if (target?.closest("[data-zoom-toggle]")) toggleZoom();
    if (target?.closest("[data-flick]")) flickInPlace();
    if (target?.closest("[data-select-all]")) selectAll();
    if (target?.closest("[data-zoom-image]")) zoom().close();
  });
  document.addEventListener("change", (event) => { if (event.target.name === "creative") count(); });
  document.addEventListener("pointermove", () => { lastTouch = Date.now(); }, { passive: true });

  document.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.target?.id === "desk") busy = true; });
  for (const name of ["htmx:afterRequest", "htmx:sendError"]) document.addEventListener(name, () => { busy = false; });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target?.id !== "desk" && event.detail.elt?.id !== "desk") return;
    busy = false;
    if (!document.activeElement || document.activeElement === document.body) desk()?.focus({ preventScroll: true });
  });

  // A claim lives as long as somebody is there: no heartbeat from a hidden page or a reviewer who has left.
  setInterval(() => {
    const held = desk()?.dataset.held;
    if (!held || document.hidden || Date.now() - lastTouch > IDLE_MS) return;
    const body = new URLSearchParams(held.split(",").map((id) => ["creative", id]));
    const headers = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
    fetch(desk().dataset.heartbeat, { method: "POST", body, headers }).catch(() => {});
  }, HEARTBEAT_MS);
})();
