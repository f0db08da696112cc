// Small conveniences: no page depends on them.
(() => {
  const narrow = matchMedia("(max-width: 50rem)").matches;
  // On a narrow screen the menu starts folded.
  if (narrow) document.querySelector(".menu > details")?.removeAttribute("open");
  // A table that is wider than its box is scrolled by the keyboard too.
  for (const box of document.querySelectorAll(".table")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
  // What the server will not take is not sent first: all that was typed beside it stays.
  const { mostBytes, tooLarge } = document.body.dataset;
  document.addEventListener("change", ({ target }) => {
    if (target.type !== "file") return;
    const isTooLarge = [...target.files].some((file) => file.size > mostBytes);
    target.setCustomValidity(isTooLarge ? tooLarge : "");
    target.reportValidity();
  });
})();
