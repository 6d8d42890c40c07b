// SPDX-License-Identifier: Apache-2.0
// Completes the filter that is written into `[data-filter]`: names of fields, then their values. It never stands in the
// way: Enter sends what is written unless a suggestion was chosen with an arrow.
import { make } from "./dom.js";

const TERM = /^(-?)(attr\.(?:"[^"]*"?|[^\s:=<>!]*)|[\w.]+)(:|!=|>=|<=|=|<|>)(.*)$/s;
const WAIT_MS = 150;
const MOST = 12;
const TIMES = ["today", "yesterday", "week", "month", "15m", "1h", "6h", "2d"];
const SEVERITIES = ["debug", "info", "warn", "error", "fatal"];
const MEASURED = new Set(["number", "duration", "time"]);

const loaded = new Map();
let input, list, options = [], active = -1, asked, timer;

/** Return the fields of a list, each with `name`, `type`, `choices`, `meaning` and, if its values can be asked, `facet`. */
function loadFields(url) {
  if (!loaded.has(url)) {
    loaded.set(url, fetch(url).then((answer) => (answer.ok ? answer.json() : [])).then((body) => body.data ?? body));
  }
  return loaded.get(url);
}

/** Return where the term begins that is written at `end`: after the last space or parenthesis out of quotes. */
function findTerm(text, end) {
  let start = 0, isQuoted = false;
  for (let place = 0; place < end; place += 1) {
    if (text[place] === "\\") place += 1;
    else if (text[place] === '"') isQuoted = !isQuoted;
    else if (!isQuoted && /[\s(]/.test(text[place])) start = place + 1;
  }
  return start;
}

/** Write a value so that the filter language takes it as it is. */
export function quote(value) {
  const isPlain = /^[\w@/][\w.@/-]*$/.test(value) && !value.includes("..") && !/^(AND|OR|NOT)$/.test(value);
  return isPlain ? value : `"${value.replace(/[\\"]/g, "\\$&")}"`;
}

async function suggest() {
  asked?.abort();
  asked = new AbortController();
  const { signal } = asked;
  const end = input.selectionStart;
  const start = findTerm(input.value, end);
  const term = input.value.slice(start, end);
  try {
    const fields = await loadFields(input.dataset.fieldsUrl);
    const found = await findOptions(fields, term, signal);
    if (!signal.aborted && document.activeElement === input) show(found, start, end);
  } catch {
    if (!signal.aborted) hide(); // a suggestion that cannot be had is none
  }
}

async function findOptions(fields, term, signal) {
  const written = TERM.exec(term);
  if (!written) return findNames(fields, term);
  const [, sign, name, operator, rest] = written;
  const field = fields.find((one) => one.name === name);
  const comma = rest.lastIndexOf(",") + 1;
  const typed = rest.slice(comma).replace(/^"/, "").toLowerCase();
  const before = sign + name + operator + rest.slice(0, comma);
  const values = field ? await findValues(fields, field, signal) : [];
  return values
    .filter(([value]) => value.toLowerCase().includes(typed) && value.toLowerCase() !== typed)
    .slice(0, MOST)
    .map(([value, about]) => ({ label: value, about, text: `${before}${quote(value)} ` }));
}

function findNames(fields, term) {
  const sign = term.startsWith("-") ? "-" : "";
  const typed = term.slice(sign.length).toLowerCase();
  const isAttribute = typed.startsWith("attr.");
  return fields
    .filter((field) => !isAttribute && field.name.toLowerCase().startsWith(typed))
    .sort((a, b) => a.name.localeCompare(b.name))
    .slice(0, typed ? MOST : fields.length)
    .map((field) => {
      const after = field.type === "attribute" ? "" : MEASURED.has(field.type) ? ">" : ":";
      const name = field.type === "attribute" ? "attr." : field.name;
      return { label: field.name, about: field.meaning, text: sign + name + after };
    });
}

/** Return the values that a field may have, each with a remark. */
async function findValues(fields, field, signal) {
  if (field.choices?.length) return field.choices.map((value) => [value, ""]);
  if (field.type === "severity") return SEVERITIES.map((value) => [value, ""]);
  if (["time", "since", "until"].includes(field.type)) return TIMES.map((value) => [value, ""]);
  if (field.type === "has") return fields.filter((one) => one.type !== "has").map((one) => [one.name, one.meaning]);
  if (!field.facet) return [];
  await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  if (signal.aborted) return [];
  const query = new URLSearchParams({ of: input.dataset.of, field: field.facet, limit: 200 });
  const answer = await fetch(`/api/v1/facets?${query}`, { signal });
  if (!answer.ok) return [];
  const { data } = await answer.json();
  const [facet] = data.facets;
  return facet.values.filter((one) => one.value !== null && one.value !== "").map((one) => [String(one.value), one.count.toLocaleString("en")]);
}

function show(found, start, end) {
  if (!found.length) return hide();
  list ??= make("ul", { id: "suggestions", role: "listbox", class: "suggestions", "aria-label": "Suggestions" });
  options = found.map((one) => ({ ...one, start, end }));
  active = -1;
  list.replaceChildren(...options.map(makeOption));
  if (list.previousElementSibling !== input) input.after(list);
  list.style.left = `${input.offsetLeft}px`;
  list.style.top = `${input.offsetTop + input.offsetHeight}px`;
  list.style.minWidth = `${Math.min(input.offsetWidth, 320)}px`;
  list.hidden = false;
  input.setAttribute("aria-expanded", "true");
  input.removeAttribute("aria-activedescendant");
}

function makeOption(option, place) {
  const about = make("span", { class: "about" }, option.about ?? "");
  const item = make("li", { role: "option", id: `suggestion-${place}`, "aria-selected": "false" }, option.label, " ", about);
  item.addEventListener("mousedown", (event) => { event.preventDefault(); take(option); });
  return item;
}

function hide() {
  asked?.abort();
  clearTimeout(timer);
  options = [];
  active = -1;
  list?.replaceChildren();
  if (list) list.hidden = true;
  input?.setAttribute("aria-expanded", "false");
  input?.removeAttribute("aria-activedescendant");
}

function move(step) {
  active = (active + step + options.length + (active < 0 && step < 0 ? 1 : 0)) % options.length;
  [...list.children].forEach((item, place) => item.setAttribute("aria-selected", place === active));
  list.children[active].scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", `suggestion-${active}`);
}

function take(option) {
  input.setRangeText(option.text, option.start, option.end, "end");
  hide();
  suggest();
}

function onKey(event) {
  if (!options.length) {
    if (event.key === "ArrowDown") suggest();
    return;
  }
  if (event.key === "ArrowDown" || event.key === "ArrowUp") move(event.key === "ArrowDown" ? 1 : -1);
  else if (event.key === "Escape") hide();
  else if (["Enter", "Tab"].includes(event.key) && active >= 0) take(options[active]);
  else return;
  event.preventDefault();
}

/** Make an input a combobox when it is first entered, also one that came with a newer part of the page. */
function enter(event) {
  if (!event.target.matches?.("[data-filter][data-fields-url]") || event.target === input) return;
  input = event.target;
  const roles = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": "suggestions" };
  for (const [name, value] of Object.entries(roles)) input.setAttribute(name, value);
  input.after((list ??= make("ul", { id: "suggestions", role: "listbox", class: "suggestions", "aria-label": "Suggestions", hidden: "" })));
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(suggest, 30); });
  input.addEventListener("keydown", onKey);
  input.addEventListener("blur", hide);
}

document.addEventListener("focusin", enter);
if (document.activeElement) enter({ target: document.activeElement });
const fault = document.querySelector("[data-filter][data-fault-at]");
if (fault) {
  fault.focus();
  fault.setSelectionRange(Number(fault.dataset.faultAt), fault.value.length);
}
