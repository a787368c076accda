import { askJson } from "./api.js";
import { button, by } from "./dom.js";
import { LoadList } from "./loads.js";
import { forgetToken, token } from "./token.js";
import { UploadCard } from "./upload.js";
import { showViews } from "./views.js";

/// Whose token it is, and the way to forget it.
async function showWho() {
  const { name } = await askJson("permissions").catch(() => ({}));
  if (token() === "") return;
  by("who").replaceChildren(name ?? "", " ", button("Forget the token", () => {
    forgetToken();
    location.reload();
  }));
  by("who").hidden = false;
}

const loads = new LoadList();
new UploadCard(loads);
await loads.refresh();
showWho();
showViews();
