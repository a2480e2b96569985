// Counts what may still be typed, and looks again while a tweet of the reader's is under way.
"use strict";

for (const told of document.querySelectorAll("[data-left-of]")) {
  const text = document.getElementById(told.dataset.leftOf);
  const count = () => {
    const left = text.dataset.longest - [...text.value].length;
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

if (document.getElementById("feed")) setTimeout(look, FIRST_PAUSE, FIRST_PAUSE);
