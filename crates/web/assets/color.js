// A picker beside a colour that is typed; hidden without script. What is picked is typed, and the other way round.
for (const picker of document.querySelectorAll("input[data-types]")) {
  const text = document.getElementById(picker.dataset.types);
  if (!text) continue;
  const read = () => {
    if (/^#[0-9a-f]{6}$/i.test(text.value.trim())) picker.value = text.value.trim();
  };
  read();
  picker.hidden = false;
  text.addEventListener("input", read);
  picker.addEventListener("input", () => (text.value = picker.value));
}
