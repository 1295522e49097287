// The reviewer's keys. Each clicks a button or link that is on the page anyway; none decides by itself.
(() => {
  const desk = () => document.querySelector("[data-desk]");
  const zoom = () => document.querySelector("[data-zoom]");
  const scope = () => desk()?.querySelector("[data-card]:not([hidden])") ?? desk();
  const find = (selector) => scope()?.querySelector(selector) ?? desk()?.querySelector(`:scope > :not([data-cards]) ${selector}`);
  const typing = (target) => target instanceof Element && target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  const panels = () => [...(scope()?.querySelectorAll("details[data-panel]") ?? [])];
  const opened = () => panels().find((panel) => panel.open);

  const toggle = (panel, open) => {
    if (!panel) return false;
    for (const other of panels()) other.open = other === panel && open;
    if (open) panel.querySelector("summary").focus({ preventScroll: true });
    return true;
  };
  const press = (target) => {
    if (!target || target.disabled) return false;
    target.click();
    return true;
  };
  const inPanel = (key) => press(opened()?.querySelector(`[data-panel-key="${key}"]`));

  const ticked = () => [...(desk()?.querySelectorAll("input[name=creative]") ?? [])];
  const count = () => {
    const label = find("[data-count]");
    if (!label) return;
    const chosen = ticked().filter((box) => box.checked).length;
    label.textContent = chosen ? String(chosen) : "selected";
    for (const box of ticked()) box.closest(".grid-tile").classList.toggle("is-ticked", box.checked);
  };
  const selectAll = () => {
    const all = ticked().every((box) => box.checked);
    for (const box of ticked()) box.checked = !all;
    count();
  };
  const move = (key) => {
    const boxes = ticked();
    if (!boxes.length) return false;
    const tops = boxes.map((box) => box.closest(".grid-tile").getBoundingClientRect().top);
    const columns = tops.filter((top) => Math.abs(top - tops[0]) < 4).length;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
    const at = boxes.indexOf(document.activeElement);
    const to = at < 0 ? 0 : Math.min(Math.max(at + step, 0), boxes.length - 1);
    boxes[to].focus();
    boxes[to].closest(".grid-tile").scrollIntoView({ block: "nearest" });
    return true;
  };
  // The page would scroll: before a picture is chosen, the space bar begins with the first.
  const tickFirst = () => {
    const [first] = ticked();
    if (!first || document.activeElement?.matches("a, button, input, summary")) return false;
    first.focus();
    return press(first);
  };

  const keys = {
    " ": tickFirst,
    a: () => press(find('[data-key="a"]')),
    s: () => press(find('[data-key="s"]')),
    u: () => press(find('[data-key="u"]')),
    g: () => press(find('[data-key="g"]')),
    x: () => press(find('[data-key="x"]')),
    r: () => toggle(find('[data-panel="reject"]'), !find('[data-panel="reject"]')?.open),
    f: () => toggle(find('[data-panel="flag"]'), true),
    o: () => press(find('[data-tool="o"]')),
    m: () => press(find('[data-tool="m"]')),
    e: () => press(find('[data-tool="e"]')),
    q: () => press(find('[data-tool="q"]')),
    z: () => press(find("[data-zoom-toggle]")),
    h: () => press(document.querySelector("[popovertarget=desk-keys]")),
    Escape: () => opened() && toggle(opened(), false),
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && typing(event.target) && opened()) { opened().querySelector("summary").focus(); return; }
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || typing(event.target)) return;
    if (!desk() || zoom()?.open || document.querySelector("dialog[open]")) return;
    let done = false;
    if (opened() && /^[1-8af]$/.test(event.key)) done = inPanel(event.key) || Boolean(keys[event.key]?.());
    else if (event.key.startsWith("Arrow")) done = move(event.key);
    else done = Boolean(keys[event.key]?.());
    if (done) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest("[data-select-all]")) selectAll();
    const summary = target?.closest("details[data-panel] > summary");
    if (summary) for (const other of panels()) if (other !== summary.parentElement) other.open = false;
  });
  document.addEventListener("change", (event) => { if (event.target.name === "creative") count(); });
})();
