// A button that deletes, and asks once more where it stands, so that nothing goes by one slip.

import { button, element } from "./parts.js";

export function deleter(name, remove) {
  const box = element("div", "row");
  const first = button("plain", "Delete", ask);
  first.setAttribute("aria-label", `Delete ${name}`);
  box.append(first);

  function ask() {
    const yes = button("danger", "Delete for good", () => {
      yes.disabled = true;
      remove();
    });
    yes.setAttribute("aria-label", `Delete ${name} for good`);
    const no = button("plain", "Keep", back);
    box.replaceChildren(yes, no);
    no.focus();
  }

  function back() {
    box.replaceChildren(first);
    first.focus();
  }

  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || first.isConnected) return;
    event.preventDefault();
    back();
  });
  return box;
}
