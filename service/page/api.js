// Talking to the service. Addresses are relative, so that the page also works below a prefix.

import { anotherKey, key } from "./key.js";

export class Failure extends Error {
  // `problem`: the document that the service answered, if any.
  constructor(message, status = 0, problem = null) {
    super(message);
    this.status = status;
    this.problem = problem;
  }
}

// The response, whatever its status but 401: then a key is asked for, and the request made again.
export async function send(address, options = {}) {
  for (;;) {
    const used = key();
    const headers = { ...options.headers, ...(used && { Authorization: `Bearer ${used}` }) };
    const response = await reach(address, { ...options, headers });
    if (response.status !== 401) return response;
    const { message } = await failure(response);
    await anotherKey(used, message);
    options.signal?.throwIfAborted();
  }
}

async function reach(address, options) {
  try {
    return await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The service cannot be reached. Is it still running?");
  }
}

async function failure(response) {
  const body = await response.json().catch(() => null);
  const words = body?.detail ?? `The service answered ${response.status} ${response.statusText}`;
  return new Failure(words, response.status, body);
}

export async function fetchJson(address, options) {
  const response = await send(address, options);
  if (!response.ok) throw await failure(response);
  return response.status === 204 ? null : response.json();
}

export function jsonPost(body, options = {}) {
  const headers = { "Content-Type": "application/json" };
  return { ...options, method: "POST", headers, body: JSON.stringify(body) };
}

// The JSON of a part of the service that may be absent or closed to the caller: null then.
export async function fetchOptional(address) {
  try {
    return await fetchJson(address);
  } catch (error) {
    if ([403, 404, 405].includes(error.status)) return null;
    throw error;
  }
}

// Server-sent events, each {name, data}, as they arrive.
export async function* events(address, body, signal) {
  const response = await send(address, jsonPost(body, { signal }));
  if (!response.ok) throw await failure(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (waiting + value).split("\n\n");
    waiting = blocks.pop();
    for (const block of blocks) yield eventOf(block);
  }
}

function eventOf(block) {
  const lines = block.split("\n");
  const after = (field) => lines.find((line) => line.startsWith(field))?.slice(field.length) ?? "";
  return { name: after("event: "), data: JSON.parse(after("data: ") || "null") };
}

// Where a document's file or text opens. A link cannot carry a key: with one, the file is fetched
// first, and only ever as what it was asked for as, so that no document becomes a page here.
export async function addressOf(address, type, signal) {
  if (!key()) return address;
  const response = await send(address, { signal });
  if (!response.ok) throw await failure(response);
  return URL.createObjectURL(new Blob([await response.arrayBuffer()], { type }));
}

export const PDF = "application/pdf";
export const TEXT = "text/plain;charset=utf-8";
