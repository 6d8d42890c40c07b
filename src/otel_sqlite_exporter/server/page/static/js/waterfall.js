// SPDX-License-Identifier: Apache-2.0
// The waterfall of a trace: all its spans in a list of which only the rows in view are in the document. It takes the
// place of the table of the server, which shows the same.
import { make as makeHtml } from "./dom.js";
import { showPanel, watchPanel } from "./span_panel.js";
import { cost, findMatches, listLines, makeModel, ms, tokens, visible } from "./trace_model.js";

const ROLES = ["span", "model call", "tool", "agent", "request", "request to another", "message"];
const COLOURS = ["span", "llm", "tool", "agent", "server", "server", "message"];
const MARKS = ["event", "bad", "log", "bad"];
const LONG_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((minutes) => minutes * 6e10);
const LEVEL = 12, MOST_LEVELS = 24, BEYOND = 6, MOST_MARKS = 60, TIMES_AS_LONG = 5;
const box = document.getElementById("waterfall");

const some = (children) => children.filter((one) => one !== null && one !== "");
const make = (tag, attributes, ...children) => makeHtml(tag, attributes, ...some(children));
const put = (kind, ...children) => make("span", { class: kind }, ...children);
function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

class Waterfall {
  closed = new Set(); // the ids of rows of spans: their positions change when spans are added
  spread = new Set();
  shown = new Map();
  here = 0;
  panel = -1;
  query = "";

  constructor(data) {
    this.form = box.querySelector("form");
    this.header = box.querySelector(".wf-header");
    this.ruler = this.header.querySelector(".wf-time");
    this.scroller = make("div", { class: "wf-scroller", role: "treegrid", tabindex: 0, "aria-label": "Spans" });
    this.body = make("div", { role: "rowgroup", class: "wf-body" });
    this.map = make("canvas", { class: "wf-map", "aria-hidden": "true" });
    this.said = make("span", { role: "status", class: "quiet" });
    this.take(data);
  }

  /** Take what the API answered, now or again: what is folded, and where one is, stays. */
  take(data) {
    const here = this.spans?.id[this.here], panel = this.spans?.id[this.panel];
    this.model = makeModel(data);
    this.spans = data.spans;
    this.rows = new Map(this.spans.id.map((id, at) => [id, at]));
    this.here = this.rows.get(here) ?? 0;
    this.panel = this.rows.get(panel) ?? -1;
    if (!this.isZoomed) this.view = [0, this.model.whole];
    this.find(this.query);
  }

  start() {
    this.scroller.append(make("div", { role: "rowgroup", class: "wf-sticky" }, this.header), this.body);
    box.querySelector(".wf-pages")?.remove();
    box.querySelector(".wf-table").replaceWith(this.map, this.scroller);
    this.addTools();
    this.scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    this.scroller.addEventListener("click", (event) => this.click(event));
    this.scroller.addEventListener("keydown", (event) => this.press(event));
    document.addEventListener("page:key", (event) => this.pressAnywhere(event));
    addEventListener("popstate", () => this.readLink(true));
    this.watchMap();
    watchPanel((at) => this.open(at), () => this.close());
    this.readLink(false);
    new ResizeObserver(() => this.redraw()).observe(this.scroller);
  }

