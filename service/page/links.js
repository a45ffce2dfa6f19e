// Links to what needs a key, which a link cannot carry: with one, the file is fetched first.

import { addressOf } from "./api.js";
import { key } from "./key.js";

const OPENING_MS = 60_000; // a browser needs the address until the new tab has read it

// A link that opens a document's file or text in a tab of its own.
export function opens(link, type, failed) {
  fetched(link, type, failed, (address) => open(address, "_blank"));
}

// A link to a page of HTML, which could act as a part of this one if it were opened from here: it is
// saved instead.
export function saves(link, name, failed) {
  fetched(link, "application/octet-stream", failed, (address) => {
    const made = document.createElement("a");
    made.href = address;
    made.download = name;
    made.click();
  });
}

function fetched(link, type, failed, use) {
  link.addEventListener("click", async (event) => {
    if (!key()) return;
    event.preventDefault();
    try {
      const address = await addressOf(link.href, type);
      use(address);
      setTimeout(() => URL.revokeObjectURL(address), OPENING_MS);
    } catch (error) {
      failed(error.message);
    }
  });
}
