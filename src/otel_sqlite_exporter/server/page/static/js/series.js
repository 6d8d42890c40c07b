// SPDX-License-Identifier: Apache-2.0
// Draws the numbers of tables as time series with uPlot, which the page loads before this module.
//
// <figure data-series data-zone="Europe/Berlin" data-missing="0"> holds a table. A row has its time in data-x (seconds
// since 1970); each cell or row with a number has it in data-y, and its series in data-name, which the row may have
// instead. data-missing is what a series has at a time without a row: nothing (a gap), or a number. data-kind="bars"
// draws a single series as bars. data-scale="values" lets the scale begin at the lowest value, not at zero. An element
// with data-mark is a single value, with all of these on itself, and drawn as a dot. The table stays as it is. The plot
// goes into a child with data-plot, or before all others; when a newer table was put into the page, it is drawn again.

const MOST_SERIES = 8;
const drawn = new Map();

function readTable(figure) {
  const found = new Map(), times = new Set();
  for (const cell of figure.querySelectorAll("[data-y]")) {
    if (cell.dataset.mark !== undefined) continue;
    const row = cell.closest("[data-x]");
    const x = Number(row?.dataset.x), y = Number(cell.dataset.y);
    if (!row || cell.dataset.y === "" || !Number.isFinite(x) || !Number.isFinite(y)) continue;
    const name = cell.dataset.name ?? row.dataset.name ?? "";
    if (!found.has(name)) found.set(name, new Map());
    found.get(name).set(x, (found.get(name).get(x) ?? 0) + y);
    times.add(x);
  }
  const sum = (values) => [...values.values()].reduce((a, b) => a + b, 0);
  let series = [...found].sort((a, b) => sum(b[1]) - sum(a[1]));
  if (series.length > MOST_SERIES) {
    const others = new Map();
    for (const [, values] of series.splice(MOST_SERIES - 1))
      for (const [x, y] of values) others.set(x, (others.get(x) ?? 0) + y);
    series.push(["others", others]);
  }
  const marks = readMarks(figure, times);
  return { times: [...times].sort((a, b) => a - b), series, marks };
}

/** The single values by their time, of which the plot has a column each; the names of series come before that of marks. */
function readMarks(figure, times) {
  const found = new Map();
  for (const mark of figure.querySelectorAll("[data-mark]")) {
    const x = Number(mark.dataset.x), y = Number(mark.dataset.y);
    if (!Number.isFinite(x) || !Number.isFinite(y) || found.has(x)) continue;
    found.set(x, y);
    times.add(x);
  }
  return found;
}

function readColour(figure, name) {
  const probe = document.createElement("span");
  probe.className = name;
  figure.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function makeClock(zone) {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return (seconds) => uPlot.tzDate(new Date(seconds * 1e3), zone);
  } catch {
    return (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC");
  }
}

function makeOptions(figure, plot, read) {
  const quiet = readColour(figure, "quiet"), line = readColour(figure, "chart-grid");
  const missing = figure.dataset.missing;
  const short = Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 4 });
  const exact = Intl.NumberFormat("en", { maximumSignificantDigits: 6 });
  const axis = { stroke: quiet, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  const isBars = figure.dataset.kind === "bars" && read.series.length === 1;
  return {
    width: Math.max(plot.clientWidth, 200),
    height: 240,
    tzDate: makeClock(figure.dataset.zone || "Etc/UTC"),
    axes: [axis, { ...axis, size: 64, values: (u, all) => all.map((value) => short.format(value)) }],
    scales: { y: { range: figure.dataset.scale === "values" ? findRange : (u, low, high) => [Math.min(low, 0), high > 0 ? high * 1.05 : 1] } },
    series: [
      { value: "{YYYY}-{MM}-{DD} {HH}:{mm}" },
      ...read.series.map(([name], at) => ({
        label: name || figure.dataset.unit || "value",
        stroke: readColour(figure, `series-${at + 1}`),
        fill: isBars ? readColour(figure, `series-${at + 1}`) : undefined,
        paths: isBars ? uPlot.paths.bars({ size: [0.8, 60] }) : undefined,
        points: { show: read.times.length < 80 && !isBars },
        spanGaps: read.marks.size > 0 && missing === undefined,
        width: 2,
        value: (u, value) => (value == null ? "-" : exact.format(value)),
      })),
      ...(read.marks.size ? [{
        label: figure.dataset.marks || "values",
        stroke: readColour(figure, "chart-mark"),
        paths: () => null,
        points: { show: true, size: 7, fill: readColour(figure, "chart-mark") },
        value: (u, value) => (value == null ? "-" : exact.format(value)),
      }] : []),
    ],
  };
}

function makeData(figure, read) {
  const { missing } = figure.dataset;
  const lines = read.series.map(([, values]) =>
    read.times.map((x) => values.get(x) ?? (missing === undefined || read.marks.has(x) ? null : Number(missing))));
  return [read.times, ...lines, ...(read.marks.size ? [read.times.map((x) => read.marks.get(x) ?? null)] : [])];
}

function findRange(u, low, high) {
  const room = (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
  return [low - room, high + room];
}

function moveCursor(event, chart) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key], last = chart.data[0].length - 1, { idx } = chart.cursor;
  if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const at = idx == null ? (step > 0 ? 0 : last) : Math.min(Math.max(idx + step, 0), last);
  chart.setCursor({ left: chart.valToPos(chart.data[0][at], "x"), top: 20 });
}

function findPlot(figure) {
  const there = figure.querySelector(":scope > [data-plot]");
  const plot = there ?? document.createElement("div");
  plot.className = "plot";
  plot.tabIndex = 0;
  plot.setAttribute("role", "group");
  plot.setAttribute("aria-label", "Plot of the table below. Left and right go through its times.");
  if (!there) figure.prepend(plot);
  return plot;
}

function draw(figure) {
  let read = readTable(figure);
  if (read.times.length < 2) return;
  const plot = findPlot(figure);
  let chart;
  const redraw = () => {
    chart?.destroy();
    chart = new uPlot(makeOptions(figure, plot, read), makeData(figure, read), plot);
    plot.querySelector(".u-legend")?.setAttribute("aria-live", "polite");
  };
  redraw();
  plot.addEventListener("keydown", (event) => moveCursor(event, chart));
  new ResizeObserver(() => chart.setSize({ width: Math.max(plot.clientWidth, 200), height: 240 })).observe(plot);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  drawn.set(figure, () => {
    const fresh = readTable(figure), nameAll = ({ series, marks }) => JSON.stringify([series.map(([name]) => name), marks.size > 0]);
    const isAlike = nameAll(fresh) === nameAll(read);
    read = fresh;
    if (isAlike) chart.setData(makeData(figure, read));
    else redraw();
  });
}

export function drawSeries(root) {
  for (const figure of drawn.keys()) if (!figure.isConnected) drawn.delete(figure);
  for (const figure of root.querySelectorAll("figure[data-series]")) {
    if (drawn.has(figure)) drawn.get(figure)();
    else draw(figure);
  }
}

drawSeries(document);
document.addEventListener("live:shown", (event) => drawSeries(event.target));
