// SPDX-License-Identifier: Apache-2.0
// A trace as the API gives it (columns of spans in the order of the tree), and which lines a waterfall has of it: the
// rules of waterfall_lines.py and trace_search.py.

const FEWEST_REPEATS = 3, MOST_NAME = 300;

export function makeModel(data) {
  const { spans, texts } = data;
  const size = spans.id.length;
  const end = new Int32Array(size).fill(size);
  const failed = new Int32Array(size + 1);
  const above = [];
  let whole = 1;
  for (let i = 0; i < size; i++) {
    while (above.length && spans.depth[above.at(-1)] >= spans.depth[i]) end[above.pop()] = i;
    above.push(i);
    failed[i + 1] = failed[i] + (spans.status[i] === 1);
    whole = Math.max(whole, spans.start_ns[i] + spans.duration_ns[i]);
  }
  const model = { data, spans, texts, size, end, failed, whole, told: new Map(), marks: new Map(), links: new Map() };
  readRecords(model);
  model.parts = findParts(model);
  const orphans = new Set(data.missing_parents.span);
  let shared;
  return Object.assign(model, {
    isOrphan(at) {
      if (!orphans.size) return false;
      while (spans.parent[at] !== null) at = spans.parent[at];
      return orphans.has(at);
    },
    /** Whether another span has the same id. */
    isShared(at) {
      if (!shared) {
        const seen = new Set();
        shared = new Set(spans.span_id.filter((id) => seen.size === seen.add(id).size));
      }
      return shared.has(spans.span_id[at]);
    },
    /** The parts of a time in which a span directly below one ran; parts that are closer than `gap` are one. */
    findCovered(at, first, last, gap) {
      const found = [];
      for (let child = at + 1; child < end[at]; child = end[child]) {
        const from = Math.max(first, spans.start_ns[child]), to = Math.min(last, spans.start_ns[child] + spans.duration_ns[child]);
        if (to <= from) continue;
        const open = found.at(-1);
        if (open && from <= open[1] + gap) open[1] = Math.max(open[1], to);
        else found.push([from, to]);
      }
      return found;
    },
  });
}

function readRecords({ data, texts, told, marks, links }) {
  const calls = data.llm_interactions, tools = data.tool_interactions;
  calls.span.forEach((at, k) => {
    if (at === null || (calls.is_aggregate[k] && !calls.counted[k])) return;
    const one = told.get(at) ?? { what: null, tokens: null, cost: null, unpriced: 0 };
    one.what ??= texts.llm_model[calls.model[k]];
    if (calls.counted[k]) {
      if (calls.total_tokens[k] !== null) one.tokens = (one.tokens ?? 0) + calls.total_tokens[k];
      if (calls.cost_usd[k] !== null) one.cost = (one.cost ?? 0) + calls.cost_usd[k];
      one.unpriced += calls.is_unpriced[k];
    }
    told.set(at, one);
  });
  tools.span.forEach((at, k) => {
    if (at !== null && !told.has(at)) told.set(at, { what: texts.tool_name[tools.tool_name[k]], tokens: null, cost: null, unpriced: 0 });
  });
  data.marks.span.forEach((at, k) => {
    if (!marks.has(at)) marks.set(at, []);
    marks.get(at).push(k);
  });
  data.links.span.forEach((at, k) => links.set(at, data.links.count[k]));
}

// The stretches of lines: those of the tree, and those below each missing parent.
function findParts({ data, size, end }) {
  const missing = new Map(data.missing_parents.span.map((at, k) => [at, data.missing_parents.span_id[k]]));
  const parts = new Map([[null, []]]);
  for (let at = 0; at < size; at = end[at]) {
    const key = missing.get(at) ?? null;
    if (!parts.has(key)) parts.set(key, []);
    const ranges = parts.get(key);
    if (ranges.at(-1)?.[1] === at) ranges.at(-1)[1] = end[at];
    else ranges.push([at, end[at]]);
  }
  return [...parts].map(([id, ranges]) => ({ id, ranges, size: ranges.reduce((sum, [from, to]) => sum + to - from, 0) }));
}

// The lines as numbers: the position of a span, or -1 - the number of a part for its heading; and how many alike spans
// each stands for. `closed` spans are folded; `spread` spans are not folded into repeats.
export function listLines(model, closed, spread, repeats) {
  const { spans, end } = model, at = [], times = [];
  const alike = (a, b) => spans.depth[a] === spans.depth[b] && spans.name[a] === spans.name[b]
    && spans.service[a] === spans.service[b] && spans.role[a] === spans.role[b] && spans.status[a] === spans.status[b];
  model.parts.forEach(({ id, ranges }, number) => {
    if (id !== null) { at.push(-1 - number); times.push(1); }
    for (let [i, stop] of ranges) {
      while (i < stop) {
        let next = end[i], run = 1;
        if (repeats && !spread[i]) {
          while (next < stop && !spread[next] && alike(i, next)) { next = end[next]; run++; }
          if (run < FEWEST_REPEATS) { next = end[i]; run = 1; }
        }
        at.push(i);
        times.push(run);
        i = run > 1 || closed[i] ? next : i + 1;
      }
    }
  });
  return { at, times };
}

export function findMatches({ spans, texts, data, size }, text) {
  const wanted = text.trim().toLowerCase(), found = [];
  if (!wanted) return found;
  const has = list => new Set(list.flatMap((one, k) => (one !== null && String(one).toLowerCase().includes(wanted) ? [k] : [])));
  const names = has(texts.name), services = has(texts.service), told = new Set();
  for (const [records, column, list] of [
    [data.llm_interactions, "model", texts.llm_model], [data.tool_interactions, "tool_name", texts.tool_name]]) {
    const hits = has(list);
    records.span.forEach((at, k) => hits.has(records[column][k]) && told.add(at));
  }
  for (let i = 0; i < size; i++) {
    if (names.has(spans.name[i]) || services.has(spans.service[i]) || told.has(i) || spans.span_id[i].startsWith(wanted)) found.push(i);
  }
  return found;
}

// Numbers and texts as show/units.py and show/visible_text.py write them.
const digits = (value, most) => String(Number(value.toPrecision(Math.max(most, Math.trunc(Math.abs(value)).toString().length))));
export function ms(ns) {
  const value = ns / 1e6;
  for (const [unit, length] of [["d", 864e5], ["h", 36e5], ["min", 6e4], ["s", 1e3], ["ms", 1], ["us", 1e-3], ["ns", 1e-6]]) {
    if (Math.abs(value) >= length) return `${digits(value / length, 3)} ${unit}`;
  }
  return `${digits(value, 3)} ms`;
}
export function tokens(count) {
  if (count === null) return "";
  return count < 1000 ? String(count) : count < 999500 ? `${digits(count / 1e3, 2)}k` : count < 9995e5 ? `${digits(count / 1e6, 2)}M` : `${digits(count / 1e9, 2)}G`;
}
export const cost = (usd, unpriced) => (usd === null ? "" : `${unpriced ? "≥ " : ""}${digits(usd, 4)}`);
const HIDDEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Cn}\p{Cf}\u034f\u115f\u1160\u3164\uffa0\ufe00-\ufe0d]/gu;
export const visible = (text) => String(text).slice(0, MOST_NAME).replace(HIDDEN, one => (one === "\t" || one === "\n" ? " " : `\\u${one.codePointAt(0).toString(16).padStart(4, "0")}`));
