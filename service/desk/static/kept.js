// What agents typed and have not accepted, kept in this browser: under this prefix, for a week, until they log out.

export const KEPT = "firstreply.typed.";
const WEEK = 7 * 24 * 3600 * 1000; // milliseconds

/** Forgets what was typed before `since`; everything without it. */
export function forgetTyped(since = Infinity) {
  try {
    for (const name of Object.keys(localStorage).filter((one) => one.startsWith(KEPT))) {
      let at = 0;
      try { at = JSON.parse(localStorage.getItem(name)).at; } catch { /* not ours any more */ }
      if (!(at >= since)) localStorage.removeItem(name);
    }
  } catch { /* no storage, nothing kept */ }
}

forgetTyped(Date.now() - WEEK);
document.addEventListener("submit", (event) => {
  if (event.target.getAttribute("action") === "/desk/logout") forgetTyped();
});
