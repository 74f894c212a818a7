// Elements without a framework: h("button", { class: "quiet", onclick: f }, "Text").
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

export function show(...children) {
  document.getElementById("app").replaceChildren(...children);
}

// Runs an action from a button or form: disabled meanwhile, its error shown where it was asked for.
export async function busy(place, action) {
  const controls = [...place.querySelectorAll("button, input, textarea")].filter((c) => !c.disabled);
  place.querySelector(".error")?.remove();
  controls.forEach((control) => (control.disabled = true));
  try {
    return await action();
  } catch (error) {
    place.append(h("p", { class: "error", role: "alert" }, error.message ?? String(error)));
  } finally {
    controls.forEach((control) => (control.disabled = false));
  }
}

export function when(iso) {
  return new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
