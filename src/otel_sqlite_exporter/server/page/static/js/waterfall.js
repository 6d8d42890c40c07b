// SPDX-License-Identifier: Apache-2.0
// The waterfall of a trace: all spans in a list of which only the rows in view are in the document. It replaces the
// table of the server, which shows the same.

import { openPanel, watchPanel } from "./span_panel.js";
import { cost, findMatches, listLines, makeModel, ms, tokens, visible } from "./trace_model.js";

const ROLES = ["span", "model call", "tool", "agent", "request", "request to another", "message"];
const LEVEL = 12, MOST_LEVELS = 24, BEYOND = 6, LEAST_REFRESH_MS = 2000;
const SHAPES = new Set(["svg", "rect", "circle", "line", "text", "use", "title"]);
const box = document.getElementById("waterfall");

function make(name, attributes = {}, ...children) {
  const made = SHAPES.has(name) ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) made.setAttribute(key, value);
  made.append(...children.filter(one => one !== null));
  return made;
}

class Waterfall {
  constructor(data) {
    this.closed = new Set();
    this.spread = new Set();
    this.shown = new Map();
    this.here = 0;
    this.query = "";
    this.matches = [];
    this.form = box.querySelector("form");
    this.scroller = make("div", { class: "wf-scroller", role: "treegrid", tabindex: 0, "aria-label": "Spans" });
    this.header = box.querySelector(".wf-header");
    this.ruler = this.header.querySelector(".wf-time");
    this.body = make("div", { role: "rowgroup", class: "wf-body" });
    this.map = make("canvas", { class: "wf-map", "aria-hidden": "true" });
    this.status = make("span", { role: "status", class: "quiet" });
    this.take(data);
  }

  // Takes what the API answered, now or again, and keeps what is folded and where one is.
  take(data) {
    const id = this.model?.spans.id[this.here];
    this.model = makeModel(data);
    this.rows = new Map(this.model.spans.id.map((row, at) => [row, at]));
    this.here = this.rows.get(id) ?? 0;
    this.view = this.isZoomed ? this.view : [0, this.model.whole];
    this.find(this.query);
  }

  start() {
    this.header.remove();
    this.header.classList.add("wf-sticky");
    this.scroller.append(make("div", { role: "rowgroup", class: "wf-sticky" }, this.header), this.body);
    box.querySelector(".wf-pages")?.remove();
    box.querySelector(".wf-table").replaceWith(this.map, this.scroller);
    this.addTools();
    this.scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    this.scroller.addEventListener("click", event => this.click(event));
    this.scroller.addEventListener("dblclick", event => this.zoomTo(this.pick(event)));
    document.addEventListener("keydown", event => this.press(event), true);
    new ResizeObserver(() => this.redraw()).observe(this.scroller);
    this.watchMap();
    addEventListener("popstate", () => this.readLink());
    watchPanel(at => this.go(at, true));
    this.readLink();
  }

  addTools() {
    const button = (label, title, action) => {
      const made = make("button", { type: "button", title }, label);
      made.addEventListener("click", action);
      return made;
    };
    this.form.querySelectorAll("button, a, [role=status]").forEach(one => one.remove());
    this.form.append(
      this.status,
      button("Fold all", "Fold all spans", () => this.fold(0)),
      button("Unfold", "Unfold all spans", () => this.fold(null)),
      button("↑ error", "The error before (E)", () => this.step(this.errors(), -1)),
      button("↓ error", "The next error (e)", () => this.step(this.errors(), 1)),
      button("Zoom", "Zoom to the span (z)", () => this.zoomTo(this.here)),
      button("All time", "Show all time (Escape)", () => this.zoomTo(null)),
    );
    this.form.addEventListener("submit", event => { event.preventDefault(); this.step(this.matches, 1); });
    this.form.addEventListener("input", () => this.readForm());
  }

