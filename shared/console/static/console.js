// What a page cannot do with HTML and htmx alone: copying, and asking before what cannot be undone.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy).textContent.trim();
  const said = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    const range = document.createRange();
    range.selectNodeContents(document.getElementById(button.dataset.copy));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => { button.textContent = said; }, 2000);
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.ask ?? event.target.dataset.ask;
  if (question && !confirm(question)) event.preventDefault();
});

// Typing into the box of a choice chooses it.
document.addEventListener("input", (event) => {
  if (event.target.type === "radio") return;
  const radio = event.target.closest(".choice")?.querySelector("input[type=radio]");
  if (radio) radio.checked = true;
}, true);

// A form that was changed and not sent: leaving the page asks first.
const changed = new Set();
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-keep]");
  if (form) changed.add(form);
});
document.addEventListener("submit", (event) => { if (!event.defaultPrevented) changed.delete(event.target); });
addEventListener("beforeunload", (event) => { if (changed.size) event.preventDefault(); });
