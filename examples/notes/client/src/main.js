import "./style.css";
import { Auth } from "./auth.js";
import { Cloud } from "./cloud.js";
import { loadConfig } from "./config.js";
import { h, show } from "./dom.js";
import { Notebook } from "./notebook.js";
import { signIn } from "./sign-in.js";

async function open(config, auth) {
  const session = await auth.session();
  if (!session) return signIn(auth, () => open(config, auth));
  const cloud = new Cloud(config, session);
  const signOut = () => {
    auth.signOut();
    return open(config, auth);
  };
  await new Notebook(cloud, session.getIdToken().payload.email, signOut).start();
}

try {
  const config = await loadConfig();
  await open(config, new Auth(config));
} catch (error) {
  show(h("main", { class: "card" }, h("h1", { class: "brand" }, "Notes"), h("p", { class: "error" }, error.message)));
}
