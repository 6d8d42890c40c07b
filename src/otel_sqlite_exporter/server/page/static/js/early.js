// SPDX-License-Identifier: Apache-2.0
// Runs before anything is drawn, so that the page does not flash in other colours than the chosen ones.
(() => {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
