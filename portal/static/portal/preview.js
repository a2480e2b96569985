// Draws the preview anew while the mapping is typed, once the typing pauses, and shows another
// mapping's file once it is chosen.

const PAUSE_MS = 600;
const ANSWER_WITHIN_MS = 15_000;
const MOST_CHARACTERS = 500_000; // below what the portal takes of a form at all
const SILENT = "The portal does not answer: what is shown is from before.";
const TOO_LARGE = "This is far too large to be sent: what is shown is from before.";
const LOGGED_OUT = "You are not logged in any more. Copy what you have typed, and load the page again.";

const form = document.getElementById("editor");
const place = document.getElementById("drawn");
const choice = document.getElementById("choice");
const edits = new Map(); // what was typed, by the mapping's file
let chosen = 0; // how often another mapping was chosen
let waiting;
let drawing = false;
let again = false;

/** Say a sentence to those who do not see the preview. */
function announce(word) {
  document.getElementById("announcement").textContent = word;
}

/** Put a notice above the preview of before. */
function warn(text) {
  place.querySelector("[data-warning]")?.remove();
  const notice = document.createElement("p");
  notice.className = "notice bad";
  notice.dataset.warning = "";
  notice.textContent = text;
  place.prepend(notice);
  announce(text);
}

/** Draw what is typed; one at a time, as the portal goes on with what nobody waits for any more. */
async function draw() {
  clearTimeout(waiting);
  again = drawing;
  if (drawing || !form.checkValidity()) return; // the browser marks what is wrong
  drawing = true;
  place.setAttribute("aria-busy", "true");
  await ask();
  place.removeAttribute("aria-busy");
  drawing = false;
  if (again) draw();
}

async function ask() {
  const of = chosen;
  if (form.elements.text.value.length > MOST_CHARACTERS) return warn(TOO_LARGE);
  try {
    const answer = await fetch(form.dataset.drawn, {
      method: "POST",
      body: new FormData(form),
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const html = await answer.text();
    if (of !== chosen) return; // it is of the mapping of before
    if (isLoggedOut(answer)) warn(LOGGED_OUT);
    else if (!answer.ok && answer.status !== 400) warn(SILENT);
    else if (!show(html)) warn(SILENT);
  } catch {
    if (of === chosen) warn(SILENT);
  }
}

function isLoggedOut(answer) {
  return answer.type === "opaqueredirect" || answer.status === 403;
}

/** Show the mapping that was chosen, or say why it is still the one of before. */
async function choose() {
  const of = ++chosen;
  clearTimeout(waiting);
  again = false;
  keepEdits();
  place.setAttribute("aria-busy", "true");
  const url = new URL(choice.form.action);
  url.search = new URLSearchParams({ mapping: choice.value });
  let problem = SILENT;
  try {
    const answer = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    const html = await answer.text();
    if (of !== chosen) return;
    if (isLoggedOut(answer)) problem = LOGGED_OUT;
    else if (answer.ok && turnTo(new DOMParser().parseFromString(html, "text/html"))) problem = "";
  } catch {
    if (of !== chosen) return;
  }
  place.removeAttribute("aria-busy");
  if (problem) {
    choice.value = form.elements.mapping.value;
    warn(problem);
  } else {
    history.replaceState(null, "", url);
    if (form.elements.text.value !== form.elements.text.defaultValue) draw();
  }
}

function keepEdits() {
  const { mapping, text } = form.elements;
  if (text.value === text.defaultValue) edits.delete(mapping.value);
  else edits.set(mapping.value, text.value);
}

/** Put another mapping's page in place of this one's; return whether it is one. */
function turnTo(page) {
  const newer = page.getElementById("editor")?.elements;
  if (!newer || !show(page.getElementById("drawn").innerHTML)) return false;
  const { mapping, text } = form.elements;
  mapping.value = newer.mapping.value;
  text.defaultValue = newer.text.defaultValue;
  text.value = edits.get(mapping.value) ?? text.defaultValue;
  text.scrollTop = 0;
  document.getElementById("file").textContent = page.getElementById("file").textContent;
  document.getElementById("back").href = page.getElementById("back").href;
  return true;
}

/** Put a preview in its place; return whether it is one, and no page of an error. */
function show(html) {
  const drawn = document.createElement("template");
  drawn.innerHTML = html;
  const said = drawn.content.querySelector("[data-word]");
  if (!said) return false;
  place.replaceChildren(drawn.content);
  announce(said.dataset.word);
  return true;
}

if (form && choice) {
  choice.addEventListener("change", choose);
  choice.form.querySelector("button").hidden = true;
}

if (form) {
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(draw, PAUSE_MS);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    draw();
  });
  // Typed before this ran, or put back by the browser, which keeps a text when a page is loaded again.
  const { text, rows } = form.elements;
  if (text.value !== text.defaultValue || rows.value !== rows.defaultValue) draw();
}
