// Shows what becomes of the mapping while it is typed. Without script, the button does.
const form = document.querySelector("form[data-preview]");
let waiting;
let asked = 0;

async function show() {
  const body = new URLSearchParams(new FormData(form));
  body.set("action", "preview");
  const mine = ++asked;
  const answer = await fetch(location.pathname, { method: "POST", body });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const preview = page.getElementById("preview");
  if (preview && mine === asked) document.getElementById("preview").replaceWith(preview);
}

form?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => show().catch(() => {}), 400);
});