  // The state in the link, and back.
  readLink() {
    const link = new URLSearchParams(location.search);
    this.form.elements.q.value = this.query = link.get("q") ?? "";
    this.form.elements.depth.value = link.get("depth") ?? "";
    this.form.elements.repeats.checked = this.repeats = link.get("repeats") === "true";
    this.find(this.query);
    this.fold(link.has("depth") ? Number(link.get("depth")) : null, false);
    const id = link.get("span"), row = this.rows.get(Number(link.get("row")));
    const at = row ?? (id ? this.model.spans.span_id.findIndex(one => one.startsWith(id.toLowerCase())) : -1);
    if (at >= 0) this.go(at, false);
    openPanel(id, at, this.linkPanel(at));
  }

  readForm() {
    const { q, depth, repeats } = this.form.elements;
    if (q.value !== this.query) this.find(q.value);
    if (repeats.checked !== this.repeats) { this.repeats = repeats.checked; this.spread.clear(); }
    if (depth.value !== (new URLSearchParams(location.search).get("depth") ?? "")) this.fold(depth.value === "" ? null : Number(depth.value), false);
    history.replaceState(null, "", this.link(this.panel ?? -1));
    this.list();
  }

  link(at) {
    const { q, depth, repeats } = this.form.elements, link = new URLSearchParams();
    if (at >= 0) {
      link.set("span", this.model.spans.span_id[at]);
      if (this.isShared(at)) link.set("row", this.model.spans.id[at]);
    }
    if (q.value) link.set("q", q.value);
    if (depth.value !== "") link.set("depth", depth.value);
    if (repeats.checked) link.set("repeats", "true");
    return `${box.dataset.page}${link.size ? `?${link}` : ""}`;
  }

  linkPanel(at) {
    return at < 0 ? "" : `${box.dataset.page}/spans/${this.model.spans.span_id[at]}?part=panel&row=${this.model.spans.id[at]}`;
  }

  isShared(at) {
    this.model.ids ??= this.model.spans.span_id.reduce((ids, id) => ids.set(id, (ids.get(id) ?? 0) + 1), new Map());
    return this.model.ids.get(this.model.spans.span_id[at]) > 1;
  }

  find(text) {
    this.query = text;
    this.matches = findMatches(this.model, text);
    this.marked = new Set(this.matches);
    this.say();
  }

  say() {
    const place = this.matches.indexOf(this.here) + 1;
    this.status.textContent = this.query ? `${place ? `${place} of ` : ""}${this.matches.length} found` : `${this.model.failed.at(-1)} failed`;
  }

  errors() {
    return this.model.spans.status.flatMap((status, at) => (status === 1 ? [at] : []));
  }

  // Folding. What is folded or spread is kept by the row of a span, as its position changes when spans are added.
  fold(level, isNew = true) {
    const { spans, end, size } = this.model;
    this.closed.clear();
    this.spread.clear();
    if (level !== null) for (let i = 0; i < size; i++) if (spans.depth[i] >= level && end[i] > i + 1) this.closed.add(spans.id[i]);
    if (isNew) {
      this.form.elements.depth.value = level ?? "";
      history.replaceState(null, "", this.link(this.panel ?? -1));
    }
    this.list();
  }

  toggle(line, isOpen) {
    const at = this.lines.at[line], { spans, end } = this.model;
    if (at < 0) return;
    if (this.lines.times[line] > 1) {
      for (let i = at, k = this.lines.times[line]; k; i = end[i], k--) this.spread.add(spans.id[i]);
    } else if (isOpen ?? this.closed.has(spans.id[at])) this.closed.delete(spans.id[at]);
    else if (end[at] > at + 1) this.closed.add(spans.id[at]);
    this.list();
  }

