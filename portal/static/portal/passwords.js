// Lets people see the passwords that they type.
"use strict";

for (const field of document.querySelectorAll("[data-shows-passwords] input[type=password]")) {
  const label = document.querySelector(`label[for="${field.id}"]`).textContent.trim();
  const button = document.createElement("button");
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.textContent = shown ? "Hide" : "Show";
    button.setAttribute("aria-label", `${shown ? "Hide" : "Show"} ${label}`);
  };
  button.type = "button";
  button.className = "show-password";
  button.setAttribute("aria-controls", field.id);
  button.addEventListener("click", () => show(field.type === "password"));
  const both = document.createElement("span");
  both.className = "with-button";
  const focused = document.activeElement === field;
  field.replaceWith(both);
  both.append(field, button);
  if (focused) field.focus(); // it lost the cursor as it was moved
  // A browser keeps, and fills in, what was typed into a field for passwords only.
  field.form.addEventListener("submit", () => show(false));
  show(false);
}
