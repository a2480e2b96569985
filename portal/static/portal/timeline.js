// Counts what may still be typed, looks again while a tweet of the reader's is under way, tells of
// others' new ones, and keeps times relative to now.
"use strict";

for (const told of document.querySelectorAll("[data-left-of]")) {
  const text = document.getElementById(told.dataset.leftOf);
  const count = () => {
    const left = text.dataset.longest - [...text.value].length;
    told.classList.toggle("over", left < 0);
    told.textContent = left < 0 ? `${-left} too many` : `${left} left`;
    text.setCustomValidity(left < 0 ? `A tweet has ${text.dataset.longest} characters at most: ${told.textContent}.` : "");
  };
  text.addEventListener("input", count);
  told.hidden = false;
  count();
}

const NEWS = {
  replicated: "Your tweet is replicated.",
  "being-removed": "Your tweet is being removed.",
};
const FIRST_PAUSE = 500; // milliseconds; then ever longer, up to:
const LONGEST_PAUSE = 10_000;

async function look(pause) {
  const waiting = document.querySelectorAll("#feed [data-waiting]");
  if (waiting.length === 0) return;
  const page = document.hidden ? null : await newPage();
  if (page) waiting.forEach((entry) => renew(entry, page.getElementById(entry.id)));
  setTimeout(look, pause, Math.min(pause * 1.3, LONGEST_PAUSE));
}

async function newPage() {
  try {
    const answer = await fetch(location.href);
    if (!answer.ok || answer.redirected) return null; // logged out meanwhile, or no answer
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return page.querySelector("[data-target-down]") ? null : page;
  } catch {
    return null;
  }
}

function renew(entry, now) {
  if (now === null) {
    entry.remove();
    say("Your tweet is removed.");
  } else if (now.dataset.progress !== entry.dataset.progress) {
    entry.replaceWith(now);
    say(NEWS[now.dataset.progress]);
  }
}

function say(news) {
  if (news) document.getElementById("news").textContent = news;
}

const NEWS_EVERY = 5_000;
const AGES_EVERY = 10_000;
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
const RECENT = 7 * 86400;

/** Tell how many tweets of others have come; they appear when the reader wants them. */
async function lookForNews() {
  const feed = document.getElementById("feed");
  const found = document.hidden ? null : await newsSince(feed.dataset.news);
  if (found?.new) {
    const told = `${found.more ? "More than " : ""}${found.new} new tweet${found.new === 1 ? "" : "s"}`;
    const others = document.getElementById("others");
    if (others.textContent !== told) {
      const link = document.createElement("a");
      link.className = "news";
      link.href = feed.dataset.page;
      link.textContent = told;
      others.replaceChildren(link);
    }
  }
  if (!found?.more) setTimeout(lookForNews, NEWS_EVERY);
}

async function newsSince(address) {
  try {
    const answer = await fetch(address, { redirect: "manual" });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

/** Write anew how long ago each moment was; those that are days of the calendar stay. */
function ageTimes() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    if (seconds < 1 || seconds >= RECENT) continue;
    const [size, unit] = UNITS.find(([size]) => seconds >= size);
    const told = `${Math.floor(seconds / size)} ${unit} ago`;
    if (time.textContent !== told) time.textContent = told;
  }
}

setInterval(ageTimes, AGES_EVERY);
if (document.querySelector("[data-news]")) setTimeout(lookForNews, NEWS_EVERY);
if (document.getElementById("feed")) setTimeout(look, FIRST_PAUSE, FIRST_PAUSE);
