// What every page of the desk needs. A page has a module of its own beside this one.

import "./kept.js";

const body = document.body;
const toasts = document.getElementById("toasts");

/** Tells screen readers, without moving anything. */
export function announce(text) {
  document.getElementById("announcements").textContent = text;
}

/** Shows a short message in the corner; kind is "good" or "bad". Bad ones stay until they are closed. */
export function toast(text, kind = "good") {
  const shown = document.createElement("div");
  shown.className = `toast toast-${kind}`;
  shown.setAttribute("role", kind === "bad" ? "alert" : "status");
  const close = document.createElement("button");
  close.className = "button button-quiet toast-close";
  close.type = "button";
  close.textContent = body.dataset.close;
  shown.append(text, close);
  toasts.append(shown);
  if (kind === "good") setTimeout(() => shown.remove(), 6000);
}

/** Whether a key that is pressed belongs to what is typed, not to the page. */
export function isTyping(event) {
  return event.ctrlKey || event.metaKey || event.altKey || event.isComposing
    || event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog[open]") !== null;
}

/** Takes over the token of the session as it is now: who logged in again in another tab goes on here. */
async function renew() {
  const answer = await fetch("/desk/token", { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const { csrf } = await answer.json();
  const { field, header, again } = body.dataset;
  body.setAttribute("hx-headers:inherited", JSON.stringify({ [header]: csrf }));
  for (const input of document.querySelectorAll(`input[name="${field}"]`)) input.value = csrf;
  toasts.querySelectorAll("[data-session]").forEach((ended) => ended.remove());
  toast(again);
}

addEventListener("focus", () => {
  if (toasts.querySelector("[data-session]")) renew();
});

document.addEventListener("htmx:before:swap", (event) => {
  // The same trouble once, however often it is met.
  const target = event.detail?.ctx?.target;
  if (target === toasts || target === "#toasts") toasts.querySelectorAll(".toast-bad").forEach((shown) => shown.remove());
});

document.addEventListener("htmx:after:swap", () => {
  // Somebody logged in again in another tab before this one noticed.
  if (toasts.querySelector("[data-session=another]")) renew();
});

document.addEventListener("htmx:error", (event) => {
  if (event.detail?.ctx && !event.detail.ctx.response) toast(body.dataset.lost, "bad");
});

document.addEventListener("click", (event) => {
  event.target.closest(".toast-close")?.closest(".toast").remove();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
