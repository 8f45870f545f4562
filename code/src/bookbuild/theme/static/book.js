(() => {
  // What is wider than the page scrolls inside its own box. The keyboard reaches a box that scrolls,
  // and no other.
  const boxes = document.querySelectorAll(".formula, .wide, .table-wrapper, pre");
  const mark = () => {
    for (const box of boxes) {
      const scrolls = box.scrollWidth > box.clientWidth + 1;
      scrolls ? box.setAttribute("tabindex", "0") : box.removeAttribute("tabindex");
    }
  };
  new ResizeObserver(mark).observe(document.documentElement);
  document.fonts.ready.then(mark);

  // A formula is copied whole: as TeX where text is pasted, as MathML where a document is.
  document.addEventListener("copy", event => {
    const selection = getSelection();
    if (selection.isCollapsed || !selection.rangeCount) return;
    const range = selection.getRangeAt(0).cloneRange();
    const around = node => (node.closest ? node : node.parentElement)?.closest("math");
    const [first, last] = [range.startContainer, range.endContainer].map(around);
    if (first) range.setStartBefore(first);
    if (last) range.setEndAfter(last);
    const copied = document.createElement("div");
    copied.append(range.cloneContents());
    if (!copied.querySelector("math")) return;
    event.preventDefault();
    event.clipboardData.setData("text/html", copied.innerHTML);
    const formulas = copied.querySelectorAll("math"), tex = math => math.querySelector("annotation").textContent;
    const alone = copied.textContent.trim() === [...formulas].map(math => math.textContent).join("").trim();
    for (const math of formulas) {
      const mark = alone ? "" : math.getAttribute("display") === "block" ? "$$" : "$";
      const then = alone && math.nextElementSibling?.localName === "math" ? " \\qquad " : "";
      math.dataset.tex = mark + tex(math) + mark + then;
    }
    for (const math of formulas) math.replaceWith(math.dataset.tex);
    copied.style = "position: absolute; opacity: 0";  // laid out, for its lines
    document.body.append(copied);
    event.clipboardData.setData("text/plain", copied.innerText);
    copied.remove();
  });

  for (const button of document.querySelectorAll(".print-button"))
    button.addEventListener("click", () => print());

  // A link to what is folded away, or into it, opens it; so does a search whose words stand nowhere
  // else in the section that it leads to.
  const unfold = element => {
    for (let fold = element?.closest("details"); fold; fold = fold.parentElement.closest("details"))
      fold.open = true;
    element?.scrollIntoView({ behavior: "instant" });
  };
  const target = () => document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const follow = () => { if (target()?.closest("details")) unfold(target()); };
  addEventListener("hashchange", follow);
  follow();
  addEventListener("load", () => setTimeout(() => {  // the theme marks the words of a search first
    follow();
    const words = [...(target() ?? document).querySelectorAll(".highlighted")];
    if (words.length && words.every(word => word.closest("details:not([open])"))) unfold(words[0]);
  }, 50));

  // Ctrl+K leads to the search, Escape closes what is open beside the page.
  const drawers = document.querySelectorAll(".sidebar-toggle");
  addEventListener("keydown", event => {
    if ((event.ctrlKey || event.metaKey) && event.key === "k") {
      event.preventDefault();
      document.getElementById("__navigation").checked = true;
      document.querySelector(".sidebar-search").focus();
    } else if (event.key === "Escape") {
      for (const drawer of drawers) drawer.checked = false;
    }
  });

  // A page in a folder, or in somebody else's frame, may not read the others: the search lists them
  // without excerpts.
  if (location.protocol === "file:" || origin === "null")
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

  // Paper is light.
  const page = document.body.dataset;
  let theme;
  addEventListener("beforeprint", () => { theme = page.theme; page.theme = "light"; });
  addEventListener("afterprint", () => { page.theme = theme; });
})();
