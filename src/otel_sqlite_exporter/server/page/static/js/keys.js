// SPDX-License-Identifier: Apache-2.0
// The keys of the page. Each does what a link or a button of the page does, too.
import { announce, findTools, isWriting, make } from "./dom.js";
import { copyText } from "./copy.js";

/** The keys, in the order in which the help shows them. docs/page.md has this table. */
export const KEYS = [
  ["j", "the next row", () => step("[data-row]", 1)],
  ["k", "the row before", () => step("[data-row]", -1)],
  ["Enter", "open the row", openRow],
  ["Esc", "leave: the row, or the page for the one above it", leave],
  ["e", "the next failure", () => step("[data-error]", 1)],
  ["E", "the failure before", () => step("[data-error]", -1)],
  ["p", "the next prompt", () => step("[data-prompt]", 1)],
  ["P", "the prompt before", () => step("[data-prompt]", -1)],
  ["]", "the next page, session, trace or call", () => press("a[rel~=next]")],
  ["[", "the one before", () => press("a[rel~=prev]")],
  ["/", "write a filter or a search", writeFilter],
  ["c", "copy what the row offers, such as arguments", copyHere],
  ["r", "exact text, and back", () => press("[data-raw]")],
  ["y", "copy the link to this page", copyLink],
  [".", "follow what is written, or stop", () => press("[data-follow]")],
  ["g o", "the overview", () => go("/")],
  ["g s", "sessions", () => go("/sessions")],
  ["g t", "traces", () => go("/traces")],
  ["g c", "calls", () => go("/calls")],
  ["g u", "tools", () => go("/tools")],
  ["g l", "log records", () => go("/logs")],
  ["g m", "metrics", () => go("/series")],
  ["g r", "reports", () => go("/reports")],
  ["g /", "search", () => go("/search")],
  ["g q", "SQL", () => go("/sql")],
  ["g h", "health", () => go("/health")],
  ["?", "these keys", showHelp],
];
const SEQUENCE_MS = 1500;

const ACTIONS = new Map(KEYS.map(([key, , act]) => [key.replace("Esc", "Escape"), act]));
let first = "", last = null, timer, help;

const isShown = (element) => element.checkVisibility?.({ visibilityProperty: true }) ?? element.offsetParent !== null;

/** The row that is at hand: the one with the focus, or the last one that had it. */
function findRow() {
  const focused = document.activeElement?.closest("[data-row], [data-error], [data-prompt]");
  return focused ?? (last?.isConnected ? last : null);
}

/** Go to the next element of this kind, or to the one before; folded ones are opened. */
function step(selector, direction) {
  const all = [...document.querySelectorAll(selector)].filter((one) => selector !== "[data-row]" || isShown(one));
  if (!all.length) return false;
  const here = findRow();
  const follows = (one) => here.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING;
  const precedes = (one) => here.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_PRECEDING && !one.contains(here);
  const found = !here ? all[direction > 0 ? 0 : all.length - 1] : direction > 0 ? all.find(follows) : all.findLast(precedes);
  if (found) focusOn(found);
  else announce(direction > 0 ? "there is no next one" : "there is none before");
}

function focusOn(element) {
  for (let fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  if (element.tabIndex < 0) element.tabIndex = -1;
  last = element;
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "nearest" });
}

function openRow() {
  const row = document.activeElement;
  if (!row?.matches("[data-row], [data-error], [data-prompt]") || row.matches("a, button, summary")) return false;
  const target = row.querySelector("a[href], summary");
  if (!target) return false;
  target.click();
}

/** Leave what is open; else go to the page above: the one that the page names, or the list as it was last seen. */
function leave() {
  const focused = document.activeElement;
  if (isWriting(focused)) return focused.blur();
  if (press("[data-close]") !== false || press("a[data-up]") !== false) return;
  const above = location.pathname.replace(/\/[^/]+$/, "");
  if (above) location.assign(above + (sessionStorage.getItem(above) ?? ""));
  else {
    last = null;
    focused?.blur();
  }
}

function press(selector) {
  const here = findRow()?.querySelector(selector);
  const target = here ?? [...document.querySelectorAll(selector)].find(isShown);
  if (!target) return false;
  target.click();
}

function copyHere() {
  return press("[data-copy]");
}

function writeFilter() {
  const input = [...document.querySelectorAll("[data-filter], input[type=search]")].find(isShown);
  if (!input) return go("/search");
  input.focus();
  input.setSelectionRange?.(input.value.length, input.value.length);
}

async function copyLink() {
  announce((await copyText(location.href)) ? "the link is copied" : "the link cannot be copied here");
}

/** Follow a link of the menu; a page that is not there has none. */
function go(path) {
  const link = document.querySelector(`.top a[href="${path}"]`);
  if (!link) return false;
  link.click();
}

function showHelp() {
  if (!help) {
    const rows = KEYS.map(([key, about]) => {
      const keys = key.split(" ").flatMap((one) => [make("kbd", {}, one), " "]);
      return make("div", {}, make("dt", {}, ...keys), make("dd", {}, about));
    });
    const close = make("button", { type: "button", autofocus: "" }, "Close");
    help = make("dialog", { class: "keys", "aria-labelledby": "keys-title" });
    help.append(make("h2", { id: "keys-title" }, "Keys"), make("dl", {}, ...rows), close);
    close.addEventListener("click", () => help.close());
    document.body.append(help);
  }
  help.showModal();
}

function onKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (document.querySelector("dialog[open]") || (isWriting(event.target) && event.key !== "Escape")) return;
  const key = first ? `${first} ${event.key}` : event.key;
  clearTimeout(timer);
  first = "";
  if (key === "g") {
    first = "g";
    timer = setTimeout(() => (first = ""), SEQUENCE_MS);
    return;
  }
  const act = ACTIONS.get(key);
  const asked = new CustomEvent("page:key", { detail: { key, row: findRow() }, cancelable: true });
  if (!document.dispatchEvent(asked) || (act && act() !== false)) event.preventDefault();
}

document.addEventListener("keydown", onKey);
window.addEventListener("pagehide", () => sessionStorage.setItem(location.pathname, location.search));
document.addEventListener("focusin", (event) => {
  last = event.target.closest?.("[data-row], [data-error], [data-prompt]") ?? last;
});
const button = make("button", { type: "button", "data-help": "", "aria-haspopup": "dialog" }, "Keys ", make("kbd", {}, "?"));
button.addEventListener("click", showHelp);
findTools().append(button);
