// SPDX-License-Identifier: Apache-2.0
// Makes a part of the page like a newer one, and keeps the elements that are in both: so focus, selection, what is
// folded open and what was typed stay. Elements with `data-key` or `id` are the same if these are.

const KEPT = new Set(["open", "tabindex", "aria-expanded", "aria-pressed", "data-fresh"]);

const counts = new WeakMap();
const isRow = (node) => node.dataset.key !== undefined;
const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE && (node.dataset.key ?? node.id)) || null;

/**
 * Make the children of `old` those of `fresh`.
 *
 * `work.isHeld`: rows that are new are counted in `work.held`, and left out. `work.added` gets those that came in.
 */
export function morphChildren(old, fresh, work) {
  const known = dropGone(old, fresh);
  let cursor = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const key = keyOf(child);
    const match = key ? known.get(key) : findAlike(cursor, child);
    if (match) {
      while (cursor && cursor !== match && !keyOf(cursor)) cursor = drop(cursor);
      if (cursor === match) cursor = cursor.nextSibling;
      else (old.moveBefore ?? old.insertBefore).call(old, match, cursor);
      morph(match, child, work);
    } else if (child.dataset?.key !== undefined && work.isHeld) {
      work.held += 1;
    } else {
      const added = document.importNode(child, true);
      old.insertBefore(added, cursor);
      if (child.dataset?.key !== undefined) work.added.push(added);
    }
  }
  while (cursor) cursor = keyOf(cursor) ? cursor.nextSibling : drop(cursor);
}

/**
 * Remove the keyed children that `fresh` lacks, and return the others by their key. Rows below the last common one of a
 * list that is as long as before are only out of its bounds, and stay, unless the list is `data-whole`.
 */
function dropGone(old, fresh) {
  const keys = new Set([...fresh.children].map(keyOf));
  const there = [...old.children].filter(keyOf);
  const last = there.findLastIndex((node) => keys.has(keyOf(node)));
  const count = [...fresh.children].filter(isRow).length;
  const isFull = last >= 0 && fresh.dataset.whole === undefined && count >= (counts.get(old) ?? there.filter(isRow).length);
  counts.set(old, count);
  const known = new Map();
  there.forEach((node, place) => {
    if (keys.has(keyOf(node))) known.set(keyOf(node), node);
    else if (!isRow(node) || place < last || !isFull) node.remove();
  });
  return known;
}

function drop(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

function findAlike(cursor, child) {
  while (cursor && cursor.nodeType === Node.TEXT_NODE && child.nodeType !== Node.TEXT_NODE) cursor = cursor.nextSibling;
  return cursor && !keyOf(cursor) && cursor.nodeName === child.nodeName ? cursor : null;
}

function morph(old, fresh, work) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.dataset.live !== undefined || old.isEqualNode(fresh)) return; // a part of its own is asked for by itself
  if (old.dataset.plot !== undefined) return; // a script draws it
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !KEPT.has(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (!KEPT.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  morphChildren(old, fresh, work);
}