  addTools() {
    const button = (label, title, act) => {
      const made = make("button", { type: "button", title }, label);
      made.addEventListener("click", act);
      return made;
    };
    this.form.querySelectorAll("a, [role=status]").forEach((one) => one.remove());
    const find = this.form.querySelector("button");
    find.textContent = "↓ found";
    find.title = "The next span that is found (n)";
    find.before(this.said);
    this.form.append(
      button("Fold", "Fold all spans", () => this.fold(0)),
      button("Unfold", "Unfold all spans", () => this.fold(null)),
      button("↑ failed", "The failed span before (E)", () => this.step(this.listFailed(), -1)),
      button("↓ failed", "The next failed span (e)", () => this.step(this.listFailed(), 1)),
      button("Zoom", "Zoom to the span (z)", () => this.zoomTo(this.here)),
      button("All time", "Show all of the time (Escape)", () => this.zoomTo(null)),
    );
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.step(this.matches, 1);
    });
    this.form.addEventListener("input", () => this.readForm());
  }

  // What is shown is in the link.

  readLink(isAgain) {
    const link = new URLSearchParams(location.search), { q, depth, repeats } = this.form.elements;
    q.value = link.get("q") ?? "";
    depth.value = link.get("depth") ?? "";
    repeats.checked = link.get("repeats") === "true";
    this.readForm(true);
    const id = link.get("span")?.toLowerCase();
    const at = this.rows.get(Number(link.get("row"))) ?? (id ? this.spans.span_id.findIndex((one) => one.startsWith(id)) : -1);
    if (at >= 0) this.go(at);
    if (isAgain && at !== this.panel) showPanel(this.linkPanel(at));
    this.panel = at;
  }

  readForm(isAll = false) {
    const { q, depth, repeats } = this.form.elements;
    if (q.value !== this.query) this.find(q.value);
    if (isAll || repeats.checked !== this.repeats) this.spread.clear();
    this.repeats = repeats.checked;
    if (isAll || depth.value !== this.depth) return this.fold(depth.value === "" ? null : Number(depth.value), isAll);
    if (!isAll) history.replaceState(null, "", this.link(this.panel));
    this.list();
  }

  link(at) {
    const { q, depth, repeats } = this.form.elements, link = new URLSearchParams();
    if (at >= 0) link.set("span", this.spans.span_id[at]);
    if (at >= 0 && this.model.isShared(at)) link.set("row", this.spans.id[at]);
    if (q.value) link.set("q", q.value);
    if (depth.value !== "") link.set("depth", depth.value);
    if (repeats.checked) link.set("repeats", "true");
    return `${box.dataset.page}${link.size ? `?${link}` : ""}`;
  }

  linkPanel(at) {
    return at < 0 ? "" : `${box.dataset.page}/spans/${this.spans.span_id[at]}?part=panel&row=${this.spans.id[at]}`;
  }

  find(text) {
    this.query = text;
    this.matches = findMatches(this.model, text);
    this.marked = new Set(this.matches);
    this.say();
  }

  say() {
    const place = this.matches.indexOf(this.here) + 1;
    const found = `${place ? `${place} of ` : ""}${this.matches.length} found`;
    this.said.textContent = this.query ? found : `${this.model.failed.at(-1)} failed`;
  }

  listFailed() {
    return this.spans.status.flatMap((status, at) => (status === 1 ? [at] : []));
  }

  // Folding.

  fold(level, isQuiet = false) {
    const { end, size } = this.model, { id, depth } = this.spans;
    this.closed.clear();
    this.spread.clear();
    for (let i = 0; level !== null && i < size; i++) if (depth[i] >= level && end[i] > i + 1) this.closed.add(id[i]);
    this.form.elements.depth.value = this.depth = String(level ?? "");
    if (!isQuiet) history.replaceState(null, "", this.link(this.panel));
    this.list();
  }

  toggle(line) {
    const at = this.lines.at[line], { end } = this.model, { id } = this.spans;
    if (this.lines.times[line] > 1) {
      for (let i = at, k = this.lines.times[line]; k; i = end[i], k--) this.spread.add(id[i]);
    } else if (!this.closed.delete(id[at]) && end[at] > at + 1) this.closed.add(id[at]);
    this.list();
  }

  list() {
    const flags = (ids) => {
      const found = new Uint8Array(this.model.size);
      for (const id of ids) if (this.rows.has(id)) found[this.rows.get(id)] = 1;
      return found;
    };
    this.lines = listLines(this.model, flags(this.closed), flags(this.spread), this.repeats);
    this.scroller.setAttribute("aria-rowcount", this.lines.at.length + 1);
    this.redraw();
  }

  // Drawing.

  redraw() {
    this.height = Number.parseFloat(getComputedStyle(box).getPropertyValue("--row"));
    this.body.style.setProperty("height", `${this.lines.at.length * this.height}px`);
    this.body.replaceChildren();
    this.shown.clear();
    this.drawRuler();
    this.draw();
    if (this.mapped !== this.view) requestAnimationFrame(() => this.drawMap());
    this.mapped = this.view;
  }

  draw() {
    const { scrollTop, clientHeight } = this.scroller;
    const first = Math.max(0, Math.floor(scrollTop / this.height) - BEYOND);
    const last = Math.min(this.lines.at.length, first + Math.ceil(clientHeight / this.height) + 2 * BEYOND);
    for (const [line, row] of this.shown) {
      if (line >= first && line < last) continue;
      row.remove();
      this.shown.delete(line);
    }
    for (let line = first; line < last; line++) {
      if (this.shown.has(line)) continue;
      const row = this.makeRow(line);
      row.style.setProperty("transform", `translateY(${line * this.height}px)`);
      this.shown.set(line, row);
      this.body.append(row);
    }
    const here = this.lines.at.indexOf(this.here);
    if (this.shown.has(here)) this.scroller.setAttribute("aria-activedescendant", `wf-${here}`);
    else this.scroller.removeAttribute("aria-activedescendant");
  }

  makeRow(line) {
    const at = this.lines.at[line], { model, spans } = this;
    const common = { role: "row", id: `wf-${line}`, "aria-rowindex": line + 2 };
    if (at < 0) {
      const { id, size } = model.parts[-1 - at];
      const text = [`The parent `, make("code", {}, id), ` ${spans.span_id.includes(id) ? "leads in a circle" : "is missing"}: ${size} ${size === 1 ? "span" : "spans"}`];
      return make("div", { ...common, class: "wf-row wf-heading" }, make("div", { class: "wf-name", role: "rowheader" }, ...text));
    }
    const level = spans.depth[at] + (model.isOrphan(at) ? 1 : 0), told = model.told.get(at);
    const isHere = at === this.here, number = (kind, text) => make("div", { class: `wf-number ${kind}`, role: "gridcell" }, text);
    const row = make(
      "div",
      {
        ...common,
        class: `wf-row${isHere ? " is-here" : ""}${this.marked.has(at) ? " is-match" : ""}`,
        "aria-level": level + 1,
        "aria-selected": isHere,
      },
      this.makeName(line, at, level, told),
      make("div", { class: "wf-time", role: "gridcell" }, this.makeBar(at)),
      number("", ms(this.spans.duration_ns[at])),
      number("wf-own", ms(spans.self_ns[at])),
      number("wf-tokens", tokens(told?.tokens ?? null)),
      number("wf-cost", cost(told?.cost ?? null, told?.unpriced)),
    );
    if (this.hasBelow(line)) row.setAttribute("aria-expanded", !this.isFolded(line));
    return row;
  }

  makeName(line, at, level, told) {
    const { model, spans } = this, { texts, end, failed } = model, times = this.lines.times[line];
    const role = texts.role[spans.role[at]], status = texts.status[spans.status[at]], links = model.links.get(at);
    let after = end[at];
    for (let k = 1; k < times; k++) after = end[after];
    const below = this.isFolded(line) ? after - at - times : 0, bad = below ? failed[after] - failed[at + 1] : 0;
    const icon = draw("svg", { class: `wf-icon role-${role}`, role: "img", "aria-label": ROLES[spans.role[at]] });
    icon.append(draw("use", { href: `#icon-${role}` }));
    return make(
      "div",
      { class: "wf-name", role: "rowheader" },
      draw("svg", { class: "wf-indent", width: Math.min(level, MOST_LEVELS) * LEVEL, height: 1 }),
      make("span", { class: "wf-twist", "aria-hidden": "true" }, this.hasBelow(line) ? (this.isFolded(line) ? "▶" : "▼") : ""),
      icon,
      level > MOST_LEVELS ? put("wf-below", `level ${level}`) : null,
      make("a", { href: this.link(at), tabindex: -1 }, visible(texts.name[spans.name[at]])),
      times > 1 ? put("wf-times", `×${times}`) : null,
      told?.what ? put("wf-what", visible(told.what)) : null,
      status === "ok" ? null : put(`wf-flag ${status}`, status === "error" ? "failed" : status),
      below ? put("wf-below", `${below} below`) : null,
      bad ? put("wf-below error", `${bad} failed`) : null,
      links ? put("wf-below", `${links} ${links === 1 ? "link" : "links"}`) : null,
      put(`wf-service colour-${spans.service[at] % 8}`, visible(texts.service[spans.service[at]])),
    );
  }

  place(ns) {
    return Math.min(101, Math.max(-1, (100 * (ns - this.view[0])) / (this.view[1] - this.view[0])));
  }

  makeBar(at) {
    const { spans, model } = this, [first, last] = this.view, { role, status } = model.texts;
    const start = spans.start_ns[at], stop = start + this.spans.duration_ns[at];
    const label = `starts after ${ms(start)}, takes ${ms(stop - start)}`;
    const kind = `wf-bar role-${role[spans.role[at]]} is-${status[spans.status[at]]}`;
    const bar = draw("svg", { class: kind, width: "100%", height: "100%", role: "img", "aria-label": label });
    if (stop < first || start > last) return bar;
    const add = (part, from, to, y = 6, height = 10) => {
      const x = this.place(from);
      bar.append(draw("rect", { class: part, x: `${x}%`, width: `${this.place(to) - x}%`, y, height }));
    };
    add("whole", start, stop);
    for (const [from, to] of model.findCovered(at, Math.max(start, first), Math.min(stop, last), (last - first) * 0.0015)) add("covered", from, to);
    if (spans.critical_ns[at] !== null) add("critical", start, stop, 18, 2);
    const { at_ns, kind: kinds } = model.data.marks;
    for (const k of (model.marks.get(at) ?? []).slice(0, MOST_MARKS)) {
      bar.append(draw("circle", { class: `mark ${MARKS[kinds[k]]}`, cx: `${this.place(at_ns[k])}%`, cy: 11, r: 2.5 }));
    }
    return bar;
  }

  drawRuler() {
    const [from, to] = this.view, most = Math.max(2, Math.floor(this.ruler.clientWidth / 90));
    const least = (to - from) / most, power = 10 ** Math.floor(Math.log10(least));
    const steps = least > 3e10 ? LONG_STEPS : [1, 2, 5, 10].map((factor) => power * factor);
    const step = steps.find((one) => one >= least) ?? 10 * power;
    const ruler = draw("svg", { class: "wf-ruler", width: "100%", height: "100%", "aria-hidden": "true" });
    for (let at = Math.ceil(from / step) * step; at < to - step * 0.3; at += step) {
      const x = `${this.place(at)}%`;
      ruler.append(draw("line", { x1: x, x2: x, y1: 14, y2: 22 }), draw("text", { x, dx: 3, y: 14 }, ms(at)));
    }
    this.ruler.querySelector("svg").replaceWith(ruler);
  }

  // The map: every span as a line, and which part of the time is shown.

  drawMap() {
    const { map, spans, model } = this, width = (map.width = map.clientWidth), height = (map.height = map.clientHeight);
    const paint = map.getContext("2d"), probe = make("i", {});
    box.append(probe);
    const [error, ...colours] = ["error", ...COLOURS.map((name) => `bar-${name}`)].map((name) => {
      probe.style.setProperty("color", `var(--${name})`);
      return getComputedStyle(probe).color;
    });
    probe.remove();
    const scale = width / model.whole, thick = Math.max(1, height / model.size);
    for (let i = 0; i < model.size; i++) {
      paint.fillStyle = spans.status[i] === 1 ? error : colours[spans.role[i]];
      paint.fillRect(spans.start_ns[i] * scale, (i / model.size) * height, Math.max(1, spans.duration_ns[i] * scale), thick);
    }
    if (!this.isZoomed) return;
    paint.fillStyle = "rgb(128 128 128 / 45%)";
    paint.fillRect(0, 0, this.view[0] * scale, height);
    paint.fillRect(this.view[1] * scale, 0, width, height);
  }

  watchMap() {
    let from = null;
    const time = (event) => Math.max(0, Math.min(1, event.offsetX / this.map.clientWidth)) * this.model.whole;
    this.map.addEventListener("pointerdown", (event) => {
      from = time(event);
      this.map.setPointerCapture(event.pointerId);
    });
    this.map.addEventListener("pointerup", (event) => {
      const [a, b] = [from, time(event)].sort((one, other) => one - other);
      if (from !== null && b - a > this.model.whole / 500) this.zoom([a, b]);
      from = null;
    });
    this.map.addEventListener("dblclick", () => this.zoomTo(null));
  }

  zoom(view) {
    this.isZoomed = view !== null;
    this.view = view ?? [0, this.model.whole];
    this.redraw();
  }

  zoomTo(at) {
    if (at === null) return this.zoom(null);
    const start = this.spans.start_ns[at], length = Math.max(this.spans.duration_ns[at], 1000);
    this.zoom([Math.max(0, start - length / 20), start + length * 1.05]);
  }

  // Moving.

  pick(event) {
    const line = event.target.closest?.(".wf-body > .wf-row")?.id.slice(3);
    return line && this.lines.at[line] >= 0 ? this.lines.at[line] : null;
  }

  click(event) {
    const at = this.pick(event);
    if (at === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (event.target.closest(".wf-twist")) this.toggle(this.lines.at.indexOf(at));
    else if (event.detail === 2) this.zoomTo(at);
    else this.open(at);
  }

  /** Go to a span; what hides it is unfolded. */
  go(at) {
    let line = this.lines.at.indexOf(at);
    if (line < 0) {
      for (let above = at; above !== null; above = this.spans.parent[above]) {
        this.spread.add(this.spans.id[above]);
        if (above !== at) this.closed.delete(this.spans.id[above]);
      }
      this.list();
      line = this.lines.at.indexOf(at);
    }
    this.here = at;
    const top = line * this.height, room = this.scroller.clientHeight - this.header.offsetHeight - this.height;
    const { scrollTop } = this.scroller;
    const beyond = Math.max(scrollTop - top, top - scrollTop - room);
    if (beyond > this.height) this.scroller.scrollTop = top - room / 2; // the edge may be outside the window
    else if (beyond > 0) this.scroller.scrollTop = top < scrollTop ? top : top - room;
    this.body.replaceChildren();
    this.shown.clear();
    this.draw();
    this.say();
  }

  move(lines) {
    const { at } = this.lines, way = Math.sign(lines);
    let line = Math.max(0, Math.min(at.length - 1, at.indexOf(this.here) + lines));
    while (at[line] < 0) line += way; // a heading
    if (line < at.length && line >= 0) this.go(at[line]);
  }

  /** Go to the next of some spans, or the one before, and around. */
  step(places, way) {
    if (!places.length) return;
    const isAfter = (at) => (at - this.here) * way > 0;
    const at = way > 0 ? places.find(isAfter) ?? places[0] : places.findLast(isAfter) ?? places.at(-1);
    if (this.panel < 0) this.go(at);
    else this.open(at);
  }

  open(at) {
    this.go(at);
    if (at === this.panel) return;
    this.panel = at;
    history.pushState(null, "", this.link(at));
    showPanel(this.linkPanel(at), true);
  }

  close() {
    if (this.panel < 0) return false;
    this.panel = -1;
    history.pushState(null, "", this.link(-1));
    showPanel("");
  }

  isFolded(line) {
    return this.lines.times[line] > 1 || this.closed.has(this.spans.id[this.lines.at[line]]);
  }

  hasBelow(line) {
    return this.lines.times[line] > 1 || this.model.end[this.lines.at[line]] > this.lines.at[line] + 1;
  }

  /** The keys of a tree, while it has the focus. */
  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const line = this.lines.at.indexOf(this.here), page = Math.floor(this.scroller.clientHeight / this.height) - 2;
    const all = this.lines.at.length, above = this.spans.parent[this.here];
    const act = {
      ArrowDown: () => this.move(1),
      ArrowUp: () => this.move(-1),
      PageDown: () => this.move(page),
      PageUp: () => this.move(-page),
      Home: () => this.move(-all),
      End: () => this.move(all),
      ArrowRight: () => (this.hasBelow(line) && this.isFolded(line) ? this.toggle(line) : this.move(1)),
      ArrowLeft: () => (this.hasBelow(line) && !this.isFolded(line) ? this.toggle(line) : above !== null && this.go(above)),
      " ": () => this.toggle(line),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** The keys of the page. */
  pressAnywhere(event) {
    const isFree = !event.detail.row && (document.activeElement === document.body || this.scroller.contains(document.activeElement));
    const act = {
      j: () => this.move(1),
      k: () => this.move(-1),
      e: () => this.step(this.listFailed(), 1),
      E: () => this.step(this.listFailed(), -1),
      n: () => this.step(this.matches, 1),
      N: () => this.step(this.matches, -1),
      z: () => this.zoomTo(this.here),
      Enter: isFree && (() => this.open(this.here)),
      Escape: this.isZoomed && (() => this.zoomTo(null)),
    }[event.detail.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

async function load() {
  const answer = await fetch(box.dataset.source).catch(() => null);
  return answer?.ok ? (await answer.json()).data : null;
}

/** While the trace is written, load it again when the head shows something new: for a fifth of the time at most. */
function follow(waterfall) {
  const head = document.getElementById("trace-head");
  let text = head.textContent, isBusy = false, isStale = false;
  const look = async () => {
    isStale = isBusy;
    if (isBusy || head.textContent === text) return;
    text = head.textContent;
    isBusy = true;
    const began = performance.now();
    const data = await load();
    if (data) {
      waterfall.take(data);
      waterfall.list();
    } else text = null; // the next time
    setTimeout(() => {
      isBusy = false;
      if (isStale) look();
    }, TIMES_AS_LONG * (performance.now() - began));
  };
  head.addEventListener("live:shown", look);
}

const data = box && (await load());
if (data) {
  const waterfall = new Waterfall(data); // else the table of the server stays
  waterfall.start();
  follow(waterfall);
  box.dataset.ready = "";
}
