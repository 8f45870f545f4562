/* Figures that answer. matplotlib has drawn everything; this moves the curves and points inside the
   drawing when a slider moves, by the axes' own transforms. One script for every figure.explorer. */
(() => {
  if (globalThis.explorers) { globalThis.explorers.start(); return; }

  // ------------------------------------------------------------------ the mathematics, all of it
  const tanh = Math.tanh;
  const sech2 = z => 1 / Math.cosh(z) ** 2;  // 1 - tanh(z)^2 without the subtraction
  const tanh3 = z => sech2(z) * (6 * tanh(z) ** 2 - 2);  // the third derivative
  const EPS = Number.EPSILON;
  const quotient = (f, u, h) => (f(u + h) - f(u - h)) / (2 * h);

  const sum = v => v.reduce((s, u) => s + u, 0);
  const mean = v => sum(v) / v.length;

  const softmax = z => {
    const top = Math.max(...z), e = z.map(u => Math.exp(u - top)), all = sum(e);
    return e.map(u => u / all);
  };

  // Gaussian elimination for a symmetric positive definite A, which needs no pivoting.
  const solve = (A, v) => {
    const n = v.length;
    for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) {
      const m = A[j][i] / A[i][i];
      for (let k = i; k < n; k++) A[j][k] -= m * A[i][k];
      v[j] -= m * v[i];
    }
    for (let i = n - 1; i >= 0; i--) {
      for (let j = i + 1; j < n; j++) v[i] -= A[i][j] * v[j];
      v[i] /= A[i][i];
    }
    return v;
  };

  // Ridge regression on the columns of Phi, the intercept free: [intercept, weights].
  const ridge = (columns, y, lam) => {
    const means = columns.map(mean), level = mean(y);
    const c = columns.map((column, k) => column.map(u => u - means[k]));
    const dot = (u, v) => u.reduce((s, each, n) => s + each * v[n], 0);
    const A = c.map((u, i) => c.map((v, j) => dot(u, v) + (i === j ? y.length * lam : 0)));
    const w = solve(A, c.map(u => dot(u, y.map(v => v - level))));
    return [level - dot(means, w), w];
  };

  // ----------------------------------------------------------------------------------- the drawing
  const shown = x => x === 0 ? "0" : Math.abs(x) < 1e-3 || Math.abs(x) >= 1e4
    ? x.toExponential(2).replace("e+", "e") : String(+x.toPrecision(4));

  const two = v => Math.abs(v) < .005 ? "≈ 0"  // as the drawings say it
    : v.toFixed(Math.abs(v) < 100 ? 2 : 0).replace("-", "\u2212");

  const panel = ([x0, sx, y0, sy]) => ({
    x: u => x0 + sx * u, y: v => y0 + sy * v, u: x => (x - x0) / sx,
  });

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

  // A rectangle between two corners.
  const box = (p, [x0, y0], [x1, y1]) =>
    "M" + [[x0, y0], [x1, y0], [x1, y1], [x0, y1]].map(([u, v]) => `${p.x(u).toFixed(2)} ${p.y(v).toFixed(2)}`).join("L") + "Z";

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
    point(part, x, y) { this.points(part, [[x, y]]); }
    points(part, at) {
      this.home[part].querySelectorAll("use").forEach((use, i) => {
        use.setAttribute("x", at[i][0].toFixed(2));
        use.setAttribute("y", at[i][1].toFixed(2));
      });
    }
    shift(part, x, y) {
      const t = this.home[part], at = t.at ??= t.querySelector("[transform]").transform.baseVal[0].matrix;
      t.setAttribute("transform", `translate(${(x - at.e).toFixed(2)} ${(y - at.f).toFixed(2)})`);
    }
    // A number that matplotlib has drawn as shapes becomes text, in its place and size.
    write(part, text) {
      const home = this.home[part];
      if (!home.text) {
        const shapes = home.querySelector("[transform]");
        const [move, scale] = [...shapes.transform.baseVal].map(t => t.matrix);
        home.text = document.createElementNS(home.namespaceURI, "text");
        home.text.setAttribute("x", move.e);
        home.text.setAttribute("y", move.f);
        home.text.style.fontSize = `${100 * scale.a}px`;
        home.text.style.fill = shapes.style.fill || "currentColor";
        shapes.style.display = "none";  // and stay: another label may use the same letters
        home.append(home.text);
      }
      home.text.textContent = text;
    }
    show(part, on) { this.home[part].style.display = on ? "" : "none"; }
  }

  // ------------------------------------------------------------------------------- one of a kind
  const kinds = {
    // Three units at one day: each feature and its derivative over its slope and over its bias.
    "four-panels"(drawing, { panels, ranges, look }, state) {
      const x0 = state.x0, k = state.unit, h = 10 ** state.h;
      const numbers = {}, handles = [];
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
          for (const [p, v] of [[above, m.f(m.u)], [below, m.df(m.u)]]) {
            handles.push({ x: p.x(m.u), y: p.y(v), name: "ab"[column] + unit, unit, value: p.u });
          }
          const inside = m.peak >= low && m.peak <= high;
          drawing.show(`label-0-${name}`, inside);
          drawing.show(`label-1-${name}`, inside);
          drawing.shift(`label-0-${name}`, above.x(m.peak) + 7, above.y(0) + 3);
          drawing.shift(`label-1-${name}`, below.x(m.peak) - 2.5, below.y(m.top) - 4);
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
        + ` by the bias ${shown(numbers.db)}.`, handles];
    },

    // One unit at one point: the error of the central difference over its step, both as powers.
    "step-curve"(drawing, { panels, w, steps, bottom }, { h, x, z }) {
      const p = panel(panels[0]), b = z - w * x, slope = x * sech2(z), step = 10 ** h;
      const third = Math.abs(x ** 3 * tanh3(z));
      const noise = EPS * (Math.abs(tanh(z)) + sech2(z) * Math.abs(w * x));
      const f = u => tanh(x * u + b);
      // Numbers here are the machine's own doubles, so this round-off is real and not a model. We
      // divide by the step that was taken, which is not quite h once w has swallowed its end.
      const error = t => Math.abs((f(w + t) - f(w - t)) / ((w + t) - (w - t)) - slope);
      const truncation = t => t * t / 6 * third, roundoff = t => noise / t;
      const power = value => Math.max(Math.log10(value), bottom);  // of nothing there is none
      const best = Math.cbrt(3 * noise / third), e = error(step);
      const at = u => [p.x(u), p.y(power(error(10 ** u)))];
      drawing.curve("truncation", path(p, steps, u => Math.log10(truncation(10 ** u))));
      drawing.curve("round-off", path(p, steps, u => Math.log10(roundoff(10 ** u))));
      drawing.curve("best", `M${p.x(Math.log10(best))} ${p.y(bottom)}V${p.y(3)}`);
      drawing.points("measured", steps.map(at));
      const [x1, y1] = at(h);
      drawing.point("dot", x1, y1);
      const numbers = { slope, error: e, truncation: truncation(step), roundoff: roundoff(step), best };
      return [numbers, `The error is ${shown(e)}. Expected: truncation ${shown(numbers.truncation)},`
        + ` round-off at most ${shown(numbers.roundoff)}.`,
        [{ x: x1, y: y1, name: "h", value: p.u }]];
    },

    // A year's temperatures as a sum of three steps, whose weights are solved for each time.
    "three-steps"(drawing, { panels, year, tenths, days = [...tenths.keys()], later }, state) {
      const [left, right] = panels.map(panel), y = tenths.map(t => t / 10);
      const every = [...later.counts.keys()], even = every.filter(x => x % 2 === 0);  // is drawn
      const steps = [1, 2, 3].map(k => [state[`day${k}`], 2 * Math.atanh(.8) / state[`width${k}`]]);
      const columns = steps.map(([day, a]) => every.map(x => tanh(a * (x - day))));
      const [w0, w] = ridge(columns.map(phi => days.map(x => phi[x])), y, 10 ** state.lam);
      const curve = every.map(x => columns.reduce((sum, phi, k) => sum + w[k] * phi[x], w0));
      drawing.curve("sum", path(right, even, x => curve[x]));
      drawing.curve("intercept", path(right, [0, 365], () => w0));
      drawing.shift("label-0", right.x(0), right.y(w0) + 12);
      columns.forEach((phi, k) => {
        drawing.curve(`step-${k + 1}`, path(left, even, x => w[k] * phi[x]));
        drawing.point(`here-${k + 1}`, left.x(steps[k][0]), left.y(0));
        const end = Math.max(-15, Math.min(15, w[k] * phi[365]));  // its name stays in the drawing
        drawing.shift(`label-${k + 1}`, left.x(365) + 4, left.y(end) + 3);
      });
      // Of the later years, sums for each day are enough: (v - y)^2 = v^2 - 2 v y + y^2.
      const { counts, sums, squares } = later, days3 = mean(counts) * counts.length;
      const fitted = mean(days.map((x, i) => (curve[x] - y[i]) ** 2));
      const held = curve.reduce((s, v, x) => s + v * (counts[x] * v - sums[x] / 5), squares / 100) / days3;
      return [{ fitted, held, w0, w1: w[0], w2: w[1], w3: w[2] },
        `The mean squared error is ${shown(fitted)} on ${year} and ${shown(held)} on the later years.`,
        steps.map(([day], k) => ({
          x: left.x(day), y: left.y(0), name: `day${k + 1}`, unit: k + 1, value: left.u,
        }))];
    },

    // One sample through the network and back: each box multiplies by its own local derivative.
    "one-sample"(drawing, { weights, intercept }, state) {
      const { x0, y, unit } = state, z = [1, 2, 3].map(k => state[`a${k}`] * x0 + state[`b${k}`]);
      const prediction = z.reduce((sum, u, k) => sum + weights[k] * tanh(u), intercept);
      const r = prediction - y, numbers = { prediction, loss: r * r / 2 };
      const written = { prediction, residual: r, loss: numbers.loss };
      z.forEach((u, i) => {
        const k = i + 1, dphi = r * weights[i], dz = sech2(u) * dphi;
        const here = { z: u, phi: tanh(u), dphi, dz, a: dz * x0, b: dz };
        for (const name in here) written[`${name}-${k}`] = here[name];
        if (k === unit) Object.assign(numbers, { dphi, db: dz, da: dz * x0 });
      });
      drawing.write("x", String(x0));
      for (const part in written) drawing.write(part, two(written[part]));
      return [numbers, `Predicted ${two(prediction)} degrees, ${two(r)} above what was measured.`
        + ` To the slope of unit ${unit}: ${shown(numbers.da)}, to its bias: ${shown(numbers.db)}.`];
    },

    // Three logits through a softmax: its matrix as squares, and what separates p from a class.
    "softmax"(drawing, { panels }, state) {
      const [left, right] = panels.map(panel), T = 10 ** state.T, i = state.unit - 1;
      const p = softmax([1, 2, 3].map(k => state[`z${k}`] / T));
      const loss = -Math.log(p[state.y - 1]), back = p.map((q, k) => (q - (k + 1 === state.y)) / T);
      p.forEach((q, k) => {
        const u = k + 1, y = +(u === state.y);
        drawing.curve(`bar-${u}`, box(left, [u - .3, 0], [u + .1, q]));
        drawing.curve(`gap-${u}`, `M${left.x(u + .25)} ${left.y(q)}V${left.y(y)}`);
        drawing.point(`class-${u}`, left.x(u + .25), left.y(y));
        drawing.write(`p-${u}`, two(q));
        drawing.write(`r-${u}`, two(q - y));
        p.forEach((r, l) => {
          const entry = q * ((k === l) - r), half = .8 * Math.sqrt(Math.abs(entry));
          drawing.curve(`entry-${u}${l + 1}`, box(right, [l + 1 - half, u - half], [l + 1 + half, u + half]));
          drawing.write(`J-${u}${l + 1}`, two(entry / T));
        });
      });
      return [{ p: p[i], own: p[i] * (1 - p[i]) / T, loss, back: back[i] },
        `The probabilities are ${p.map(two).join(", ")}, the loss ${shown(loss)},`
        + ` its derivatives by the logits ${back.map(two).join(", ")}.`];
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
    let handles = [];  // what can be dragged: where it is, and what its place says of which slider
    for (const label of form.querySelectorAll(".slider > label")) {
      const input = label.parentNode.querySelector("input");
      label.htmlFor = input.id = `${name}-${input.name}`;
    }

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
      const [numbers, sentence, movable = []] = kinds[kind](drawing, spec, state);
      handles = movable;
      for (const input of form.elements) {
        if (input.type === "radio") input.checked = +input.value === state[input.name];
        if (input.type !== "range") continue;
        input.value = state[key(input)];
        const value = input.dataset.power ? 10 ** state[key(input)] : state[key(input)];
        const unit = input.dataset.unit ? " " + input.dataset.unit : "";
        input.setAttribute("aria-valuetext", input.dataset.power
          ? `10 to the power ${input.value}` : input.value + unit);
        input.parentNode.querySelector("output").textContent = shown(value) + unit;
      }
      for (const cell of form.querySelectorAll("[data-number]")) {
        cell.textContent = shown(numbers[cell.dataset.number]);
      }
      return sentence;
    }

    // Spoken when what moves has come to rest, not while it moves.
    let rest;
    function tell(text) {
      clearTimeout(rest);
      rest = setTimeout(() => { says.textContent = text; }, 400);
    }

    form.addEventListener("input", ({ target }) => {  // once a frame, as browsers send them
      state[key(target)] = +target.value;
      tell(draw());
    });

    // What a slider moves along an axis can be taken by the hand.
    const svg = root.querySelector("svg.drawing");
    const at = event => new DOMPoint(event.clientX, event.clientY)
      .matrixTransform(svg.getScreenCTM().inverse());
    const inputs = name => form.elements[name.replace(/\d$/, "")] ?? form.elements[name];
    let held;
    svg.addEventListener("pointerdown", event => {
      const { x, y } = at(event), reach = 24 / svg.getScreenCTM().a;
      const far = handle => Math.hypot(handle.x - x, handle.y - y);
      const nearest = handles.sort((a, b) => far(a) - far(b))[0];
      if (!nearest || far(nearest) > reach) return;
      event.preventDefault();
      held = nearest;
      if (held.unit) state.unit = held.unit;
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointermove", event => {
      if (!held) return;
      const { min, max, step } = inputs(held.name), value = held.value(at(event).x);
      const inside = Math.min(Math.max(value, +min), +max);
      state[held.name] = +(+min + step * Math.round((inside - min) / step)).toFixed(6);
      tell(draw());
    });
    for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => { held = null; });
    form.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (!button) return;
      if (button.dataset.set) Object.assign(state, JSON.parse(button.dataset.set));
      tell(draw());
      if (button.dataset.link === undefined) return;
      const here = new URL(location.href);
      const moved = Object.keys(state).filter(k => state[k] !== spec.state[k]);
      here.searchParams.set(name, moved.map(k => `${k}=${state[k]}`).join(","));
      here.hash = root.closest("[id]").id;
      history.replaceState(null, "", here);
      navigator.clipboard?.writeText(here.href).catch(() => {});
      tell("The link is in the address bar and on the clipboard.");
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

  globalThis.explorers = { start, tanh, sech2, tanh3, ridge, softmax, quotient, shown };
  start();
  // A notebook may put the figure into the page after its script has run.
  if (document.querySelector("[class^='jp-']")) {
    new MutationObserver(start).observe(document.body, { childList: true, subtree: true });
  }
})();
