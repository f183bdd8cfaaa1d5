// Keys of a page: one letter does something, g and a letter go somewhere, ? shows them all. They can be turned off in that dialog.

import { isTyping } from "./desk.js";

const PLACES = { q: "/desk/queue", g: "/desk/glance", t: "/desk/try" };
const SETTING = "firstreply.keys";
const dialog = document.getElementById("keys");
const setting = document.getElementById("keys-on");
let going = -Infinity; // when g was pressed, in ms of this page

function on() {
  try { return localStorage.getItem(SETTING) !== "off"; } catch { return true; }
}

/** `bind({ j: next, "/": search })`: what each key does while nobody types; keys with a modifier are left to the browser. */
export function bind(table) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || isTyping(event) || !on() || event.repeat && !table[event.key]) return;
    if (performance.now() - going < 1500 && PLACES[event.key]) {
      going = -Infinity;
      const link = document.querySelector(`nav.tabs a[href="${PLACES[event.key]}"]`);
      if (link) location.assign(link.href);
    } else if (event.key === "g") {
      going = performance.now();
      return;
    } else if (event.key === "?") {
      dialog?.showModal();
    } else if (table[event.key]) {
      if (table[event.key](event) === false) return;
    } else return;
    going = -Infinity;
    event.preventDefault();
  });
}

document.getElementById("keys-open")?.addEventListener("click", () => dialog.showModal());
if (setting) {
  setting.checked = on();
  setting.addEventListener("change", () => {
    try { localStorage.setItem(SETTING, setting.checked ? "on" : "off"); } catch { /* then it holds for this page alone */ }
  });
}
