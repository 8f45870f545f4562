// What is wider than the page scrolls inside its own box. The keyboard reaches a box that scrolls,
// and no other.
(() => {
  const boxes = document.querySelectorAll(".formula, .wide");
  const mark = () => {
    for (const box of boxes) {
      const scrolls = box.scrollWidth > box.clientWidth + 1;
      scrolls ? box.setAttribute("tabindex", "0") : box.removeAttribute("tabindex");
    }
  };
  new ResizeObserver(mark).observe(document.documentElement);
  document.fonts.ready.then(mark);

  // The buttons for the full screen and the print.
  for (const button of document.querySelectorAll("[data-call]"))
    button.addEventListener("click", () => window[button.dataset.call]());

  // Paper is light.
  const root = document.documentElement;
  let theme;
  addEventListener("beforeprint", () => { theme = root.dataset.theme; root.dataset.theme = "light"; });
  addEventListener("afterprint", () => { root.dataset.theme = theme; });
})();