  list() {
    const { size, spans } = this.model, closed = new Uint8Array(size), spread = new Uint8Array(size);
    for (const row of this.closed) if (this.rows.has(row)) closed[this.rows.get(row)] = 1;
    for (const row of this.spread) if (this.rows.has(row)) spread[this.rows.get(row)] = 1;
    this.lines = listLines(this.model, { closed, spread, repeats: this.repeats });
    this.scroller.setAttribute("aria-rowcount", this.lines.at.length + 1);
    this.spans = spans;
    this.redraw();
  }

  // Drawing.
  redraw() {
    this.height = Number.parseFloat(getComputedStyle(this.scroller).getPropertyValue("--row")) || 24;
    this.body.style.setProperty("height", `${this.lines.at.length * this.height}px`);
    this.body.replaceChildren();
    this.shown.clear();
    this.drawRuler();
    this.draw();
    this.mapped = this.mapped === this.model ? this.mapped : (requestAnimationFrame(() => this.drawMap()), this.model);
  }

  draw() {
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / this.height) - BEYOND);
    const last = Math.min(this.lines.at.length, first + Math.ceil(this.scroller.clientHeight / this.height) + 2 * BEYOND);
    for (const [line, row] of this.shown) if (line < first || line >= last) { row.remove(); this.shown.delete(line); }
    for (let line = first; line < last; line++) {
      if (this.shown.has(line)) continue;
      const row = this.makeRow(line);
      row.style.setProperty("transform", `translateY(${line * this.height}px)`);
      this.shown.set(line, row);
      this.body.append(row);
    }
    this.scroller.setAttribute("aria-activedescendant", `wf-${this.lines.at.indexOf(this.here)}`);
  }

  makeRow(line) {
    const at = this.lines.at[line], times = this.lines.times[line], { model, spans } = this, { texts, end, failed } = model;
    const common = { role: "row", id: `wf-${line}`, "aria-rowindex": line + 2 };
    if (at < 0) {
      const { id, size } = model.parts[-1 - at];
      return make("div", { ...common, class: "wf-row wf-heading", "aria-level": 1 },
        make("div", { class: "wf-name", role: "rowheader" }, "The parent ", make("code", {}, id), ` is missing: ${size} ${size === 1 ? "span" : "spans"}`));
    }
    let after = end[at];
    for (let k = 1; k < times; k++) after = end[after];
    const isClosed = times > 1 || this.closed.has(spans.id[at]), hasBelow = times > 1 || end[at] > at + 1;
    const below = isClosed ? after - at - times : 0, bad = isClosed ? failed[after] - failed[at + 1] : 0;
    const told = model.told.get(at), status = texts.status[spans.status[at]], role = texts.role[spans.role[at]];
    const level = spans.depth[at] + (this.model.parts.length > 1 && this.isOrphan(at) ? 1 : 0);
    const quiet = text => make("span", { class: "wf-below" }, text);
    const name = make("div", { class: "wf-name", role: "rowheader" },
      make("svg", { class: "wf-indent", width: Math.min(level, MOST_LEVELS) * LEVEL, height: 1, "aria-hidden": "true" }),
      make("span", { class: "wf-twist", "aria-hidden": "true" }, hasBelow ? (isClosed ? "▶" : "▼") : ""),
      make("svg", { class: `wf-icon role-${role}`, role: "img", "aria-label": ROLES[spans.role[at]] }, make("use", { href: `#icon-${role}` })), " ",
      make("a", { href: this.link(at), tabindex: -1 }, visible(texts.name[spans.name[at]])),
      times > 1 ? make("b", { class: "wf-times" }, ` ×${times}`) : null,
      told?.what ? make("span", { class: "wf-what" }, ` ${visible(told.what)}`) : null,
      status === "ok" ? null : make("span", { class: `wf-flag ${status}` }, ` ${status === "error" ? "failed" : status}`),
      below ? quiet(` ${below} below`) : null,
      bad ? make("span", { class: "wf-below error" }, ` ${bad} failed`) : null,
      model.links.has(at) ? quiet(` ${model.links.get(at)} ${model.links.get(at) === 1 ? "link" : "links"}`) : null,
      make("span", { class: `wf-service colour-${spans.service[at] % 8}` }, visible(texts.service[spans.service[at]])));
    const cell = (kind, text) => make("div", { class: kind, role: "gridcell" }, text);
    return make("div", {
      ...common, "aria-level": level + 1, "aria-expanded": hasBelow ? String(!isClosed) : null, "aria-selected": String(at === this.here),
      class: `wf-row${at === this.here ? " is-here" : ""}${this.marked.has(at) ? " is-match" : ""}`,
    }, name, cell("wf-time", this.makeBar(at, role, status)), cell("wf-number", ms(this.lengthOf(at))), cell("wf-number wf-own", ms(spans.self_ns[at])),
    cell("wf-number wf-tokens", tokens(told?.tokens ?? null)), cell("wf-number wf-cost", cost(told?.cost ?? null)));
  }

  isOrphan(at) {
    while (this.spans.parent[at] !== null) at = this.spans.parent[at];
    this.model.orphans ??= new Set(this.model.data.missing_parents.span);
    return this.model.orphans.has(at);
  }

  lengthOf(at) {
    return this.spans.duration_ns[at] + (this.spans.status[at] === 2 ? this.grown ?? 0 : 0);
  }

  place(ns) {
    return Math.min(101, Math.max(-1, (100 * (ns - this.view[0])) / (this.view[1] - this.view[0])));
  }

  makePart(kind, from, to, y = 6, height = 10) {
    const x = this.place(from), width = this.place(to) - x;
    return make("rect", { class: kind, x: `${x}%`, width: `${width}%`, y, height });
  }

  makeBar(at, role, status) {
    const { spans, model } = this, start = spans.start_ns[at], stop = start + this.lengthOf(at);
    const bar = make("svg", { class: `wf-bar role-${role} is-${status}`, width: "100%", height: "100%", role: "img", "aria-label": `starts after ${ms(start)}, takes ${ms(stop - start)}` });
    if (stop < this.view[0] || start > this.view[1]) return bar;
    bar.append(this.makePart("whole", start, stop));
    const gap = (this.view[1] - this.view[0]) * 0.0015;
    let from = null, to = null;
    for (let child = at + 1; child < model.end[at]; child = model.end[child]) {
      const a = Math.max(start, spans.start_ns[child]), b = Math.min(stop, spans.start_ns[child] + this.lengthOf(child));
      if (b <= a || b < this.view[0] || a > this.view[1]) continue;
      if (from !== null && a <= to + gap) { to = Math.max(to, b); continue; }
      if (from !== null) bar.append(this.makePart("covered", from, to));
      [from, to] = [a, b];
    }
    if (from !== null) bar.append(this.makePart("covered", from, to));
    if (spans.critical_ns[at] !== null) bar.append(this.makePart("critical", start, stop, 18, 2));
    for (const k of (model.marks.get(at) ?? []).slice(0, 60)) {
      const kind = model.data.marks.kind[k];
      bar.append(make("circle", { class: `mark ${["event", "bad", "log", "bad"][kind]}`, cx: `${this.place(model.data.marks.at_ns[k])}%`, cy: 11, r: 2.5 }));
    }
    return bar;
  }

  drawRuler() {
    const [from, to] = this.view, most = Math.max(2, Math.min(8, Math.floor(this.ruler.clientWidth / 90)));
    const power = 10 ** Math.floor(Math.log10((to - from) / most));
    const step = power * [1, 2, 5, 10].find(factor => power * factor * most >= to - from);
    const ruler = make("svg", { class: "wf-ruler", width: "100%", height: "100%", "aria-hidden": "true" });
    for (let at = Math.ceil(from / step) * step; at < to - step * 0.2; at += step) {
      const x = `${this.place(at)}%`;
      ruler.append(make("line", { x1: x, x2: x, y1: 14, y2: 22 }), make("text", { x, dx: 3, y: 14 }, ms(at)));
    }
    this.ruler.querySelector("svg").replaceWith(ruler);
  }

  // The map: every span as a line, and the part of time that is shown.
  drawMap() {
    const { map, spans, model } = this, width = (map.width = map.clientWidth), height = (map.height = map.clientHeight);
    const context = map.getContext("2d"), style = getComputedStyle(box);
    const colours = ["span", "llm", "tool", "agent", "server", "server", "message"].map(one => style.getPropertyValue(`--bar-${one}`));
    const probe = make("i");
    box.append(probe);
    const paints = colours.map(one => { probe.style.setProperty("color", one); return getComputedStyle(probe).color; });
    probe.style.setProperty("color", "var(--error)");
    const error = getComputedStyle(probe).color;
    probe.remove();
    const thick = Math.max(1, height / model.size);
    for (let i = 0; i < model.size; i++) {
      context.fillStyle = spans.status[i] === 1 ? error : paints[spans.role[i]];
      context.fillRect((spans.start_ns[i] / model.whole) * width, (i / model.size) * height, Math.max(1, (spans.duration_ns[i] / model.whole) * width), thick);
    }
    if (!this.isZoomed) return;
    context.fillStyle = "rgba(128, 128, 128, 0.45)";
    const [a, b] = this.view.map(one => (one / model.whole) * width);
    context.fillRect(0, 0, a, height);
    context.fillRect(b, 0, width - b, height);
  }

  watchMap() {
    let from = null;
    const time = event => (event.offsetX / this.map.clientWidth) * this.model.whole;
    this.map.addEventListener("pointerdown", event => { from = time(event); this.map.setPointerCapture(event.pointerId); });
    this.map.addEventListener("pointerup", event => {
      const [a, b] = [from, time(event)].sort((one, other) => one - other);
      if (from !== null && b - a > this.model.whole / 500) this.zoom([Math.max(0, a), Math.min(this.model.whole, b)]);
      from = null;
    });
    this.map.addEventListener("dblclick", () => this.zoomTo(null));
  }

  zoom(view) {
    this.isZoomed = view !== null;
    this.view = view ?? [0, this.model.whole];
    this.mapped = null;
    this.redraw();
  }

  zoomTo(at) {
    if (at === null || at === undefined) { this.zoom(null); return; }
    const start = this.spans.start_ns[at], length = Math.max(this.lengthOf(at), 1000);
    this.zoom([Math.max(0, start - length / 20), start + length * 1.05]);
  }

  // Moving.
  pick(event) {
    const id = event.target.closest?.("[id^=wf-]")?.id;
    const at = id ? this.lines.at[Number(id.slice(3))] : -1;
    return at >= 0 ? at : null;
  }

  click(event) {
    const at = this.pick(event);
    if (at === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (event.target.closest(".wf-twist")) this.toggle(this.lines.at.indexOf(at));
    else this.go(at, true);
  }

  // Goes to a span, which is unfolded; with `isOpening` its panel is shown.
  go(at, isOpening) {
    let line = this.lines.at.indexOf(at);
    if (line < 0) {
      for (let above = at; above !== null; above = this.spans.parent[above]) {
        this.spread.add(this.spans.id[above]);
        if (above !== at) this.closed.delete(this.spans.id[above]);
      }
      this.list();
      line = this.lines.at.indexOf(at);
    }
    this.move(line);
    if (isOpening && this.panel !== at) {
      this.panel = at;
      history.pushState(null, "", this.link(at));
      openPanel(this.spans.span_id[at], at, this.linkPanel(at));
    } else if (!isOpening) this.panel = at;
  }

  move(line) {
    const wanted = Math.max(0, Math.min(this.lines.at.length - 1, line));
    const at = this.lines.at[wanted];
    if (at < 0) return line > this.lines.at.indexOf(this.here) && wanted + 1 < this.lines.at.length ? this.move(wanted + 1) : undefined;
    this.here = at;
    const top = wanted * this.height, room = this.scroller.clientHeight - this.header.offsetHeight;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top + this.height > this.scroller.scrollTop + room) this.scroller.scrollTop = top + this.height - room;
    for (const row of this.shown.values()) row.remove();
    this.shown.clear();
    this.draw();
    this.say();
  }

  step(places, way) {
    if (!places.length) return;
    const next = way > 0 ? places.find(at => at > this.here) ?? places[0] : places.findLast(at => at < this.here) ?? places.at(-1);
    this.go(next, this.panel !== undefined);
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]")) return;
    const isInside = this.scroller.contains(event.target), line = this.lines.at.indexOf(this.here);
    const page = Math.floor(this.scroller.clientHeight / this.height) - 2;
    const { parent } = this.spans;
    const inside = {
      ArrowDown: () => this.move(line + 1), ArrowUp: () => this.move(line - 1),
      PageDown: () => this.move(line + page), PageUp: () => this.move(line - page),
      Home: () => this.move(0), End: () => this.move(this.lines.at.length - 1),
      ArrowRight: () => (this.isFolded(line) ? this.toggle(line, true) : this.move(line + 1)),
      ArrowLeft: () => (this.isOpen(line) ? this.toggle(line) : parent[this.here] !== null && this.move(this.lines.at.indexOf(parent[this.here]))),
      " ": () => this.toggle(line), Enter: () => this.go(this.here, true),
    };
    const anywhere = {
      j: () => this.move(line + 1), k: () => this.move(line - 1), z: () => this.zoomTo(this.here),
      e: () => this.step(this.errors(), 1), E: () => this.step(this.errors(), -1),
      n: () => this.step(this.matches, 1), N: () => this.step(this.matches, -1),
      Escape: () => (this.isZoomed ? this.zoomTo(null) : this.close()),
    };
    const act = (isInside ? inside[event.key] : null) ?? anywhere[event.key] ?? (event.key === "Enter" && event.target === document.body ? inside.Enter : null);
    if (!act) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    act();
  }

  isFolded(line) {
    return this.lines.times[line] > 1 || this.closed.has(this.spans.id[this.lines.at[line]]);
  }

  isOpen(line) {
    return !this.isFolded(line) && this.model.end[this.lines.at[line]] > this.lines.at[line] + 1;
  }

  close() {
    if (this.panel === undefined) return;
    this.panel = undefined;
    history.pushState(null, "", this.link(-1));
    openPanel(null, -1, "");
  }
}

