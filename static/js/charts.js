// @ts-check
// Draws the charts of a page from the JSON in #chart-data, and again whenever htmx brings new data.

/**
 * @typedef {{x: number, y: number}} Point
 * @typedef {Point & {name: string, origin: string}} Dot
 * @typedef {{networks: Point[], minutes: Point[], count: number}} Arm best so far, by either axis; `count` networks in all
 * @typedef {"networks" | "minutes"} Axis
 * @typedef {object} Data
 * @property {string} [right] what an accuracy is called
 * @property {{ours: Arm, random: Arm, fair: {count: number, ours: number, random: number} | null, probe: number | null, title: string, text: string}} [best]
 * @property {{dots: Dot[], limit: number | null, title: string}} [scatter]
 * @property {{points: {epoch: number, accuracy: number, loss: number}[], title: string}} [epochs]
 */

const Chart = /** @type {any} */ (window).Chart;
/** @type {Map<string, any>} charts by the id of their frame */
const drawn = new Map();
/** @type {Map<string, Axis>} what is to the right in a chart, by the id of its frame, once somebody chose */
const chosenAxis = new Map();
/** What an accuracy is called; the page's data may say it otherwise. */
let rightWord = "Right, of 100";
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

/** Whole numbers only. */
const counting = () => {
  const plain = axis("Networks tried, by each");
  return { ...plain, ticks: { ...plain.ticks, precision: 0 } };
};

/** @param {number[]} values what is shown; without any, the whole range is. Nothing is righter than 100. */
const rightOf100 = (values) => ({
  ...axis(rightWord),
  ...(values.length ? { grace: "5%" } : { min: 0 }),
  ...(values.length && Math.max(...values) < 96 ? {} : { max: 100 }),
});

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
  clip: false, // what is right on all of 100 lies on the edge
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

/** How each kind of chart is drawn. @type {Record<string, (data: any, axis: Axis) => any>} */
const KINDS = {
  best: (/** @type {NonNullable<Data["best"]>} */ data, /** @type {Axis} */ by) => {
    const tried = by === "networks";
    const arms = [data.ours, data.random];
    const any = arms.some((arm) => arm.count);
    const last = tried
      ? Math.max(2, ...arms.map((arm) => arm.count))
      : Math.max(any ? 0.1 : 1, ...arms.flatMap((arm) => arm.minutes.map((p) => p.x)));
    /** @param {Arm} arm its points, held until it had its last network, or until the right edge: the best stays the best */
    const held = (arm) => {
      const points = arm[by];
      return points.length ? [...points, { x: tried ? arm.count : last, y: points[points.length - 1].y }] : [];
    };
    const sets = [line("Search", "chart-ours", held(data.ours), { borderWidth: 2.5 })];
    if (data.random.count) sets.push(line("Random, for comparison", "chart-random", held(data.random)));
    if (tried && data.fair) {
      const { count, ours, random } = data.fair;
      const ends = [{ x: count, y: ours }, { x: count, y: random }];
      sets.push(line(`After ${count} each`, "text", ends, {
        stepped: false, borderWidth: 1.5, borderDash: [2, 3], pointRadius: 4.5, pointStyle: "circle", pointBackgroundColor: colour("surface"), pointBorderWidth: 2,
      }));
    }
    if (data.probe !== null) {
      const flat = [{ x: tried ? 1 : 0, y: data.probe }, { x: last, y: data.probe }];
      sets.push(line("Plain transfer learning", "chart-control", flat, { borderDash: [4, 4], borderWidth: 1.5 }));
    }
    const shown = options(any);
    return {
      type: "line",
      data: { datasets: sets },
      options: {
        ...shown,
        parsing: false,
        plugins: { ...shown.plugins, tooltip: { ...shown.plugins.tooltip, callbacks: {
          title: (/** @type {any[]} */ items) => (tried ? `After ${items[0].parsed.x} networks` : `After ${items[0].parsed.x.toFixed(1)} minutes`),
          label: (/** @type {any} */ item) => `${item.dataset.label}: ${item.parsed.y.toFixed(1)} %`,
        } } },
        scales: { x: { type: "linear", min: tried ? 1 : 0, max: last, ...(tried ? counting() : axis("Minutes")) }, y: rightOf100(arms.flatMap((arm) => arm.networks.map((p) => p.y))) },
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
    const heights = data.dots.map((d) => d.y);
    /** @type {any[]} */
    const limit = data.limit && heights.length ? [line(`Limit: ${+data.limit.toFixed(1)} ms`, "broken", [
      { x: data.limit, y: Math.min(...heights) }, { x: data.limit, y: Math.max(...heights) },
    ], { type: "line", stepped: false, borderWidth: 1.5, borderDash: [6, 4], pointHitRadius: 0, pointStyle: "line", order: 3 })] : [];
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
          clip: false,
        })).filter((set) => set.data.length).concat(data.dots.length > 1 ? [/** @type {any} */ (front)] : []).concat(limit),
      },
      options: {
        ...shown,
        plugins: { ...shown.plugins, tooltip: { ...shown.plugins.tooltip, callbacks: {
          label: (/** @type {any} */ item) => `${item.raw.name}: ${item.parsed.y.toFixed(1)} % in ${item.parsed.x.toFixed(1)} ms`,
        } } },
        scales: {
          x: { ...axis("Milliseconds a picture, on this machine"), ...(data.dots.length ? { grace: "8%" } : { min: 0, max: 50 }) },
          y: rightOf100(data.dots.map((d) => d.y)),
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
          line(rightWord, "chart-ours", data.points.map((p) => ({ x: p.epoch, y: p.accuracy })), { stepped: false, pointRadius: 3, yAxisID: "y" }),
          line("Loss in training", "chart-control", data.points.map((p) => ({ x: p.epoch, y: p.loss })), { stepped: false, borderDash: [4, 4], yAxisID: "loss" }),
        ],
      },
      options: {
        ...shown,
        parsing: false,
        scales: {
          x: { type: "linear", ...axis("Passes over the training pictures") },
          y: rightOf100(data.points.map((p) => p.accuracy)),
          loss: { ...axis("Loss"), position: "right", min: 0, grid: { display: false } },
        },
      },
    };
  },
};

