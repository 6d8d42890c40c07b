// SPDX-License-Identifier: Apache-2.0
// The panel of a span beside the waterfall: fetched when a span is opened. Links in it to other spans of the trace move
// there, and buttons copy what the API answers.

const panel = document.getElementById("panel");
let shown = panel?.querySelector("[data-at]") ? Number(panel.querySelector("[data-at]").dataset.at) : -1;
let pending = null;

export async function openPanel(spanId, at, link) {
  if (at === shown || (spanId && at < 0)) return;
  shown = at;
  pending?.abort();
  if (at < 0) {
    panel.replaceChildren();
    return;
  }
  pending = new AbortController();
  try {
    const answer = await fetch(link, { signal: pending.signal, credentials: "same-origin" });
    const text = await answer.text();
    const page = new DOMParser().parseFromString(text, "text/html");
    panel.replaceChildren(...(answer.ok ? page.body.childNodes : page.querySelectorAll("main > .problem")));
    panel.scrollTop = 0;
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

export function watchPanel(go) {
  panel.addEventListener("click", event => {
    const link = event.target.closest("a[data-span]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(Number(link.dataset.span));
  });
}

document.addEventListener("click", async event => {
  const link = event.target.closest("a[data-copy-link]");
  if (!link || !navigator.clipboard) return;
  event.preventDefault();
  const answer = await fetch(link.href, { credentials: "same-origin" });
  const { data } = await answer.json();
  await navigator.clipboard.writeText(JSON.stringify(data, null, 2));
  const label = link.textContent;
  link.textContent = "Copied";
  setTimeout(() => { link.textContent = label; }, 1500);
});