async function load() {
  const answer = await fetch(box.dataset.source, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).data;
}

// While the trace is written, it is loaded again: at most every two seconds, and a fifth of the time.
function follow(waterfall) {
  const stream = new EventSource("/api/v1/stream");
  const id = waterfall.model.data.trace.trace_id;
  let waiting = false, took = 0;
  const refresh = () => {
    if (waiting) return;
    waiting = true;
    setTimeout(async () => {
      const began = performance.now();
      try {
        waterfall.take(await load());
        waterfall.list();
      } finally {
        waiting = false;
        took = performance.now() - began;
      }
    }, Math.max(LEAST_REFRESH_MS, 5 * took));
  };
  stream.addEventListener("reset", refresh);
  stream.addEventListener("changes", event => {
    const { spans, llm_interactions, tool_interactions, logs } = JSON.parse(event.data);
    if ([spans, llm_interactions, tool_interactions, logs].some(rows => rows.some(row => row.trace_id === id))) refresh();
  });
}

if (box) {
  const waterfall = new Waterfall(await load());
  waterfall.start();
  box.dataset.ready = "true";
  const isNew = Date.now() - Date.parse(waterfall.model.data.trace.end_time) < 10 * 60_000;
  if (waterfall.model.data.trace.running || isNew) follow(waterfall);
}