/** The same figures as rows. @type {Record<string, (data: any, axis: Axis) => (string | number)[][]>} */
const ROWS = {
  best: (data, by) => {
    const digits = by === "networks" ? 0 : 2;
    /** @param {Arm} arm @param {string} name */
    const rows = (arm, name) => arm[by].map((p) => [p.x.toFixed(digits), name, p.y.toFixed(1)]);
    return [
      [by === "networks" ? "Networks tried" : "Minutes", "Arm", rightWord],
      ...rows(data.ours, "Search"),
      ...rows(data.random, "Random"),
    ];
  },
  scatter: (data) => [
    ["Network", "Milliseconds", rightWord],
    ...data.dots.map((/** @type {Dot} */ d) => [d.name, d.x.toFixed(1), d.y.toFixed(1)]),
  ],
  epochs: (data) => [
    ["Pass", rightWord, "Loss in training"],
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

/** Checks what is shown: a new radio button of the same name, about to be replaced by the kept one, unchecks it. */
function checkAxes() {
  for (const frame of document.querySelectorAll("[data-chart]")) {
    const button = frame.querySelector(`[data-chart-axis][value=${chosenAxis.get(frame.id) ?? "networks"}]`);
    if (button instanceof HTMLInputElement) button.checked = true;
  }
}

function draw() {
  /** @type {Data} */
  const data = JSON.parse(document.getElementById("chart-data")?.textContent ?? "{}");
  rightWord = data.right ?? rightWord;
  for (const frame of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-chart]"))) {
    const kind = frame.dataset.chart ?? "";
    const part = /** @type {any} */ (data)[kind];
    const canvas = frame.querySelector("canvas");
    if (!part || !canvas) continue;
    for (const place of frame.querySelectorAll("[data-chart-title], caption")) place.textContent = part.title;
    const text = frame.querySelector("[data-chart-text]");
    if (text && part.text) text.textContent = part.text;
    canvas.setAttribute("aria-label", part.title);
    const by = chosenAxis.get(frame.id) ?? "networks";
    fillTable(frame, ROWS[kind](part, by));
    const config = KINDS[kind](part, by);
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
document.addEventListener("htmx:afterSettle", () => {
  checkAxes();
  drawIfNew();
});
document.addEventListener("change", (event) => {
  const at = event.target;
  const frame = at instanceof HTMLInputElement && at.matches("[data-chart-axis]") && at.closest("[data-chart]");
  if (!frame) return;
  chosenAxis.set(frame.id, at.value === "minutes" ? "minutes" : "networks");
  draw();
});
document.addEventListener("nw:theme", draw);
