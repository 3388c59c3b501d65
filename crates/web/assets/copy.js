// Buttons that copy a value: hidden without script, where the values can be selected by hand.
for (const button of document.querySelectorAll("button[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  if (!source || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(source.textContent);
    const label = button.firstChild;
    label.textContent = "Copied";
    const status = document.getElementById("copied");
    if (status) status.textContent = `Copied${button.lastElementChild?.textContent ?? ""}`;
    setTimeout(() => (label.textContent = "Copy"), 2000);
  });
}
