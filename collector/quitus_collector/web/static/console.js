// On a narrow screen the menu starts folded; without this file it stays open, which works too.
(() => {
  const menu = document.querySelector(".menu > details");
  if (menu && matchMedia("(max-width: 50rem)").matches) menu.removeAttribute("open");
})();
