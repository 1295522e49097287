// The desk's deck: an answer shows the next picture at once and is sent behind it, in order, each exactly once.
// Without this script every form posts by itself and the server answers with the next picture.
(() => {
  const HEARTBEAT_MS = 60_000;
  const IDLE_MS = 5 * 60_000;
  const GLANCE_MS = 250; // a picture that has just appeared was not meant by a key that was pressed for the one before
  const RETRIES_MS = [500, 1000, 2000, 4000, 8000];

  const outbox = [];
  let sending = false;
  let lastTouch = Date.now();

  const desk = () => document.querySelector("[data-desk]");
  const cards = () => [...(desk()?.querySelectorAll("[data-card]") ?? [])];
  const shown = () => cards().find((card) => !card.hidden);
  const part = (name, root = desk()) => root?.querySelector(`[data-part="${name}"]`);
  const pictures = (card) => [...card.querySelectorAll("[data-creative], [data-original]")];
  const held = () => (desk()?.dataset.held ?? "").split(",").filter(Boolean);

  const tell = (text) => { const live = document.querySelector("[data-live]"); if (live) live.textContent = text; };
  const complain = (text) => {
    const toast = Object.assign(document.createElement("div"), { className: "toast toast-error" });
    const close = Object.assign(document.createElement("button"), { type: "button", className: "quiet small", textContent: "×" });
    close.dataset.dismiss = "";
    close.setAttribute("aria-label", "Dismiss");
    toast.append(Object.assign(document.createElement("p"), { textContent: text }), close);
    document.getElementById("toasts")?.append(toast);
  };

  // Nothing is decided unseen: not before the pictures are on screen, nor in the blink after they appear.
  const loaded = (card) => pictures(card).every((image) => image.complete);
  const broken = (card) => [...card.querySelectorAll("[data-creative]")].some((image) => image.complete && !image.naturalWidth);
  const ready = (card) => loaded(card) && "ready" in card.dataset && !outbox.some((job) => job.kind === "undo");

  const measure = (card, mark) => {
    Promise.all(pictures(card).map((image) => image.decode().catch(() => {}))).then(() => requestAnimationFrame(() => {
      const channel = new MessageChannel(); // fires once the frame with the picture has been handed over
      channel.port1.onmessage = () => {
        if (mark) performance.measure("review:next-picture", { start: mark });
        setTimeout(() => { card.dataset.ready = ""; }, GLANCE_MS);
      };
      channel.port2.postMessage(null);
    }));
  };

  const show = (card, mark) => {
    for (const other of cards()) other.hidden = other !== card;
    delete card.dataset.ready;
    measure(card, mark);
    card.dispatchEvent(new CustomEvent("review:shown", { bubbles: true }));
  };

  const settle = () => {
    const root = desk();
    if (!root || root.hasAttribute("data-grid")) return;
    const any = Boolean(shown());
    const busy = outbox.length > 0;
    root.querySelector("[data-loading]").hidden = any || !busy;
    part("empty").hidden = any || busy;
  };

  const next = (mark) => {
    const card = cards()[0];
    if (card) show(card, mark);
    settle();
    return card;
  };

  const preload = () => { for (const card of cards().filter((one) => one.hidden)) for (const image of pictures(card)) image.decode().catch(() => {}); };

  const saving = () => {
    const label = desk()?.querySelector("[data-saving]");
    const late = outbox.some((job) => job.tries > 0);
    if (label) label.textContent = late ? ` · ${outbox.length} not saved yet, trying again` : "";
  };

  // What the server says is before this reviewer now. The picture on screen stays; what was answered meanwhile stays away.
  const merge = (fresh, job) => {
    const root = desk();
    if (!root || root !== job.desk || fresh.hasAttribute("data-grid") || root.hasAttribute("data-grid")) {
      if (root && root === job.desk) { root.replaceWith(fresh); start(); }
      return;
    }
    const answered = new Set(outbox.map((other) => other.creative));
    const order = (fresh.dataset.held ?? "").split(",").filter((id) => id && !answered.has(id));
    const known = new Map(cards().map((card) => [card.dataset.card, card]));
    for (const card of fresh.querySelectorAll("[data-card]")) {
      if (answered.has(card.dataset.card) || known.has(card.dataset.card)) continue;
      card.hidden = true;
      known.set(card.dataset.card, document.importNode(card, true));
    }
    const current = fresh.dataset.pinned ? null : shown();
    const list = order.map((id) => known.get(id)).filter(Boolean);
    if (current) list.splice(0, list.length, current, ...list.filter((card) => card !== current));
    for (const card of cards()) if (!list.includes(card)) card.remove();
    root.querySelector("[data-cards]").append(...list.filter((card) => card !== current)); // the one on screen keeps its focus
    root.dataset.held = list.map((card) => card.dataset.card).join(",");
    for (const name of ["bar", "empty", "trail"]) {
      const [from, to] = [part(name, fresh), part(name)];
      if (from && to) to.replaceChildren(...from.childNodes);
    }
    if (fresh.dataset.pinned) { const pinned = known.get(fresh.dataset.pinned); if (pinned) show(pinned); }
    else if (!current) next();
    preload();
    settle();
  };

  const restore = (job) => {
    outbox.splice(outbox.indexOf(job), 1);
    if (!job.card || job.desk !== desk()) return;
    desk().querySelector("[data-cards]").prepend(job.card);
    show(job.card);
    settle();
  };

  const refused = (job, status) => {
    restore(job);
    complain(status === 403 ? "You may not do that." : `That was not saved (${status || "signed out"}). Reload and try again.`);
  };

  const send = async (job) => {
    const waiting = outbox.map((other) => other.creative).filter(Boolean);
    const here = cards().map((card) => card.dataset.card);
    job.body.set("have", [...here, ...waiting.filter((id) => id !== job.creative)].join(","));
    const response = await fetch(job.url, { method: "POST", body: job.body, headers: { "HX-Request": "true" } });
    if (response.redirected && new URL(response.url).pathname.startsWith("/login")) return refused(job, 0);
    if (!response.ok && response.status !== 409 && response.status !== 422) return refused(job, response.status);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector("[data-desk]");
    outbox.splice(outbox.indexOf(job), 1);
    if (!fresh) { location.assign(desk() ? location.href : "/review/"); return undefined; }
    merge(fresh, job);
    const toasts = page.getElementById("toasts");
    if (toasts?.children.length) {
      document.getElementById("toasts")?.replaceChildren(...toasts.childNodes);
      document.dispatchEvent(new CustomEvent("htmx:oobAfterSwap"));
    }
    return undefined;
  };

  const pump = async () => {
    if (sending) return;
    sending = true;
    while (outbox.length) {
      const job = outbox[0];
      try {
        await send(job);
      } catch {
        job.tries = (job.tries ?? 0) + 1;
        saving();
        if (job.tries > RETRIES_MS.length) { complain("The server cannot be reached. What you decided last was not saved; it is back on your screen."); for (const lost of [...outbox].reverse()) restore(lost); break; }
        await new Promise((done) => { setTimeout(done, RETRIES_MS[job.tries - 1]); });
      }
      saving();
    }
    sending = false;
    settle();
    preload();
  };

  const post = (form, submitter, kind, card) => {
    const url = submitter?.getAttribute("formaction") ?? form.getAttribute("action"); // form.action would be the button of that name
    outbox.push({ url, kind, card, creative: card?.dataset.card, desk: desk(), body: new FormData(form, submitter) });
    pump();
  };

  const answer = (form, submitter) => {
    const card = form.closest("[data-card]");
    if (!card || card !== shown() || !ready(card)) return;
    const note = submitter?.closest("fieldset")?.querySelector("[data-note]");
    if (submitter?.value === "other" && note && !note.value.trim()) { note.focus(); return; }
    if (submitter?.value === "approve" && broken(card)) { complain("The picture could not be loaded, so it cannot be approved. Skip it or reload."); return; }
    const mark = performance.now();
    const inside = card.contains(document.activeElement) || document.activeElement === document.body;
    post(form, submitter, "answer", card);
    card.remove();
    const following = next(mark);
    if (inside) desk().focus({ preventScroll: true });
    tell(`Creative ${card.dataset.card}: ${submitter?.textContent.replace(/\s+/g, " ").trim() ?? "answered"}. ${following ? following.getAttribute("aria-label") : ""}`);
  };

  const ask = (form, submitter, count) => {
    const dialog = document.querySelector("[data-confirm-bulk]");
    const verb = submitter.name === "reason" ? "Reject" : "Approve";
    dialog.querySelector("[data-confirm-title]").textContent = `${verb} ${count} pictures?`;
    const yes = dialog.querySelector("[data-confirm-yes]");
    yes.textContent = `${verb} ${count}`;
    yes.className = verb === "Reject" ? "bad" : "good";
    dialog.returnValue = "";
    dialog.onclose = () => {
      if (dialog.returnValue !== "yes") return;
      form.querySelector("[data-confirmed]").value = String(count);
      post(form, submitter, "bulk");
    };
    dialog.showModal();
  };

  const bulk = (form, submitter) => {
    if (outbox.length) return;
    const count = form.querySelectorAll("input[name=creative]:checked").length;
    const note = form.querySelector("[data-note]");
    if (submitter?.value === "other" && !note.value.trim()) { note.focus(); return; }
    if (count > 1) ask(form, submitter, count);
    else post(form, submitter, "bulk");
  };

  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-save-view]")) event.target.action = event.target.action.split("?")[0] + location.search; // htmx may have changed it
    const kind = event.target.dataset?.send;
    if (!kind || !desk()?.contains(event.target) || event.defaultPrevented) return;
    event.preventDefault();
    if (kind === "answer") answer(event.target, event.submitter);
    else if (kind === "bulk") bulk(event.target, event.submitter);
    else if (!outbox.some((job) => job.kind === "undo")) post(event.target, event.submitter, "undo");
  });

  const start = () => {
    const card = shown();
    if (card) show(card);
    settle();
    preload();
  };
  document.addEventListener("htmx:afterSettle", (event) => { if (event.target.id === "desk" || event.detail.elt?.id === "desk") start(); });
  addEventListener("beforeunload", (event) => { if (outbox.length) event.preventDefault(); });

  // A claim lives as long as somebody is there: no heartbeat from a hidden page or a reviewer who has left.
  for (const name of ["keydown", "pointermove", "pointerdown"]) document.addEventListener(name, () => { lastTouch = Date.now(); }, { passive: true });
  setInterval(async () => {
    if (!held().length || document.hidden || Date.now() - lastTouch > IDLE_MS) return;
    const body = new URLSearchParams(held().map((id) => ["creative", id]));
    const headers = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
    const { lost } = await fetch(desk().dataset.heartbeat, { method: "POST", body, headers }).then((reply) => reply.json()).catch(() => ({ lost: [] }));
    for (const card of cards()) if (card.hidden && lost.includes(Number(card.dataset.card))) card.remove();
    if (desk()) desk().dataset.held = cards().map((card) => card.dataset.card).join(",") || desk().dataset.held;
  }, HEARTBEAT_MS);

  start();
})();
