// Keeps the page of replication fresh, and draws the lag: what the daemon has kept of the last half
// hour, and where there is none of that, what this tab has seen.

import { chart, duration, lagAxis, moment } from "./charts.js";

const EVERY_MS = 2000;
const ANSWER_WITHIN_MS = 8000;
const KEPT_SECONDS = 30 * 60;
const GAP_SECONDS = 12; // more than two of the daemon's samples are apart
const SAMPLE_SECONDS = 5;
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

/**
 * Take what the daemon has kept up to now, `at`, and the lag of now where it has not kept that.
 * Its samples are the highest of some seconds, so they stand for what this tab saw of the same time;
 * before the first and behind the last that it knows, as when another daemon is active, they do not.
 */
function keep(at, lag, kept) {
  const isKnown = ([, each]) => each != null;
  const known = kept.slice(kept.findIndex(isKnown), kept.findLastIndex(isKnown) + 1);
  if (known.length) {
    const [first, last] = [known[0][0], known.at(-1)[0]];
    readings = [...readings.filter(([then]) => then < first - SAMPLE_SECONDS), ...known, ...readings.filter(([then]) => then > last + SAMPLE_SECONDS)];
  }
  // None of a later time, but for its rounding: the portal's clock may have been set back.
  readings = readings.filter(([then]) => then < at + 1 && then > at - KEPT_SECONDS);
  if (!readings.length || at - readings.at(-1)[0] > SAMPLE_SECONDS || !known.length) readings.push([at, lag]);
  try {
    sessionStorage.setItem(STORED, JSON.stringify(readings));
  } catch { /* a full or forbidden storage: the curve is then the daemon's alone */ }
  drawCurve();
}

/** The readings as uPlot takes them, with a gap where nobody looked. */
function columns() {
  const times = [], lags = [];
  for (const [at, lag] of readings) {
    if (times.length && at - times.at(-1) > GAP_SECONDS) {
      times.push(times.at(-1) + 1);
      lags.push(null);
    }
    times.push(at);
    lags.push(lag);
  }
  return [times, lags];
}

function drawCurve() {
  section.hidden = byId("curve-chart").hidden = false;
  const data = columns();
  curve ??= chart(byId("curve-chart"), data, { name: "Highest lag", format: duration, y: lagAxis, axis: 64, longest: KEPT_SECONDS });
  curve.show(data);
  const known = readings.filter(([, lag]) => lag != null);
  const [highestAt, highest] = known.reduce((a, b) => (b[1] > a[1] ? b : a), [0, -1]);
  const what = highest < 0 ? "The lag was never known." : highest === 0 ? "Never behind." : `Highest: ${duration(highest)} at ${moment(highestAt)}.`;
  byId("curve-summary").textContent = `Since ${moment(readings[0][0])}. ${what}`;
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
  const newer = document.createElement("template");
  newer.innerHTML = html;
  fit(part, newer.content);
  for (const id of open) byId(id)?.setAttribute("open", "");
  if (focused) byId(focused)?.focus();
  offerCopies(part);
}

/** Make the children of an element those of another, and keep what is the same: nothing that is pressed, or selected, goes. */
function fit(place, newer) {
  const before = [...place.childNodes], after = [...newer.childNodes];
  after.forEach((now, at) => {
    const old = before[at];
    if (!old) place.append(now);
    else if (old.nodeName !== now.nodeName || old.id !== now.id) old.replaceWith(now);
    else if (old.nodeType === Node.ELEMENT_NODE) fitElement(old, now);
    else if (old.data !== now.data) old.data = now.data;
  });
  for (const old of before.slice(after.length)) old.remove();
}

function fitElement(old, now) {
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  fit(old, now);
}

/** Show the buttons that copy, where the browser lets a page do that. */
function offerCopies(place) {
  if (!navigator.clipboard) return;
  for (const button of place.querySelectorAll("[data-copies]")) button.hidden = false;
}

async function copy(button) {
  try {
    await navigator.clipboard.writeText(byId(button.dataset.copies).textContent);
    byId("announcement").textContent = "Copied.";
    button.textContent = "Copied";
  } catch {
    byId("announcement").textContent = "The browser does not let the page copy.";
  }
}

/** Say that what the page shows is old; an empty text takes it back. */
function stale(text) {
  const notice = byId("stale");
  if (notice.textContent !== text) notice.textContent = text;
  notice.hidden = !text;
  document.querySelector("main").toggleAttribute("data-stale", Boolean(text));
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
  keep(state.at, state.lag_seconds, state.lags);
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
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copies]");
  if (button) copy(button);
});
section.querySelector("details").addEventListener("toggle", tabulate);
offerCopies(document);
// At once, so that nothing moves once the page is there.
keep(answeredAt, section.dataset.lag ? Number(section.dataset.lag) : null, JSON.parse(section.dataset.lags));
run();
