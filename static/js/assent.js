// Small comforts. Every page works without this file.
"use strict";

// "/" goes to the page's search field, unless somebody is typing.
document.addEventListener("keydown", (event) => {
  const search = document.querySelector("input[type=search]");
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && search && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  }
  if (event.key === "Escape") {
    const open = event.target.closest("details.menu[open], details.dialog[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  }
});

// A menu or dialog closes when somebody clicks elsewhere.
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.menu[open], details.dialog[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  const label = button.querySelector("[data-copy-label]");
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    label.textContent = button.dataset.copied;
  } catch {
    getSelection().selectAllChildren(source); // no clipboard without HTTPS: select it, so that Ctrl-C works
    label.textContent = button.dataset.selected;
  }
  setTimeout(() => { label.textContent = before; }, 2000);
}

// A part of the page that is replaced keeps its open panels open.
let opened = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  opened = [...event.detail.target.querySelectorAll("details[id][open]")].map((details) => details.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of opened) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
});

// A filter applies when it changes; the button stays for those without JavaScript.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-submit-on-change]");
  if (form && event.target.matches("select")) form.requestSubmit();
});
