// SPDX-License-Identifier: Apache-2.0
// Ctrl+Enter (or Meta+Enter) in a text of several lines that is marked for it does what its button does.

document.addEventListener("keydown", (event) => {
  const field = event.target.closest?.("[data-submit-by-key]");
  if (field && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    field.form.requestSubmit();
  }
});
