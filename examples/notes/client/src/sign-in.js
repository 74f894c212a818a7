// The pages before one is signed in: sign in, sign up, confirm.
import { busy, h, show } from "./dom.js";

function page(title, lead, form, ...links) {
  show(
    h("main", { class: "card" },
      h("h1", { class: "brand" }, h("span", { class: "mark", "aria-hidden": "true" }, "≡"), "Notes"),
      h("h2", {}, title), h("p", { class: "lead" }, lead), form, h("p", { class: "links" }, links)),
  );
  form.querySelector("input")?.focus();
}

function field(label, attributes) {
  return h("label", {}, label, h("input", { required: true, ...attributes }));
}

function form(button, fields, action) {
  const element = h("form", {
    onsubmit: (event) => {
      event.preventDefault();
      const values = Object.fromEntries(new FormData(element));
      busy(element, () => action(values));
    },
  }, fields, h("button", { type: "submit", class: "main" }, button));
  return element;
}

function link(text, action) {
  return h("button", { type: "button", class: "link", onclick: action }, text);
}

const email = (value) => field("E-mail", { name: "email", type: "email", autocomplete: "username", value });

export function signIn(auth, onSignedIn, known) {
  page("Sign in", "Your notes are yours alone.",
    form("Sign in", [
      email(known),
      field("Password", { name: "password", type: "password", autocomplete: "current-password" }),
    ], async ({ email, password }) => {
      try {
        await auth.signIn(email, password);
        await onSignedIn();
      } catch (error) {
        if (error.code === "UserNotConfirmedException") return confirm(auth, onSignedIn, email, password);
        throw error;
      }
    }),
    link("Create an account", () => signUp(auth, onSignedIn)));
}

export function signUp(auth, onSignedIn) {
  page("Create an account", "We send a code to your address to see that it is yours.",
    form("Sign up", [
      email(),
      field("Password", { name: "password", type: "password", autocomplete: "new-password", minlength: "10" }),
      h("p", { class: "hint" }, "At least ten characters, with a letter and a digit."),
    ], async ({ email, password }) => {
      await auth.signUp(email, password);
      confirm(auth, onSignedIn, email, password);
    }),
    link("I have an account", () => signIn(auth, onSignedIn)));
}

function confirm(auth, onSignedIn, address, password) {
  const element = form("Confirm", [
    field("Code", { name: "code", inputmode: "numeric", autocomplete: "one-time-code", pattern: "\\d{6}" }),
  ], async ({ code }) => {
    await auth.confirm(address, code);
    await auth.signIn(address, password);
    await onSignedIn();
  });
  page("Look into your mail", `A code of six digits is on its way to ${address}.`, element,
    link("Send another code", () => busy(element, () => auth.resend(address))));
}
