// SPDX-License-Identifier: Apache-2.0
// The panel of a span beside the waterfall: what the server renders of it, fetched when a span is opened.

import { make } from "./dom.js";

const FEWEST_FILTERED = 12;
const panel = document.getElementById("panel");
const page = document.getElementById("waterfall")?.dataset.page;
let pending;

/** Show the panel that a link answers; none: close it. */
export async function showPanel(link) {
  pending?.abort();
  if (!link) return panel.replaceChildren();
  pending = new AbortController();
  try {
    const answer = await fetch(link, { signal: pending.signal });
    const answered = new DOMParser().parseFromString(await answer.text(), "text/html");
    panel.replaceChildren(...(answer.ok ? answered.body.childNodes : answered.querySelectorAll(".problem")));
    panel.scrollTop = 0;
    addFilter();
  } catch (error) {
    if (error.name !== "AbortError") panel.textContent = "The server does not answer.";
  }
}

/** Let one look for attributes, where there are many. */
function addFilter() {
  const lines = [...panel.querySelectorAll(".typed > div")];
  if (lines.length < FEWEST_FILTERED) return;
  const input = make("input", { type: "search", placeholder: "Find in this span", "aria-label": "Find attributes by name or value" });
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    for (const line of lines) line.hidden = !line.textContent.toLowerCase().includes(wanted);
    for (const part of wanted ? panel.querySelectorAll("details.part") : []) part.open = true;
  });
  panel.querySelector(".tabs").after(input);
}

/** Follow links in the panel without leaving the page: to spans, by their positions, to other tabs of it, and away. */
export function watchPanel(go, close) {
  addFilter();
  panel.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const { span, panel: other, close: isClosing } = link.dataset;
    const isOwn = link.pathname === page && !new URLSearchParams(link.search).has("tab");
    if (span === undefined && !other && isClosing === undefined && !isOwn) return;
    event.preventDefault();
    if (span !== undefined) return go(Number(span));
    if (other) return showPanel(other);
    if (isClosing !== undefined) return close();
    history.pushState(null, "", link.href);
    dispatchEvent(new PopStateEvent("popstate"));
  });
}
