/* Figures that answer. matplotlib has drawn everything; this moves the curves and points inside the
   drawing when a slider moves, by the axes' own transforms. One script for every figure.explorer. */
(() => {
  if (globalThis.explorers) { globalThis.explorers.start(); return; }

  // ------------------------------------------------------------------ the mathematics, all of it
  const tanh = Math.tanh;
  const sech2 = z => 1 / Math.cosh(z) ** 2;  // 1 - tanh(z)^2 without the subtraction
  const quotient = (f, u, h) => (f(u + h) - f(u - h)) / (2 * h);

  // ----------------------------------------------------------------------------------- the drawing
  const shown = x => x === 0 ? "0" : Math.abs(x) < 1e-3 || Math.abs(x) >= 1e4
    ? x.toExponential(2).replace("e+", "e") : String(+x.toPrecision(4));

  const panel = ([x0, sx, y0, sy]) => ({ x: u => x0 + sx * u, y: v => y0 + sy * v });

  // Points spread evenly over [low, high], and as many within a few widths of the steep place.
  const grid = (low, high, centre, width, n = 120) => {
    const points = [];
    for (let i = 0; i <= n; i++) {
      points.push(low + (high - low) * i / n, centre + 4 * width * (2 * i / n - 1));
    }
    return points.filter(u => u >= low && u <= high).sort((u, v) => u - v);
  };

  const path = (p, us, f) =>
    "M" + us.map(u => p.x(u).toFixed(2) + " " + p.y(f(u)).toFixed(2)).join("L");

  // A straight line through (u, v) with this slope, at least `half` points long on either side.
  const line = (p, u, v, slope, half, least = 0) => {
    const dx = p.x(1) - p.x(0), dy = (p.y(1) - p.y(0)) * slope;
    const t = Math.max(half / Math.hypot(dx, dy), least);
    return path(p, [u - t, u + t], w => v + slope * (w - u));
  };

  class Drawing {
    constructor(root) {
      this.root = root;
      this.home = {};
      for (const part of root.querySelectorAll("[data-part]")) this.home[part.dataset.part] = part;
    }
    curve(part, d) { this.home[part].querySelector("path").setAttribute("d", d); }
    point(part, x, y) {
      const use = this.home[part].querySelector("use");
      use.setAttribute("x", x.toFixed(2));
      use.setAttribute("y", y.toFixed(2));
    }
    shift(part, x, y) {
      const t = this.home[part], at = t.at ??= t.querySelector("[transform]").transform.baseVal[0].matrix;
      t.setAttribute("transform", `translate(${(x - at.e).toFixed(2)} ${(y - at.f).toFixed(2)})`);
    }
    show(part, on) { this.home[part].style.display = on ? "" : "none"; }
    colour(part, colour) {
      for (const e of this.home[part].querySelectorAll("path, use")) e.style.stroke = colour;
    }
  }

  // ------------------------------------------------------------------------------- one of a kind
  const kinds = {
    // Three units at one day: each feature and its derivative over its slope and over its bias.
    "four-panels"(drawing, { panels, ranges, look }, state) {
      const x0 = state.x0, k = state.unit, h = 10 ** state.h;
      const numbers = {};
      for (const unit of [1, 2, 3]) {
        const a = state[`a${unit}`], b = state[`b${unit}`], z = a * x0 + b;
        const moves = [
          { f: u => tanh(u * x0 + b), df: u => sech2(u * x0 + b) * x0, u: a, h: h / x0,
            us: grid(...ranges[0], -b / x0, 1 / x0), peak: -b / x0, top: x0 },
          { f: u => tanh(a * x0 + u), df: u => sech2(a * x0 + u), u: b, h,
            us: grid(...ranges[1], -a * x0, 1), peak: -a * x0, top: 1 },
        ];
        moves.forEach((m, column) => {
          const above = panel(panels[column]), below = panel(panels[2 + column]);
          const name = `${column}-${unit}`, [low, high] = ranges[column];
          drawing.curve(`curve-0-${name}`, path(above, m.us, m.f));
          drawing.curve(`curve-1-${name}`, path(below, m.us, m.df));
          drawing.point(`dot-0-${name}`, above.x(m.u), above.y(m.f(m.u)));
          drawing.point(`dot-1-${name}`, below.x(m.u), below.y(m.df(m.u)));
          const inside = m.peak >= low && m.peak <= high;
          drawing.show(`label-0-${name}`, inside);
          drawing.show(`label-1-${name}`, inside);
          drawing.shift(`label-0-${name}`, above.x(m.peak) + 7, above.y(0) + 3);
          drawing.shift(`label-1-${name}`, below.x(m.peak) - 11, below.y(m.top) - 4);
          if (unit !== k) return;
          const v = m.f(m.u), slope = m.df(m.u), dq = quotient(m.f, m.u, m.h);
          drawing.curve(`tangent-${column}`, line(above, m.u, v, slope, 45));
          const middle = (m.f(m.u + m.h) + m.f(m.u - m.h)) / 2;
          drawing.curve(`secant-${column}`, line(above, m.u, middle, dq, 30, m.h));
          drawing.point(`ring-${column}`, below.x(m.u), below.y(dq));
          const of = "ab"[column];
          numbers[`d${of}`] = slope;
          numbers[`q${of}`] = dq;
          numbers[`e${of}`] = Math.abs(dq - slope) / slope;
        });
        if (unit === k) Object.assign(numbers, { z, phi: tanh(z) });
      }
      return [numbers, `z is ${shown(numbers.z)}, the derivative by the slope ${shown(numbers.da)} days,`
        + ` by the bias ${shown(numbers.db)}.`];
    },
  };

  // ---------------------------------------------------------------------------------- the controls
  function start() {
    for (const root of document.querySelectorAll("figure.explorer:not([data-ready])")) setUp(root);
  }

  function setUp(root) {
    root.dataset.ready = "";
    const spec = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    const kind = root.dataset.explorer, form = root.querySelector("form");
    const drawing = new Drawing(root), says = root.querySelector(".says");
    const same = [...document.querySelectorAll(`figure[data-explorer="${kind}"]`)];
    const name = kind + (same.indexOf(root) || "");  // of this figure, in a link
    const state = { ...spec.state, ...fromLink() };

    function fromLink() {
      const said = new URLSearchParams(location.search).get(name) ?? "";
      const pairs = said.split(",").map(pair => pair.split("="));
      return Object.fromEntries(pairs
        .filter(([key, value]) => key in spec.state && value && isFinite(value))
        .map(([key, value]) => [key, +value]));
    }

    // A slider named "a" belongs to the chosen unit's own a1, a2 or a3, where there are such.
    const key = input => input.name + (`${input.name}${state.unit}` in state ? state.unit : "");

    function draw() {
      const [numbers, sentence] = kinds[kind](drawing, spec, state);
      for (const input of form.elements) {
        if (input.type === "radio") input.checked = +input.value === state[input.name];
        if (input.type !== "range") continue;
        input.value = state[key(input)];
        const value = input.dataset.power ? 10 ** state[key(input)] : state[key(input)];
        const text = shown(value) + (input.dataset.unit ? " " + input.dataset.unit : "");
        input.setAttribute("aria-valuetext", text);
        input.parentNode.querySelector("output").textContent = text;
      }
      for (const cell of form.querySelectorAll("[data-number]")) {
        cell.textContent = shown(numbers[cell.dataset.number]);
      }
      return sentence;
    }

    form.addEventListener("input", ({ target }) => {  // once a frame, as browsers send them
      state[key(target)] = +target.value;
      draw();
    });
    // Spoken when a slider comes to rest, not while it moves.
    form.addEventListener("change", () => { says.textContent = draw(); });
    form.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (!button) return;
      if (button.dataset.set) Object.assign(state, JSON.parse(button.dataset.set));
      says.textContent = draw();
      if (button.dataset.link === undefined) return;
      const here = new URL(location.href);
      const moved = Object.keys(state).filter(k => state[k] !== spec.state[k]);
      here.searchParams.set(name, moved.map(k => `${k}=${state[k]}`).join(","));
      here.hash = root.closest("[id]").id;
      history.replaceState(null, "", here);
      navigator.clipboard?.writeText(here.href).catch(() => {});
      says.textContent = "The link is in the address bar and on the clipboard.";
    });
    form.addEventListener("submit", event => event.preventDefault());

    // JupyterLab would take the arrow keys for itself, and its address says nothing of a figure.
    const lab = root.closest(".jp-OutputArea");
    if (lab) {
      for (const e of [root, ...root.querySelectorAll("*")]) e.dataset.lmSuppressShortcuts = "true";
      form.querySelector("[data-link]").hidden = true;
    }
    form.hidden = false;
    draw();
  }

  globalThis.explorers = { start, tanh, sech2, quotient, shown };
  start();
  // A notebook may put the figure into the page after its script has run.
  if (document.querySelector("[class^='jp-']")) {
    new MutationObserver(start).observe(document.body, { childList: true, subtree: true });
  }
})();
