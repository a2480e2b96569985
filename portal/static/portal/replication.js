// Keeps the page of replication fresh, and draws the lag that this tab has seen.
//
// The portal keeps no curve: each of its processes would have seen another part of it.

import { chart, duration, moment } from "./charts.js";

const EVERY_MS = 2000;
const ANSWER_WITHIN_MS = 8000;
const KEPT_SECONDS = 30 * 60;
const STORED = "portal.replication.lag";

const byId = (id) => document.getElementById(id);
const section = byId("curve");
const parts = [...document.querySelectorAll("[data-part]")];
const shown = new Map(parts.map((part) => [part.dataset.part, part.innerHTML.trim()]));

let readings = remembered();
let curve = null;
let paused = false;
let loggedOut = false;
let pressed = null;
let word = document.querySelector(".word")?.textContent;
let answeredAt = Number(section.dataset.at);

/** The readings [at, lag] of this tab from before the page was loaded again; times are the portal's. */
function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(STORED) ?? "[]");
  } catch {
    return [];
  }
}

function keep(at, lag) {
  // None of a later time: the portal's clock may have been set back.
  readings = readings.filter(([then]) => then < at && then > at - KEPT_SECONDS);
  readings.push([at, lag]);
  try {
    sessionStorage.setItem(STORED, JSON.stringify(readings));
  } catch { /* a full or forbidden storage: the curve then begins with the page */ }
  drawCurve();
}

/** The readings as uPlot takes them, with a gap where the page did not look. */
function columns() {
  const times = [], lags = [];
  for (const [at, lag] of readings) {
    if (times.length && at - times.at(-1) > 5 * (EVERY_MS / 1000)) {
      times.push(times.at(-1) + 1);
      lags.push(null);
    }
    times.push(at);
    lags.push(lag);
  }
  return [times, lags];
}

function drawCurve() {
  section.hidden = false;
  const data = columns();
  curve ??= chart(byId("curve-chart"), data, { name: "Lag", format: duration, axis: 64 });
  curve.show(data);
  const known = readings.filter(([, lag]) => lag != null);
  const [highestAt, highest] = known.reduce((a, b) => (b[1] > a[1] ? b : a), [0, -1]);
  const what = highest < 0 ? "The lag was never known." : highest === 0 ? "Never behind." : `Highest: ${duration(highest)} at ${moment(highestAt)}.`;
  byId("curve-summary").textContent = `Since ${moment(readings[0][0])}, as this tab has seen it. ${what}`;
  if (section.querySelector("details").open) tabulate();
}

/** Write the highest lag of each minute: the curve for those who do not see it. */
function tabulate() {
  const minutes = new Map();
  for (const [at, lag] of readings) {
    const minute = at - (at % 60);
    const before = minutes.get(minute) ?? null;
    minutes.set(minute, lag == null ? before : Math.max(lag, before ?? 0));
  }
  byId("curve-rows").replaceChildren(...[...minutes].reverse().map(([minute, lag]) => {
    const row = document.createElement("tr");
    row.insertCell().textContent = moment(minute).slice(0, 5);
    const value = row.insertCell();
    value.textContent = lag == null ? "not known" : duration(lag);
    value.className = "number";
    return row;
  }));
}

/** Put a part's new content in its place, without closing what is open or losing the focus. */
function put(part, html) {
  if (pressed && part.contains(pressed)) return; // a button that goes between press and release is not clicked
  if (shown.get(part.dataset.part) === html.trim()) return;
  shown.set(part.dataset.part, html.trim());
  const open = [...part.querySelectorAll("details[open]")].map((each) => each.id);
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  part.innerHTML = html;
  for (const id of open) byId(id)?.setAttribute("open", "");
  if (focused) byId(focused)?.focus();
}

/** Say that what the page shows is old; an empty text takes it back. */
function stale(text) {
  const notice = byId("stale");
  if (notice.textContent !== text) notice.textContent = text;
  notice.hidden = !text;
}

async function look() {
  const answer = await fetch(section.dataset.state, {
    redirect: "manual",
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  if (answer.type === "opaqueredirect" || answer.status === 403) {
    loggedOut = true;
    stale("You are not logged in any more. Load the page again to log in.");
    return;
  }
  if (!answer.ok) throw new Error(answer.status);
  const state = await answer.json();
  answeredAt = state.at;
  stale("");
  for (const part of parts) put(part, state.parts[part.dataset.part]);
  byId("refreshed").textContent = `Refreshed ${moment(state.at)}`;
  if (state.word !== word) byId("announcement").textContent = state.word;
  word = state.word;
  keep(state.at, state.lag_seconds);
}

async function run() {
  if (!paused && !document.hidden) {
    try {
      await look();
    } catch {
      stale(`The portal has not answered since ${moment(answeredAt)}: what follows is from then.`);
    }
  }
  if (!loggedOut) setTimeout(run, EVERY_MS);
}

document.addEventListener("pointerdown", (event) => { pressed = event.target; });
for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => { pressed = null; });
byId("refresh").hidden = false;
byId("pause").addEventListener("click", (event) => {
  paused = !paused;
  event.target.textContent = paused ? "Go on" : "Pause";
});
section.querySelector("details").addEventListener("toggle", tabulate);
// At once, so that nothing moves once the page is there.
keep(answeredAt, section.dataset.lag ? Number(section.dataset.lag) : null);
run();
