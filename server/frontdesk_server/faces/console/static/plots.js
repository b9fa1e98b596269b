// Draws the tables of a page. A table stays what it was; the plot stands above it.

const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(`--${name}`).trim();
const LINES = ["line-1", "line-2", "line-3", "line-4", "line-5", "line-6"];
const DASHES = [[6, 5], [2, 3], [10, 4], [10, 4, 2, 4]];
const HEIGHT = 260;
const TALL = 380;

const value = (cell) => (cell.dataset.value === undefined ? null : Number(cell.dataset.value));
const rowsOf = (table) => [...table.tBodies[0].rows];

function axes(x, y) {
  const look = { stroke: colour("soft"), grid: { stroke: colour("rule"), width: 1 }, ticks: { stroke: colour("rule"), width: 1 } };
  return [{ ...look, ...x }, { ...look, size: 68, ...y }];
}

/** Money over time in steps; those without a row had nothing. */
function times(table) {
  const heads = [...table.tHead.rows[0].cells];
  const drawn = heads.map((head, index) => ({ head, index })).filter(({ head }) => head.dataset.unit);
  const step = Number(table.dataset.step);
  const rows = new Map(rowsOf(table).map((row) => [value(row.cells[0]), row]));
  const since = Number(table.dataset.since ?? [...rows.keys()][0]);
  const xs = [];
  for (let at = Math.floor(since / step) * step; at < Number(table.dataset.until) + step; at += step) xs.push(at);
  const series = drawn.map(({ index }) => xs.map((at) => (rows.has(at) ? value(rows.get(at).cells[index]) : 0)));
  for (const ys of series) ys[ys.length - 1] = ys[ys.length - 2]; // so that the last step, too, has its width
  const usd = (_, amount) => (amount === null ? "" : `$${amount.toPrecision(3)}`);
  return {
    data: [xs, ...series],
    options: {
      series: [
        { label: "from", value: (_, at) => (at === null ? "" : clock(at, 0)) },
        ...drawn.map(({ head }, line) => ({
          label: head.textContent,
          stroke: colour(LINES[line]),
          fill: `color-mix(in srgb, ${colour(LINES[line])} 14%, transparent)`,
          width: 2,
          paths: uPlot.paths.stepped({ align: 1 }),
          points: { show: false },
          value: usd,
        })),
      ],
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
      scales: { y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 1] } },
      axes: axes(
        { space: 70, values: (_, ticks, _axis, _space, incr) => ticks.map((tick) => clock(tick, incr)) },
        { values: (_, ticks) => ticks.map((tick) => `$${Number(tick.toPrecision(3))}`) },
      ),
    },
  };
}

/** An instant in UTC: its day where that is what steps tell apart, or begins there; both where no step is given. */
function clock(seconds, incr) {
  const [day, time] = new Date(seconds * 1e3).toISOString().slice(0, 16).split("T");
  if (!incr) return `${day} ${time}`;
  return incr >= 86400 || time === "00:00" ? day.slice(5) : time;
}

/** Curves over cost, and the models as points with their names. */
function curve(table, points) {
  const curves = new Map();
  for (const row of rowsOf(table)) {
    const [name, x, y] = row.cells;
    if (!curves.has(name.textContent)) curves.set(name.textContent, [[], []]);
    curves.get(name.textContent)[0].push(value(x));
    curves.get(name.textContent)[1].push(value(y));
  }
  const models = rowsOf(points).map((row) => [row.cells[0].textContent, value(row.cells[1]), value(row.cells[2])]);
  const places = new Map();
  rowsOf(points).forEach((row, index) => {
    if (!places.has(row.dataset.kind)) places.set(row.dataset.kind, []);
    places.get(row.dataset.kind).push(models[index].slice(1));
  });
  for (const each of places.values()) each.sort((one, other) => one[0] - other[0]);
  const sorted = [...curves.values()].map(([xs, ys]) => {
    const order = xs.map((_, index) => index).sort((one, other) => xs[one] - xs[other]);
    return [order.map((index) => xs[index]), order.map((index) => ys[index])];
  });
  const marks = [...places.values()].map((each) => [each.map(([x]) => x), each.map(([, y]) => y)]);
  const data = uPlot.join([...sorted, ...marks]);
  const quality = (_, y) => (y === null || y === undefined ? "" : y.toFixed(3));
  const name = points.tHead.rows[0].cells[1].textContent;
  return {
    data,
    options: {
      series: [
        { label: name, value: (_, x) => (x === null ? "" : Number(x.toPrecision(4)).toLocaleString("en")) },
        ...[...curves.keys()].map((label, line) => ({
          label,
          stroke: colour(LINES[line % LINES.length]),
          width: line ? 1.5 : 2.5,
          dash: line > 1 ? DASHES[(line - 2) % DASHES.length] : undefined,
          spanGaps: true,
          points: { show: false },
          value: quality,
        })),
        ...[...places.keys()].map((label) => {
          const ink = colour(label === "one model always" ? "ink" : LINES.at(-1));
          return { label, stroke: ink, paths: () => null, points: { show: true, size: 8, fill: ink }, value: quality };
        }),
      ],
      scales: { x: { time: false } },
      axes: axes({ label: name, labelSize: 22, values: (_, ticks) => ticks.map((tick) => tick.toLocaleString("en", { notation: "compact" })) }, { label: "quality", labelSize: 22 }),
      hooks: { draw: [(plot) => label(plot, models)] },
    },
  };
}

function label(plot, models) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.fillStyle = colour("ink");
  for (const [name, x, y] of models) {
    const left = plot.valToPos(x, "x", true);
    const right = left > bbox.left + bbox.width / 2;
    ctx.textAlign = right ? "right" : "left";
    ctx.fillText(name, left + (right ? -10 : 10) * devicePixelRatio, plot.valToPos(y, "y", true) + 16 * devicePixelRatio);
  }
  ctx.restore();
}

const kinds = { times, curve };

function draw(place) {
  const tables = ["table", "points"].map((name) => document.getElementById(place.dataset[name]));
  const { data, options } = kinds[place.dataset.plot](...tables);
  const height = place.classList.contains("tall") ? TALL : HEIGHT;
  place.replaceChildren();
  const plot = new uPlot({ width: place.clientWidth, height, ...options }, data, place);
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height })).observe(place);
}

const places = [...document.querySelectorAll("[data-plot]")];
places.forEach(draw);
for (const details of document.querySelectorAll("details.figures")) details.open = false;
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => places.forEach(draw));
