// Draws the preview anew while the mapping is typed, once the typing pauses.

const PAUSE_MS = 600;
const ANSWER_WITHIN_MS = 15_000;
const MOST_CHARACTERS = 500_000; // below what the portal takes of a form at all
const SILENT = "The portal does not answer: what is shown is from before.";
const TOO_LARGE = "This is far too large to be sent: what is shown is from before.";
const LOGGED_OUT = "You are not logged in any more. Copy what you have typed, and load the page again.";

const form = document.getElementById("editor");
const place = document.getElementById("drawn");
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
  if (form.elements.text.value.length > MOST_CHARACTERS) return warn(TOO_LARGE);
  try {
    const answer = await fetch(form.dataset.drawn, {
      method: "POST",
      body: new FormData(form),
      redirect: "manual",
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    if (answer.type === "opaqueredirect" || answer.status === 403) warn(LOGGED_OUT);
    else if (!answer.ok && answer.status !== 400) warn(SILENT);
    else if (!show(await answer.text())) warn(SILENT);
  } catch {
    warn(SILENT);
  }
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
