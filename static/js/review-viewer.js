// Looking closer: flicker in place, overlays, and an enlarged view with zoom and pan.
(() => {
  const MAX_SCALE = 12;
  const STEP = 60;
  const overlays = new Set(); // they stay on from picture to picture
  const view = { scale: 1, x: 0, y: 0 };
  const fingers = new Map();

  const desk = () => document.querySelector("[data-desk]");
  const card = () => desk()?.querySelector("[data-card]:not([hidden])");
  const zoom = () => document.querySelector("[data-zoom]");
  const stage = () => zoom().querySelector("[data-zoom-stage]");

  const lay = (root) => {
    for (const layer of root.querySelectorAll("[data-layer]")) {
      const on = overlays.has(layer.dataset.layer);
      if (on && !layer.getAttribute("src")) layer.src = layer.dataset.src;
      layer.hidden = !on;
    }
  };
  const refresh = () => {
    const root = card();
    if (!root) return;
    lay(root);
    for (const button of root.querySelectorAll("[data-overlay]")) button.setAttribute("aria-pressed", String(overlays.has(button.dataset.overlay)));
    root.querySelector("[data-legend]").hidden = !overlays.has("finding");
    if (zoom().open) lay(stage());
  };
  const overlay = (name) => {
    if (!overlays.delete(name)) overlays.add(name);
    refresh();
  };

  const flick = () => {
    const [shown, original] = [card()?.querySelector("[data-creative]"), card()?.querySelector("[data-original]")];
    if (!shown || !original) return;
    const away = shown.closest("figure").classList.toggle("is-original");
    shown.dataset.own ??= shown.src;
    shown.src = away ? original.src : shown.dataset.own;
    card().querySelector("[data-flick]").setAttribute("aria-pressed", String(away));
  };

  const place = () => {
    const layers = stage().firstElementChild;
    if (!layers) return;
    const room = stage().getBoundingClientRect();
    const [wide, high] = [(room.width * (view.scale - 1)) / 2, (room.height * (view.scale - 1)) / 2];
    view.x = Math.min(Math.max(view.x, -wide), wide);
    view.y = Math.min(Math.max(view.y, -high), high);
    layers.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    zoom().classList.toggle("is-large", view.scale > 1);
  };
  const scaleBy = (factor, at) => {
    const room = stage().getBoundingClientRect();
    const point = at ?? { x: room.left + room.width / 2, y: room.top + room.height / 2 };
    const [px, py] = [point.x - room.left - room.width / 2, point.y - room.top - room.height / 2];
    const scale = Math.min(Math.max(view.scale * factor, 1), MAX_SCALE);
    view.x = px - ((px - view.x) * scale) / view.scale;
    view.y = py - ((py - view.y) * scale) / view.scale;
    view.scale = scale;
    place();
  };
  const reset = () => { Object.assign(view, { scale: 1, x: 0, y: 0 }); place(); };

  const enlarge = (link, keep = false) => {
    const dialog = zoom();
    const source = link.querySelector(".layers");
    const layers = source ? source.cloneNode(true) : Object.assign(document.createElement("span"), { className: "layers" });
    if (source) { const first = layers.querySelector("img"); first.src = first.dataset.own ?? first.src; }
    else layers.append(Object.assign(document.createElement("img"), { src: link.href, alt: link.querySelector("img")?.alt ?? "" }));
    for (const image of layers.querySelectorAll("img")) { image.draggable = false; for (const name of ["original", "creative"]) delete image.dataset[name]; }
    stage().replaceChildren(layers);
    dialog.dataset.kind = link.dataset.kind;
    dialog.querySelector("[data-zoom-name]").textContent = link.dataset.kind;
    if (!dialog.open) dialog.showModal();
    lay(stage());
    if (keep) place();
    else reset();
    stage().focus({ preventScroll: true });
  };
  const linkOf = (kind) => card()?.querySelector(`[data-zoom-open][data-kind="${kind}"]`);
  const other = () => {
    const link = linkOf(zoom().dataset.kind === "Creative" ? "Original" : "Creative");
    if (link) enlarge(link, true);
  };

  const inside = {
    z: () => zoom().close(),
    o: other,
    m: () => overlay("mask"),
    e: () => overlay("edges"),
    q: () => overlay("finding"),
    "+": () => scaleBy(1.25),
    "=": () => scaleBy(1.25),
    "-": () => scaleBy(0.8),
    "0": reset,
    ArrowLeft: () => { view.x += STEP; place(); },
    ArrowRight: () => { view.x -= STEP; place(); },
    ArrowUp: () => { view.y += STEP; place(); },
    ArrowDown: () => { view.y -= STEP; place(); },
  };
  document.addEventListener("keydown", (event) => {
    if (!zoom()?.open || event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key !== "+")) return;
    const act = inside[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }, true);

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const picture = target?.closest("[data-zoom-open]");
    if (picture && !(event.ctrlKey || event.metaKey || event.shiftKey)) { event.preventDefault(); enlarge(picture); }
    if (target?.closest("[data-zoom-toggle]") && linkOf("Creative")) enlarge(linkOf("Creative"));
    if (target?.closest("[data-flick]")) flick();
    const chosen = target?.closest("[data-overlay]");
    if (chosen) overlay(chosen.dataset.overlay);
    const by = target?.closest("[data-zoom-by]");
    if (by) scaleBy(Number(by.dataset.zoomBy));
  });

  const dialog = zoom();
  if (!dialog) return;
  stage().addEventListener("wheel", (event) => { event.preventDefault(); scaleBy(Math.exp(-event.deltaY / 300), { x: event.clientX, y: event.clientY }); }, { passive: false });
  stage().addEventListener("dblclick", (event) => { if (view.scale > 1) reset(); else scaleBy(3, { x: event.clientX, y: event.clientY }); });
  stage().addEventListener("pointerdown", (event) => { fingers.set(event.pointerId, event); stage().setPointerCapture(event.pointerId); });
  stage().addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const far = () => { const [one, two] = [...fingers.values()]; return Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY); };
    const apart = fingers.size === 2 ? far() : 0;
    fingers.set(event.pointerId, event);
    if (apart) scaleBy(far() / apart);
    else { view.x += event.clientX - before.clientX; view.y += event.clientY - before.clientY; place(); }
  });
  for (const name of ["pointerup", "pointercancel"]) stage().addEventListener(name, (event) => fingers.delete(event.pointerId));
  document.addEventListener("review:shown", refresh);
  refresh();
})();
