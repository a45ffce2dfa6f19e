// Files on their way into the index: chosen or dropped, sent, and watched until they are read.

import { fetchJson, fetchOptional } from "./api.js";
import { deleter } from "./confirm.js";
import { announce, button, byId, element } from "./parts.js";

const POLL_MS = 1000;
const COLLECTION = "uploads"; // where the service puts what names none
const WORDS = {
  sending: "Sending…",
  refused: "Not taken",
  queued: "Waiting to be read…",
  reading: "Being read…",
  ready: "Ready to be asked about",
  failed: "Could not be read",
};
const underWay = ({ status }) => ["queued", "reading"].includes(status);

const words = ({ status, reason }) => (reason ? `${WORDS[status]}: ${reason}` : WORDS[status]);
const tell = (row) => announce(`${row.name}: ${words(row)}`);

const form = byId("upload");
const files = byId("files");
const list = byId("uploads");

let writes = false; // whether the service takes uploads from this caller
let known = []; // as the service lists them
let local = []; // those that are being sent, or were refused
let drawn = "";
let polling = false;
const sent = new Set(); // of this visit: those stay listed when they are ready

// `changed()` is called when there are other documents than before.
export function startUploads(changed) {
  async function start() {
    const me = await fetchOptional("v1/me");
    writes = Boolean(me?.writes && (await fetchOptional("v1/uploads")));
    form.hidden = !writes;
    await refresh();
    return writes;
  }

  async function refresh() {
    if (!writes) return;
    const waited = new Set(known.filter(underWay).map(({ upload }) => upload));
    known = (await fetchJson("v1/uploads")).uploads;
    draw();
    const read = known.filter((one) => waited.has(one.upload) && !underWay(one));
    if (read.length) {
      for (const one of read) tell(one);
      await changed();
    }
    if (known.some(underWay)) poll();
  }

  async function poll() {
    if (polling) return;
    polling = true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    polling = false;
    refresh().catch(poll); // the service may be away for a moment
  }

  async function upload(chosen) {
    const collection = byId("upload-collection").value.trim() || COLLECTION;
    const rows = [...chosen].map((file) => ({ file, name: file.name, collection, status: "sending" }));
    local = [...local, ...rows];
    for (const row of rows) await send(row, "v1/documents", "POST");
  }

  async function send(row, address, method) {
    Object.assign(row, { status: "sending", reason: null, former: null });
    tell(row);
    draw();
    const body = new FormData();
    if (method === "POST") body.append("collection", row.collection);
    body.append("file", row.file);
    try {
      const accepted = await fetchJson(address, { method, body });
      local = local.filter((one) => one !== row);
      known = [accepted, ...known.filter(({ upload }) => upload !== accepted.upload)];
      sent.add(accepted.upload);
      tell(accepted);
      draw();
      poll();
    } catch (error) {
      const former = error.problem?.document_id; // that has the name
      Object.assign(row, { status: "refused", reason: error.message, former });
      tell(row);
      draw();
    }
  }

  async function remove(row) {
    try {
      await fetchJson(`v1/uploads/${row.upload}`, { method: "DELETE" });
      announce(`${row.name} is deleted.`);
      await refresh();
      await changed();
    } catch (error) {
      row.reason = error.message;
      drawn = "";
      draw();
    }
    byId("library-title").focus();
  }

  // What is ready is among the documents, but for a file that holds many of them.
  function draw() {
    const listed = (one) => one.status !== "ready" || sent.has(one.upload) || !one.document_id;
    const rows = [...local, ...known.filter(listed)];
    const now = JSON.stringify(rows);
    if (now === drawn) return; // a button that is just being used stays
    drawn = now;
    list.hidden = rows.length === 0;
    list.replaceChildren(...rows.map(line));
  }

  function line(row) {
    const { name, status } = row;
    const said = element("div", "", element("p", "name", name), element("p", "quiet", words(row)));
    const made = element("li", "", said);
    made.dataset.status = status;
    if (row.former) {
      const address = `v1/documents/${row.former}/file`;
      made.append(button("plain", "Replace it", () => send(row, address, "PUT")));
    }
    if (row.upload) made.append(deleter(name, () => remove(row)));
    else if (status === "refused") made.append(button("plain", "Dismiss", () => dismiss(row)));
    return made;
  }

  function dismiss(row) {
    local = local.filter((one) => one !== row);
    draw();
    byId("library-title").focus();
  }

  files.addEventListener("change", () => {
    upload(files.files);
    files.value = "";
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  dropping((dropped) => {
    if (!writes) return;
    if (!byId("library").open) byId("show-library").click();
    upload(dropped);
  });

  const deletable = ({ id }) => writes && known.some(({ document_id: shown }) => shown === id);
  return { start, refresh, deletable };
}

// Files may be dropped anywhere on the page; one that missed must not take its place.
function dropping(take) {
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    form.classList.add("over");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) form.classList.remove("over");
  });
  addEventListener("drop", (event) => {
    form.classList.remove("over");
    if (!carries(event)) return;
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });
}
