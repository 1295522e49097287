// Painting a mask by hand. The page works without it: a box by numbers, or a mask made elsewhere, can be sent as a form.
(() => {
  const editor = document.querySelector("[data-mask-editor]");
  const canvas = editor?.querySelector("canvas");
  if (!canvas) return;
  const find = (selector) => editor.querySelector(selector);
  const upload = document.querySelector("[data-upload-form]");
  const boxForm = document.querySelector("[data-box-form]");
  const size = find("[data-size]");
  const view = find("[data-view]");
  const view2d = canvas.getContext("2d");
  const STEPS = 40;

  // The mask lives in the alpha of a canvas of its own; `before` is a copy from the start of a stroke.
  const sheet = (width, height) => Object.assign(document.createElement("canvas"), { width, height });
  const state = { tool: "brush", cursor: null, corner: null, box: null, stroke: null, zoom: 1, done: [], undone: [] };
  let photo, mask, before, layer;

  const say = (text) => { find("[data-say]").textContent = text; };

  const load = async (url) => {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
    return createImageBitmap(await answer.blob());
  };

  // A grey picture becomes the alpha of the mask.
  const adopt = (picture) => {
    const { width, height } = mask;
    const context = sheet(width, height).getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0, width, height);
    const pixels = context.getImageData(0, 0, width, height);
    for (let at = 0; at < pixels.data.length; at += 4) {
      pixels.data[at + 3] = pixels.data[at];
      pixels.data[at] = pixels.data[at + 1] = pixels.data[at + 2] = 255;
    }
    mask.getContext("2d").putImageData(pixels, 0, 0);
  };

  const draw = () => {
    const { width, height } = canvas;
    const ink = getComputedStyle(canvas);
    view2d.clearRect(0, 0, width, height);
    if (view.value === "mask") {
      view2d.fillStyle = ink.backgroundColor;
      view2d.fillRect(0, 0, width, height);
      view2d.drawImage(mask, 0, 0);
    } else {
      const over = layer.getContext("2d");
      over.globalCompositeOperation = "copy";
      if (view.value === "cut") {
        over.drawImage(photo, 0, 0, width, height);
        over.globalCompositeOperation = "destination-in";
        over.drawImage(mask, 0, 0);
        view2d.drawImage(layer, 0, 0);
      } else {
        over.fillStyle = ink.color;
        over.fillRect(0, 0, width, height);
        over.globalCompositeOperation = "destination-out";
        over.drawImage(mask, 0, 0);
        view2d.drawImage(photo, 0, 0, width, height);
        view2d.globalAlpha = 0.6;
        view2d.drawImage(layer, 0, 0);
        view2d.globalAlpha = 1;
      }
    }
    marks(ink);
  };

  const marks = (ink) => {
    const pen = Math.max(1, canvas.width / canvas.clientWidth || 1);
    const twice = (path) => {
      for (const [colour, width] of [[ink.outlineColor, 3 * pen], [ink.backgroundColor, 1.2 * pen]]) {
        view2d.strokeStyle = colour;
        view2d.lineWidth = width;
        view2d.stroke(path);
      }
    };
    const box = state.tool === "box" && (state.box ?? (state.corner && state.cursor && between(state.corner, state.cursor)));
    if (box) {
      const path = new Path2D();
      path.rect(box.left, box.top, box.width, box.height);
      twice(path);
    }
    if (!state.cursor) return;
    const path = new Path2D();
    if (state.tool === "box") {
      const arm = 12 * pen;
      path.moveTo(state.cursor.x - arm, state.cursor.y);
      path.lineTo(state.cursor.x + arm, state.cursor.y);
      path.moveTo(state.cursor.x, state.cursor.y - arm);
      path.lineTo(state.cursor.x, state.cursor.y + arm);
    } else path.arc(state.cursor.x, state.cursor.y, brush() / 2, 0, 2 * Math.PI);
    twice(path);
  };

  const brush = () => Number(size.value) * canvas.width / 1000;
  const between = (a, b) => ({ left: Math.min(a.x, b.x), top: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) });

  // Steps: the part of the mask that a stroke changed, as it was and as it is.
  const start = () => {
    const copy = before.getContext("2d");
    copy.globalCompositeOperation = "copy";
    copy.drawImage(mask, 0, 0);
    state.stroke = { left: mask.width, top: mask.height, right: 0, bottom: 0 };
  };
  const touch = (x, y, reach) => {
    const { stroke } = state;
    stroke.left = Math.max(0, Math.min(stroke.left, Math.floor(x - reach)));
    stroke.top = Math.max(0, Math.min(stroke.top, Math.floor(y - reach)));
    stroke.right = Math.min(mask.width, Math.max(stroke.right, Math.ceil(x + reach)));
    stroke.bottom = Math.min(mask.height, Math.max(stroke.bottom, Math.ceil(y + reach)));
  };
  const finish = () => {
    const { stroke } = state;
    state.stroke = null;
    const width = stroke ? stroke.right - stroke.left : 0;
    const height = stroke ? stroke.bottom - stroke.top : 0;
    if (width <= 0 || height <= 0) return;
    const part = (of) => of.getContext("2d").getImageData(stroke.left, stroke.top, width, height);
    state.done.push({ x: stroke.left, y: stroke.top, was: part(before), is: part(mask) });
    if (state.done.length > STEPS) state.done.shift();
    state.undone = [];
    refresh();
  };
  const step = (from, to, which, word) => {
    const change = state[from].pop();
    if (!change) return;
    mask.getContext("2d").putImageData(change[which], change.x, change.y);
    state[to].push(change);
    say(word);
    refresh();
  };
  const undo = () => step("done", "undone", "was", "Undone.");
  const redo = () => step("undone", "done", "is", "Done again.");
  const refresh = () => {
    find("[data-undo]").disabled = !state.done.length;
    find("[data-redo]").disabled = !state.undone.length;
    find("[data-save]").disabled = !state.done.length;
    draw();
  };

  const line = (from, to) => {
    const pen = mask.getContext("2d");
    pen.globalCompositeOperation = state.tool === "erase" ? "destination-out" : "source-over";
    pen.strokeStyle = "white";
    pen.lineCap = "round";
    pen.lineWidth = brush();
    pen.beginPath();
    pen.moveTo(from.x, from.y);
    pen.lineTo(to.x, to.y + (from.x === to.x && from.y === to.y ? 0.01 : 0));
    pen.stroke();
    pen.globalCompositeOperation = "source-over";
    for (const { x, y } of [from, to]) touch(x, y, brush() / 2 + 2);
    draw();
  };

  const setBox = (box) => {
    state.box = box;
    const values = { left: box.left / canvas.width, top: box.top / canvas.height, width: box.width / canvas.width, height: box.height / canvas.height };
    for (const [name, value] of Object.entries(values)) boxForm.elements[name].value = (Math.floor(value * 10000) / 100).toString();
    draw();
  };
  const tryBox = async () => {
    say("Looking for the product in the box …");
    const answer = await fetch(editor.dataset.box, { method: "POST", body: new FormData(boxForm) });
    if (!answer.ok) {
      say(answer.status === 422 ? await answer.text() : `That did not work (${answer.status}).`);
      return;
    }
    start();
    adopt(await createImageBitmap(await answer.blob()));
    touch(0, 0, 0);
    touch(mask.width, mask.height, 0);
    finish();
    say("Found. Look at it, correct it with brush and eraser, and save it.");
  };

  const choose = (tool) => {
    state.tool = tool;
    state.corner = state.box = null;
    for (const button of editor.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    say({ brush: "Brush: adds to the product.", erase: "Eraser: takes from the product.", box: "Box: draw it around the whole product." }[tool]);
    draw();
  };
  const zoom = (how) => {
    state.zoom = how === "fit" ? 1 : Math.min(8, Math.max(1, state.zoom * (how === "in" ? 1.5 : 1 / 1.5)));
    canvas.style.width = `${100 * state.zoom}%`;
    draw();
  };

  const place = (event) => {
    const frame = canvas.getBoundingClientRect();
    return { x: (event.clientX - frame.left) * canvas.width / frame.width, y: (event.clientY - frame.top) * canvas.height / frame.height };
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    state.cursor = place(event);
    if (state.tool === "box") {
      state.corner = state.cursor;
      state.box = null;
    } else {
      start();
      line(state.cursor, state.cursor);
    }
  });
  canvas.addEventListener("pointermove", (event) => {
    const from = state.cursor;
    state.cursor = place(event);
    if (state.stroke && from) line(from, state.cursor);
    else draw();
  });
  const lift = () => {
    if (state.stroke) finish();
    else if (state.corner) {
      const box = between(state.corner, state.cursor);
      state.corner = null;
      if (box.width > 4 && box.height > 4) {
        setBox(box);
        tryBox();
      }
    }
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => {
    if (document.activeElement !== canvas) state.cursor = null;
    draw();
  });

  const dab = () => {
    state.cursor ??= { x: canvas.width / 2, y: canvas.height / 2 };
    if (state.tool !== "box") {
      if (!state.stroke) start();
      line(state.cursor, state.cursor);
    } else if (state.corner) lift();
    else {
      state.corner = { ...state.cursor };
      state.box = null;
      say("First corner set. Move to the opposite one and press Space again.");
    }
  };
  const move = (dx, dy, far) => {
    const from = state.cursor ?? { x: canvas.width / 2, y: canvas.height / 2 };
    const by = (far ? 10 : 1) * Math.max(1, canvas.width / 400);
    state.cursor = { x: Math.min(canvas.width, Math.max(0, from.x + dx * by)), y: Math.min(canvas.height, Math.max(0, from.y + dy * by)) };
    if (state.stroke) line(from, state.cursor);
    else draw();
  };
  const resize = (by) => { size.value = String(Number(size.value) + by); draw(); };
  const KEYS = {
    ArrowLeft: (far) => move(-1, 0, far), ArrowRight: (far) => move(1, 0, far), ArrowUp: (far) => move(0, -1, far), ArrowDown: (far) => move(0, 1, far),
    b: () => choose("brush"), e: () => choose("erase"), x: () => choose("box"), "[": () => resize(-6), "]": () => resize(6),
    z: undo, y: redo, "+": () => zoom("in"), "-": () => zoom("out"), " ": dab,
  };
  canvas.addEventListener("keydown", (event) => {
    const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (event.key !== " " || !event.repeat) act(event.shiftKey);
  });
  canvas.addEventListener("keyup", (event) => { if (event.key === " " && state.stroke) finish(); });
  canvas.addEventListener("focus", () => { state.cursor ??= { x: canvas.width / 2, y: canvas.height / 2 }; draw(); });
  canvas.addEventListener("blur", () => { if (state.stroke) finish(); });

  const save = () => mask.toBlob((blob) => {
    const files = new DataTransfer();
    files.items.add(new File([blob], "mask.png", { type: "image/png" }));
    upload.elements.matte.files = files.files;
    upload.elements.source.value = "brush";
    upload.requestSubmit(upload.querySelector("button[value=save]"));
  }, "image/png");

  editor.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.tool) choose(button.dataset.tool);
    else if (button.dataset.zoom) zoom(button.dataset.zoom);
    else if ("undo" in button.dataset) undo();
    else if ("redo" in button.dataset) redo();
    else if ("save" in button.dataset) save();
  });
  view.addEventListener("change", () => draw());
  size.addEventListener("input", () => draw());
  boxForm.querySelector("[data-try-box]").addEventListener("click", () => {
    choose("box");
    const share = (name) => Number(boxForm.elements[name].value) / 100;
    state.box = { left: share("left") * canvas.width, top: share("top") * canvas.height, width: share("width") * canvas.width, height: share("height") * canvas.height };
    tryBox();
  });
  addEventListener("resize", () => draw());

  const open = async () => {
    photo = await load(editor.dataset.photo);
    canvas.width = photo.width;
    canvas.height = photo.height;
    [mask, before, layer] = [0, 1, 2].map(() => sheet(photo.width, photo.height));
    adopt(await load(editor.dataset.matte));
    for (const part of editor.querySelectorAll("[hidden]")) part.hidden = false;
    boxForm.querySelector("[data-try-box]").hidden = false;
    find("[data-plain]").hidden = true;
    canvas.dataset.ready = "";
    draw();
  };
  open().catch((error) => say(`The editor could not start: ${error.message}`));
})();
