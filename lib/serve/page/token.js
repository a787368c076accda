// The token: in this tab alone. The session's storage ends with the tab, and no other one sees it.

import { by, write } from "./dom.js";

const PLACE = "pgsluice.token";
let asking;

export const token = () => sessionStorage.getItem(PLACE) ?? "";

export function forgetToken() {
  sessionStorage.removeItem(PLACE);
}

/// Asks whoever is there, once for all who want it at the same time. False: not now.
export function askForToken(why) {
  asking ??= ask(why).finally(() => {
    asking = undefined;
  });
  return asking;
}

function ask(why) {
  const dialog = by("token");
  const field = by("token-text");
  write(by("token-why"), why);
  field.value = "";
  return new Promise((done) => {
    const ends = new AbortController();
    let given = false;
    const heard = (target, event, listener) => target.addEventListener(event, listener, { signal: ends.signal });
    heard(by("token-form"), "submit", (event) => {
      event.preventDefault();
      // A header holds nothing else.
      const text = field.value.trim();
      const isPossible = /^[\x21-\x7e]+$/.test(text);
      field.setCustomValidity(isPossible ? "" : "A token has letters, digits and signs, and no blanks.");
      if (!field.reportValidity()) return;
      sessionStorage.setItem(PLACE, text);
      given = true;
      dialog.close();
    });
    heard(field, "input", () => field.setCustomValidity(""));
    heard(by("token-away"), "click", () => dialog.close());
    heard(dialog, "close", () => {
      field.value = "";
      ends.abort();
      done(given);
    });
    dialog.showModal();
  });
}
