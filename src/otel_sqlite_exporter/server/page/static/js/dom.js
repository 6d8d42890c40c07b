// SPDX-License-Identifier: Apache-2.0
// What the modules of the page share.

/** Make an element with attributes and children; texts are texts, never HTML. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

let spoken;

/** Say something to those who do not see it. */
export function announce(text) {
  if (!spoken) document.body.append((spoken = make("div", { class: "unseen", role: "status" })));
  spoken.textContent = "";
  setTimeout(() => (spoken.textContent = text), 50);
}

/** Return the place in the footer where scripts add their controls. */
export function findTools() {
  const there = document.querySelector(".page-tools");
  if (there) return there;
  const tools = make("span", { class: "page-tools" });
  (document.querySelector("footer") ?? document.body).append(tools);
  return tools;
}

/** Whether keys that are pressed there write text. */
export function isWriting(element) {
  return element?.matches?.("input:not([type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable]");
}

/** Return the time of day, to the second. */
export function tellTime(time = new Date()) {
  return time.toTimeString().slice(0, 8);
}
