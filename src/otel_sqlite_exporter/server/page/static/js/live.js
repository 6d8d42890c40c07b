// SPDX-License-Identifier: Apache-2.0
// Keeps what a page shows up to date: one stream tells that something was written, and elements with `data-live` are
// then asked for again, from their `data-part-url`. No stream is open while nobody looks.
import { announce, make, tellTime } from "./dom.js";
import { morphChildren } from "./morph.js";

const ROWS = ["spans", "llm_interactions", "tool_interactions", "logs"];
/** What is written when an element of this kind changes. Other kinds are a list of the stream, or change with anything. */
const WRITTEN = {
  traces: ["spans", "llm_interactions", "tool_interactions"],
  calls: ["llm_interactions"],
  tools: ["tool_interactions"],
  logs: ["logs"],
  metrics: ["points"],
  session: [...ROWS, "points"],
};
const LEAST_MS = 1000;
const TIMES_AS_LONG = 10; // so all pages together ask for a small share of the time
const LONGEST_RETRY_MS = 30_000;
const MARKED_MS = 4000;
const MOST_ROWS = 1000;

const states = new WeakMap();
const ahead = findAhead();
let stream, bar, retryMs = LEAST_MS, retry, wasLost = false;

const findParts = () => [...document.querySelectorAll("[data-live][data-part-url]")];
const stateOf = (part) => states.get(part) ?? (states.set(part, { nextAt: 0 }), states.get(part));
const isFollowing = () => sessionStorage.getItem("follow") !== "off";

function isAbout(part, changes) {
  return part.dataset.live.split(/\s+/).some((kind) => {
    const lists = WRITTEN[kind] ?? (kind in changes ? [kind] : ROWS);
    return lists.some((list) => changes[list].length ?? changes[list]);
  });
}

/** Ask for a part again: now, or as soon as it may be asked. */
function refresh(part) {
  const state = stateOf(part);
  state.isStale = true;
  if (state.isBusy || state.timer) return;
  state.timer = setTimeout(() => { state.timer = null; load(part, state); }, Math.max(0, state.nextAt - performance.now()));
}

