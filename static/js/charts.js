// @ts-check
// Draws the charts of a page from the JSON in #chart-data, and again whenever htmx brings new data.

/**
 * @typedef {{x: number, y: number}} Point
 * @typedef {Point & {name: string, origin: string}} Dot
 * @typedef {object} Data
 * @property {{ours: Point[], random: Point[], probe: number | null, title: string}} [best]
 * @property {{dots: Dot[], title: string}} [scatter]
 * @property {{points: {epoch: number, accuracy: number, loss: number}[], title: string}} [epochs]
 */

const Chart = /** @type {any} */ (window).Chart;
/** @type {Map<string, any>} charts by the id of their frame */
const drawn = new Map();
const still = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * A colour token as a plain colour, which a canvas can use.
 * @param {string} token
 */
function colour(token) {
  const probe = document.createElement("i");
  probe.style.color = `var(--nw-${token})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** @param {string} title @param {string} unit */
const axis = (title, unit = "") => ({
  title: { display: true, text: title, color: colour("muted"), font: { size: 12 } },
  grid: { color: colour("chart-grid"), drawTicks: false },
  border: { display: false },
  ticks: { color: colour("muted"), padding: 8, maxTicksLimit: 6, includeBounds: false, callback: (/** @type {number} */ v) => `${+v.toFixed(2)}${unit}` },
});

/** @param {boolean} any whether there is anything to show; if not, the whole range is */
const rightOf100 = (any) => ({ ...axis("Right, of 100"), ...(any ? { grace: "5%" } : { min: 0, max: 100 }) });

/** @param {boolean} legend */
const options = (legend) => ({
  responsive: true,
  maintainAspectRatio: false,
  animation: still.matches ? false : { duration: 150 },
  interaction: { mode: "nearest", intersect: false },
  plugins: {
    legend: {
      display: legend,
      position: "bottom",
      align: "start",
      labels: { color: colour("text"), boxHeight: 8, usePointStyle: true, pointStyle: "line", pointStyleWidth: 22, padding: 16 },
    },
    tooltip: {
      backgroundColor: colour("text"),
      titleColor: colour("bg"),
      bodyColor: colour("bg"),
      padding: 10,
      cornerRadius: 8,
      displayColors: false,
    },
  },
});

/**
 * @param {string} label
 * @param {string} token
 * @param {Point[]} data
 * @param {object} more
 */
const line = (label, token, data, more = {}) => ({
  label,
  data,
  borderColor: colour(token),
  backgroundColor: colour(token),
  borderWidth: 2,
  pointRadius: 0,
  pointHitRadius: 12,
  stepped: "before",
  ...more,
});

/**
 * The dots that no other beats in both time and accuracy, from fast to slow.
 * @param {Dot[]} dots
 * @returns {Point[]}
 */
function frontOf(dots) {
  /** @type {Point[]} */
  const front = [];
  for (const dot of [...dots].sort((a, b) => a.x - b.x || b.y - a.y)) {
    if (!front.length || dot.y > front[front.length - 1].y) front.push({ x: dot.x, y: dot.y });
  }
  return front;
}

/** How each kind of chart is drawn. @type {Record<string, (data: any) => any>} */
const KINDS = {
  best: (/** @type {NonNullable<Data["best"]>} */ data) => {
    const last = Math.max(data.ours.length ? 0.1 : 1, ...data.ours.map((p) => p.x), ...data.random.map((p) => p.x));
    /** @param {Point[]} points held until the right edge, since the best stays the best */
    const held = (points) => (points.length ? [...points, { x: last, y: points[points.length - 1].y }] : []);
    const sets = [line("Search", "chart-ours", held(data.ours), { borderWidth: 2.5 })];
    if (data.random.length) sets.push(line("Random, for comparison", "chart-random", held(data.random)));
    if (data.probe !== null) {
      const flat = [{ x: 0, y: data.probe }, { x: last, y: data.probe }];
      sets.push(line("Plain transfer learning", "chart-control", flat, { borderDash: [4, 4], borderWidth: 1.5 }));
    }
    const shown = options(data.ours.length > 0);
    return {
      type: "line",
      data: { datasets: sets },
      options: {
        ...shown,
        parsing: false,
        plugins: { ...shown.plugins, tooltip: { ...shown.plugins.tooltip, callbacks: {
          title: (/** @type {any[]} */ items) => `After ${items[0].parsed.x.toFixed(1)} minutes`,
          label: (/** @type {any} */ item) => `${item.dataset.label}: ${item.parsed.y.toFixed(1)} %`,
        } } },
        scales: { x: { type: "linear", min: 0, max: last, ...axis("Minutes") }, y: rightOf100(data.ours.length > 0) },
      },
    };
  },
  scatter: (/** @type {NonNullable<Data["scatter"]>} */ data) => {
    const arms = [
      ["Search", "strategy", "chart-ours", "circle"],
      ["Random", "random", "chart-random", "triangle"],
      ["Control", "control", "chart-control", "rect"],
    ];
    const shown = options(true);
    const labels = /** @type {any} */ (shown.plugins.legend.labels);
    delete labels.pointStyle;
    labels.pointStyleWidth = 12;
    const front = line("Best at its speed", "chart-ours", frontOf(data.dots), {
      type: "line", borderWidth: 1.5, borderDash: [3, 3], pointHitRadius: 0, pointStyle: "line", order: 2,
    });
    return {
      type: "scatter",
      data: {
        datasets: arms.map(([label, origin, token, pointStyle]) => ({
          label,
          data: data.dots.filter((d) => d.origin === origin),
          backgroundColor: colour(token),
          borderColor: colour("surface"),
          borderWidth: 1,
          pointStyle,
          pointRadius: 5.5,
          pointHoverRadius: 8,
        })).filter((set) => set.data.length).concat(data.dots.length > 1 ? [/** @type {any} */ (front)] : []),
      },
      options: {
        ...shown,
        plugins: { ...shown.plugins, tooltip: { ...shown.plugins.tooltip, callbacks: {
          label: (/** @type {any} */ item) => `${item.raw.name}: ${item.parsed.y.toFixed(1)} % in ${item.parsed.x.toFixed(1)} ms`,
        } } },
        scales: {
          x: { ...axis("Milliseconds a picture, on this machine"), ...(data.dots.length ? { grace: "8%" } : { min: 0, max: 50 }) },
          y: rightOf100(data.dots.length > 0),
        },
      },
    };
  },
  epochs: (/** @type {NonNullable<Data["epochs"]>} */ data) => {
    const shown = options(true);
    return {
      type: "line",
      data: {
        datasets: [
          line("Right, of 100", "chart-ours", data.points.map((p) => ({ x: p.epoch, y: p.accuracy })), { stepped: false, pointRadius: 3, yAxisID: "y" }),
          line("Loss in training", "chart-control", data.points.map((p) => ({ x: p.epoch, y: p.loss })), { stepped: false, borderDash: [4, 4], yAxisID: "loss" }),
        ],
      },
      options: {
        ...shown,
        parsing: false,
        scales: {
          x: { type: "linear", ...axis("Passes over the training pictures") },
          y: rightOf100(true),
          loss: { ...axis("Loss"), position: "right", min: 0, grid: { display: false } },
        },
      },
    };
  },
};

/** The same figures as rows. @type {Record<string, (data: any) => (string | number)[][]>} */
const ROWS = {
  best: (data) => [
    ["Minutes", "Arm", "Right, of 100"],
    ...data.ours.map((/** @type {Point} */ p) => [p.x.toFixed(2), "Search", p.y.toFixed(1)]),
    ...data.random.map((/** @type {Point} */ p) => [p.x.toFixed(2), "Random", p.y.toFixed(1)]),
  ],
  scatter: (data) => [
    ["Network", "Milliseconds", "Right, of 100"],
    ...data.dots.map((/** @type {Dot} */ d) => [d.name, d.x.toFixed(1), d.y.toFixed(1)]),
  ],
  epochs: (data) => [
    ["Pass", "Right, of 100", "Loss in training"],
    ...data.points.map((/** @type {any} */ p) => [p.epoch, p.accuracy.toFixed(1), p.loss.toFixed(3)]),
  ],
};

/**
 * @param {HTMLElement} frame
 * @param {(string | number)[][]} rows
 */
function fillTable(frame, rows) {
  const body = frame.querySelector("[data-chart-table] tbody");
  body?.replaceChildren(
    ...rows.map((cells, index) => {
      const row = document.createElement("tr");
      for (const text of cells) {
        const cell = document.createElement(index ? "td" : "th");
        if (!index) cell.setAttribute("scope", "col");
        cell.textContent = String(text);
        row.append(cell);
      }
      return row;
    }),
  );
}

function draw() {
  /** @type {Data} */
  const data = JSON.parse(document.getElementById("chart-data")?.textContent ?? "{}");
  for (const frame of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-chart]"))) {
    const kind = frame.dataset.chart ?? "";
    const part = /** @type {any} */ (data)[kind];
    const canvas = frame.querySelector("canvas");
    if (!part || !canvas) continue;
    for (const place of frame.querySelectorAll("[data-chart-title], caption")) place.textContent = part.title;
    canvas.setAttribute("aria-label", part.title);
    fillTable(frame, ROWS[kind](part));
    const config = KINDS[kind](part);
    const chart = drawn.get(frame.id);
    if (chart && chart.canvas === canvas) {
      chart.data = config.data;
      chart.options = config.options;
      chart.update();
    } else {
      chart?.destroy();
      drawn.set(frame.id, new Chart(canvas, config));
    }
  }
}

Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
let last = "";
/** Draws again only if the figures changed. */
function drawIfNew() {
  const text = document.getElementById("chart-data")?.textContent ?? "";
  if (text === last) return;
  last = text;
  draw();
}
drawIfNew();
document.addEventListener("htmx:afterSettle", drawIfNew);
document.addEventListener("nw:theme", draw);
