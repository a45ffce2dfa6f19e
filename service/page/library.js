// The documents: a window that lists them, and takes and deletes uploads where the caller may.

import { fetchJson, PDF, TEXT } from "./api.js";
import { deleter } from "./confirm.js";
import { opens } from "./links.js";
import { announce, byId, counted, element } from "./parts.js";
import { startUploads } from "./uploads.js";

const MANY = 10;

const library = byId("library");
const find = byId("find");

let documents = [];
let drawn = "";

// `look()` reads the documents anew and returns them.
export function startLibrary(look) {
  const uploads = startUploads(refresh);

  // Uploading goes before there is an index: the first file may be what makes it.
  async function start() {
    const writes = await uploads.start();
    if (writes) byId("show-library").hidden = false;
  }

  async function refresh() {
    documents = await look();
    byId("show-library").hidden = false;
    draw();
  }

  async function remove(one) {
    note("");
    try {
      await fetchJson(`v1/documents/${one.id}`, { method: "DELETE" });
      announce(`${one.title} is deleted.`);
      await uploads.refresh();
      await refresh();
    } catch (error) {
      note(error.message);
      drawn = "";
      draw();
    }
    byId("library-title").focus();
  }

  function draw() {
    const wanted = find.value.trim().toLowerCase();
    const found = documents.filter(({ title, path }) => `${title}\n${path}`.toLowerCase().includes(wanted));
    const now = JSON.stringify([documents.length, found.map((one) => [one, deletable(one)])]);
    if (now === drawn) return; // a button that is just being used stays
    drawn = now;
    const groups = Map.groupBy(found, ({ collection }) => collection);
    const names = [...groups.keys()].sort();
    const nothing = documents.length ? "No document is called that." : "There are no documents yet.";
    find.hidden = documents.length <= MANY;
    byId("documents").replaceChildren(
      ...names.flatMap((name) => section(name, groups.get(name))),
      ...(found.length ? [] : [element("p", "quiet", nothing)]),
    );
  }

  const deletable = (one) => one.uploaded && uploads.deletable(one);

  function section(name, inside) {
    const number = element("span", "count", String(inside.length));
    return [element("h3", "", `${name} `, number), element("ul", "rows", ...inside.map(row))];
  }

  function row(one) {
    const pdf = one.kind === "pdf";
    const link = element("a", "", one.title);
    link.href = `v1/documents/${one.id}/${pdf ? "file" : "text"}`;
    link.target = "_blank";
    link.rel = "noopener";
    opens(link, pdf ? PDF : TEXT, note);
    const facts = pdf ? `${one.path} · ${counted(one.pages, "page")}` : one.path;
    const made = element("li", "", element("div", "", link, element("p", "quiet", facts)));
    if (deletable(one)) made.append(deleter(one.title, () => remove(one)));
    return made;
  }

  find.addEventListener("input", draw);
  byId("show-library").addEventListener("click", () => {
    note("");
    library.showModal();
    byId("library-title").focus();
    uploads.refresh().then(refresh).catch((error) => note(error.message));
  });
  byId("close-library").addEventListener("click", () => library.close());
  library.addEventListener("click", (event) => {
    if (event.target === library) library.close();
  });
  return { start, refresh };
}

function note(words) {
  byId("library-note").textContent = words;
  byId("library-note").hidden = !words;
}