async function load(part, state) {
  if (!part.isConnected || document.hidden) return;
  Object.assign(state, { isBusy: true, isStale: false });
  const began = performance.now();
  try {
    const answer = await fetch(part.dataset.partUrl, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(answer.status === 401 ? "sign in again" : `the server answers ${answer.status}`);
    state.html = await answer.text();
    if (part.isConnected) show(part, state);
    retryMs = LEAST_MS;
    wasLost = false;
    tell("Live");
  } catch (error) {
    lose(error instanceof TypeError ? "the server does not answer" : error.message);
  }
  const took = performance.now() - began;
  Object.assign(state, { isBusy: false, nextAt: performance.now() + Math.max(LEAST_MS, TIMES_AS_LONG * took) });
  if (state.isStale && !wasLost) refresh(part);
}

/** Put what was answered into the page; the place of the reader stays where it is. */
function show(part, state, isHeld = !isFollowing()) {
  const answered = new DOMParser().parseFromString(state.html, "text/html");
  const fresh = (part.id && answered.getElementById(part.id)) || answered.querySelector("[data-live]") || answered.body;
  const work = { isHeld, held: 0, added: [] };
  const anchor = findAnchor(part);
  const top = anchor?.getBoundingClientRect().top;
  morphChildren(part, fresh, work);
  cutRows(part);
  if (anchor?.isConnected) window.scrollBy(0, anchor.getBoundingClientRect().top - top);
  for (const row of work.added) {
    row.dataset.fresh = "";
    setTimeout(() => delete row.dataset.fresh, MARKED_MS);
  }
  state.held = work.held;
  tick();
  showPill();
  part.dispatchEvent(new CustomEvent("live:shown", { bubbles: true }));
}

/** The row that must not move: the one with the focus, or the first that is in sight once one has scrolled. */
function findAnchor(part) {
  const focused = document.activeElement?.closest("[data-key]");
  if (focused && part.contains(focused)) return focused;
  if (window.scrollY < 1) return null;
  return [...part.querySelectorAll("[data-key]")].find((row) => row.getBoundingClientRect().top >= 0) ?? null;
}

function cutRows(part) {
  const rows = part.querySelectorAll("[data-key]");
  for (let place = rows.length - 1; place >= MOST_ROWS; place -= 1) rows[place].remove();
}

function makeBar() {
  const follow = make("button", { type: "button", class: "follow", "data-follow": "" }, "Follow");
  const pill = make("button", { type: "button", class: "pill", hidden: "" });
  bar = { follow, pill, state: make("span", { class: "live-state", role: "status" }) };
  follow.addEventListener("click", () => setFollowing(!isFollowing()));
  pill.addEventListener("click", showHeld);
  const box = make("div", { class: "live-bar" }, follow, bar.state, pill);
  const place = document.querySelector("[data-live-bar]");
  if (place) place.append(box);
  else {
    box.classList.add("is-corner");
    document.querySelector("main").prepend(box);
  }
  follow.setAttribute("aria-pressed", isFollowing());
}

function setFollowing(isOn) {
  sessionStorage.setItem("follow", isOn ? "on" : "off");
  bar.follow.setAttribute("aria-pressed", isOn);
  if (isOn) showHeld();
}

function showHeld() {
  for (const part of findParts()) if (stateOf(part).held) show(part, stateOf(part), false);
}

function showPill() {
  const held = findParts().reduce((sum, part) => sum + (stateOf(part).held ?? 0), 0);
  const text = held ? `${held} new ${held === 1 ? "row" : "rows"}` : "";
  if (text && text !== bar.pill.textContent) announce(text);
  bar.pill.textContent = text;
  bar.pill.hidden = !held;
}

function tell(text) {
  if (bar.state.textContent !== text) bar.state.textContent = text;
  bar.state.classList.toggle("is-lost", wasLost);
}

function lose(reason) {
  if (!wasLost) {
    wasLost = true;
    tell(`Not live since ${tellTime()}: ${reason}. It is tried again.`);
  }
  close();
  clearTimeout(retry);
  retry = setTimeout(open, retryMs);
  retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
}

function open() {
  if (stream || document.hidden || !findParts().length) return;
  if (!bar) makeBar();
  stream = new EventSource("/api/v1/stream");
  stream.addEventListener("ready", () => {
    findParts().forEach(refresh); // what was written since the page was made
  });
  stream.addEventListener("changes", (event) => {
    const changes = JSON.parse(event.data);
    findParts().filter((part) => isAbout(part, changes)).forEach(refresh);
  });
  stream.addEventListener("reset", () => findParts().forEach(refresh));
  stream.addEventListener("problem", (event) => lose(JSON.parse(event.data).detail));
  stream.addEventListener("error", () => lose("there is no connection"));
}

function close() {
  stream?.close();
  stream = null;
}

function watch() {
  clearTimeout(retry);
  if (!document.hidden) return open();
  close();
  if (bar && !wasLost) tell("Paused");
}

/** How far the clock of the server is ahead of the one here, which may be of another machine. */
function findAhead() {
  const arrived = performance.timeOrigin + (performance.getEntriesByType("navigation")[0]?.responseStart ?? 0);
  return (Date.parse(document.body.dataset.now) || arrived) - arrived;
}

/** Count the time of what runs, by the clock of the server, without asking anybody: only where its end will be seen. */
function tick() {
  if (document.hidden || wasLost) return;
  const now = Date.now() + ahead;
  for (const element of document.querySelectorAll("[data-live] [data-running-since]")) {
    const seconds = Math.max(0, (now - Date.parse(element.dataset.runningSince)) / 1000);
    if (Number.isFinite(seconds)) element.textContent = writeSeconds(Math.floor(seconds));
  }
}

function writeSeconds(seconds) {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

document.addEventListener("visibilitychange", watch);
window.addEventListener("pagehide", close);
window.addEventListener("pageshow", open);
setInterval(tick, 1000);
open();
tick();
