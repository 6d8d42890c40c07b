// SPDX-License-Identifier: Apache-2.0
// Buttons that copy the exact text of an element, or of `data-copy-url` where the page writes hidden characters out.
import { announce, make } from "./dom.js";

const SAID_MS = 2000;

/** Copy a text, and return whether that worked. Pages from another machine without TLS have no clipboard of their own. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

function copyBySelection(text) {
  const focused = document.activeElement;
  const box = make("textarea", { readonly: "", class: "unseen", "aria-hidden": "true" });
  box.style.whiteSpace = "pre";
  box.value = text;
  document.body.append(box);
  box.select();
  const isCopied = document.execCommand("copy");
  box.remove();
  focused?.focus({ preventScroll: true });
  return isCopied;
}

async function readText(button) {
  const { copy, copyUrl } = button.dataset;
  if (!copyUrl) return copy ? document.querySelector(copy)?.textContent : null;
  const answer = await fetch(copyUrl);
  return answer.ok ? answer.text() : null;
}

async function onClick(event) {
  const button = event.target.closest?.("[data-copy], [data-copy-url]");
  if (!button) return;
  event.preventDefault();
  const text = await readText(button).catch(() => null);
  const isCopied = text != null && (await copyText(text));
  button.dataset.said = isCopied ? "copied" : "not copied";
  announce(isCopied ? "copied" : "this cannot be copied: select the text");
  setTimeout(() => delete button.dataset.said, SAID_MS);
}

/** Show the buttons that are of no use without scripts. */
function showButtons() {
  for (const button of document.querySelectorAll("[data-copy][hidden], [data-copy-url][hidden]")) button.hidden = false;
}

document.addEventListener("click", onClick);
document.addEventListener("live:shown", showButtons);
showButtons();
