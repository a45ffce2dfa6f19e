// The turns of this tab's conversation: kept over a reload, gone with the tab.

import { keep, kept } from "./parts.js";

const NAME = "ragfirst-turns";
const MOST = 100;

let turns = read();

function read() {
  try {
    const found = JSON.parse(kept(NAME) ?? "[]");
    return found
      .filter(whole)
      .map((turn) => (turn.state === "asking" ? { ...turn, state: "stopped" } : turn));
  } catch {
    return [];
  }
}

// An earlier version of the page may have kept something else.
function whole({ question, state, answer }) {
  return typeof question === "string" && (state !== "answered" || Array.isArray(answer?.citations));
}

export const all = () => turns;

export function begin(question, collection) {
  const turn = { question, collection, state: "asking" };
  turns = [...turns, turn].slice(-MOST);
  save();
  return turn;
}

export function drop(turn) {
  turns = turns.filter((one) => one !== turn);
  save();
}

// A tab keeps some five million characters: the oldest turns make room.
export function save() {
  while (!keep(NAME, JSON.stringify(turns)) && turns.length > 1) turns = turns.slice(1);
}

export function clear() {
  turns = [];
  save();
}
