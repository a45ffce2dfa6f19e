// The API key: asked for where the service wants one, kept in this tab.

import { byId, keep, kept } from "./parts.js";

const NAME = "ragfirst-key";

const dialog = byId("key-dialog");
const field = byId("key");

let asked = null;
let declined = null; // the key that its user would not exchange, until something new is done

export const key = () => kept(NAME) ?? "";

// Resolves once there is another key than `refused`; who cancels gets `detail` as the error.
export async function anotherKey(refused, detail) {
  if (key() !== refused) return;
  if (declined === refused) throw new Error(detail); // of several requests one asks
  asked ??= ask(refused, detail).finally(() => {
    asked = null;
  });
  await asked;
}

function ask(refused, detail) {
  byId("key-note").textContent = refused ? detail : "Whoever runs it can give you one.";
  field.value = "";
  return new Promise((resolve, reject) => {
    dialog.addEventListener("close", done, { once: true });
    dialog.showModal();

    function done() {
      if (dialog.returnValue !== "use") {
        declined = refused;
        reject(new Error(detail));
        return;
      }
      keep(NAME, field.value);
      field.value = "";
      resolve();
    }
  });
}

for (const done of ["click", "keydown"]) {
  document.addEventListener(done, ({ target }) => {
    if (!dialog.contains(target)) declined = null;
  }, { capture: true });
}

byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  dialog.close("use");
});
byId("key-cancel").addEventListener("click", () => dialog.close(""));
dialog.addEventListener("cancel", () => {
  dialog.returnValue = "";
});
