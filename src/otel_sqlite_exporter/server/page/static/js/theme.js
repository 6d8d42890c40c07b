// SPDX-License-Identifier: Apache-2.0
// The colours: those of the system, or the ones that were chosen here. `early.js` sets them before the page is drawn.
import { findTools, make } from "./dom.js";

const CHOICES = [["", "Colours: system"], ["light", "Light"], ["dark", "Dark"]];

const select = make("select", { "aria-label": "Colours" });
for (const [value, label] of CHOICES) select.append(make("option", { value }, label));
select.value = document.documentElement.dataset.theme ?? "";
select.addEventListener("change", () => {
  if (select.value) localStorage.setItem("theme", select.value);
  else localStorage.removeItem("theme");
  if (select.value) document.documentElement.dataset.theme = select.value;
  else delete document.documentElement.dataset.theme;
});
findTools().append(select);
