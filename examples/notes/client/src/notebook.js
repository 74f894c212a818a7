// The notebook: the list, one note with its attachments, and the editor with a preview.
import { busy, h, show, when } from "./dom.js";

export class Notebook {
  constructor(cloud, email, onSignOut) {
    this.cloud = cloud;
    this.list = h("nav", { class: "list", "aria-label": "Notes" });
    this.pane = h("section", { class: "pane" });
    show(
      h("div", { class: "notebook" },
        h("header", {},
          h("h1", { class: "brand" }, h("span", { class: "mark", "aria-hidden": "true" }, "≡"), "Notes"),
          h("span", { class: "who" }, email),
          h("button", { class: "quiet", id: "sign-out", onclick: onSignOut }, "Sign out")),
        h("aside", {},
          h("button", { class: "main", id: "new-note", onclick: () => this.edit({ title: "", text: "" }) }, "New note"),
          this.list),
        this.pane),
    );
  }

  async start() {
    await this.refresh();
    if (!this.notes.length) this.empty();
    else await this.open(this.notes[0].id);
  }

  empty() {
    this.pane.replaceChildren(h("div", { class: "empty" },
      h("p", { class: "big" }, "Nothing written yet."), h("p", {}, "A new note can hold Markdown and files.")));
  }

  async refresh() {
    await busy(this.list, async () => {
      this.notes = await this.cloud.list();
      this.list.replaceChildren(...this.notes.map((note) => this.entry(note)));
    });
    this.notes ??= [];
  }

  entry(note) {
    const files = note.attachments ? ` · ${note.attachments} file${note.attachments > 1 ? "s" : ""}` : "";
    return h("button", {
      class: "entry", "data-id": note.id, "aria-current": note.id === this.openId ? "true" : null,
      onclick: () => this.open(note.id),
    }, h("strong", {}, note.title), h("small", {}, when(note.updated) + files));
  }

  select(id) {
    this.openId = id;
    for (const entry of this.list.querySelectorAll(".entry")) {
      if (entry.dataset.id === id) entry.setAttribute("aria-current", "true");
      else entry.removeAttribute("aria-current");
    }
  }

  async open(id) {
    this.select(id);
    await busy(this.pane, async () => {
      const note = await this.cloud.read(id);
      const text = h("article", { class: "prose" });
      text.innerHTML = await this.cloud.preview(note.text);
      this.pane.replaceChildren(
        h("div", { class: "bar" },
          h("h2", { id: "note-title" }, note.title),
          h("button", { class: "quiet", id: "edit-note", onclick: () => this.edit(note) }, "Edit"),
          h("button", { class: "quiet danger", id: "delete-note", onclick: () => this.remove(note) }, "Delete")),
        h("p", { class: "meta" }, `Changed ${when(note.updated)}`),
        text, this.attachments(note));
    });
  }

  attachments(note) {
    const section = h("section", { class: "files" }, h("h3", {}, "Files"));
    for (const [name, file] of Object.entries(note.attachments ?? {})) {
      section.append(h("div", { class: "file" },
        h("button", { class: "link", onclick: () => busy(section, () => this.save(name, file)) }, name),
        h("small", {}, `${file.size} bytes`),
        file.excerpt ? h("blockquote", {}, file.excerpt) : null,
        h("span", { class: "words" }, file.words.map((word) => h("span", { class: "word" }, word)))));
    }
    const input = h("input", { type: "file", id: "attach" });
    input.addEventListener("change", () => busy(section, () => this.upload(note, input.files[0])));
    section.append(h("label", { class: "attach" }, "Attach a file", input));
    return section;
  }

  async upload(note, file) {
    await this.cloud.attach(note.id, file);
    // The index is written by a function that the upload calls; it takes a moment.
    for (let tries = 0; tries < 40; tries++) {
      const fresh = await this.cloud.read(note.id);
      if (fresh.attachments?.[file.name]) break;
      await new Promise((done) => setTimeout(done, 250));
    }
    await this.refresh();
    await this.open(note.id);
  }

  async save(name, file) {
    const url = URL.createObjectURL(await this.cloud.download(file.key));
    h("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  edit(note) {
    const title = h("input", { name: "title", value: note.title, placeholder: "Title", "aria-label": "Title", maxlength: "200", required: true });
    const text = h("textarea", { name: "text", placeholder: "Write in Markdown…", "aria-label": "Text", rows: "14" });
    text.value = note.text;
    const preview = h("article", { class: "prose preview", "aria-live": "polite" });
    let timer;
    text.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(async () => { preview.innerHTML = await this.cloud.preview(text.value).catch((e) => e.message); }, 300);
    });
    const form = h("form", { class: "editor", onsubmit: (event) => { event.preventDefault(); this.keep(form, note, title.value, text.value); } },
      title, h("div", { class: "halves" }, text, preview),
      h("div", { class: "bar" },
        h("button", { type: "submit", class: "main", id: "save-note" }, "Save"),
        h("button", { type: "button", class: "quiet", onclick: () => (note.id ? this.open(note.id) : this.start()) }, "Cancel")));
    if (!note.id) this.select(null);
    this.pane.replaceChildren(form);
    title.focus();
    if (note.text) text.dispatchEvent(new Event("input"));
  }

  keep(form, note, title, text) {
    return busy(form, async () => {
      const kept = note.id ? await this.cloud.change(note.id, title, text) : await this.cloud.create(title, text);
      await this.refresh();
      await this.open(kept.id);
    });
  }

  remove(note) {
    return busy(this.pane, async () => {
      await this.cloud.remove(note.id);
      this.openId = null;
      await this.start();
    });
  }
}
