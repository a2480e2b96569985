// Draws a curve or bars over time with uPlot, in the page's colours, and again when these change.

const DAY = 86400;
const SHORT = 60;
// No label of an hour beneath bars that are of days: as uPlot's own, from a day on.
const DAYS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 30, 60, 90, 120, 180, 365, 730, 1825, 3650, 9125, 18250, 36500].map((days) => days * DAY);
const LABELS = { "": "Time", day: "Day", month: "Month", year: "Year" };
const dates = (fields) => new Intl.DateTimeFormat("en-GB", { ...fields, timeZone: "UTC" });
const ON_DAY = dates({ day: "numeric", month: "short" });
const IN_MONTH = dates({ month: "short", year: "numeric" });
const IN_YEAR = dates({ year: "numeric" });
const WHOLE_DATE = dates({ day: "numeric", month: "short", year: "numeric" });
const DARK = matchMedia("(prefers-color-scheme: dark)");

/**
 * A chart in `place` that is as wide as it; `data` is [times in seconds, values], null for a gap.
 * `bars` is what each is of, "day", "month" or "year"; without it, a curve that reaches back a
 * minute at least, and `longest` seconds at most. `y` is the axis of its values: see `lagAxis`.
 */
export function chart(place, data, { name, format, bars = "", y = {}, axis = 48, longest = 0 }) {
  const { least = 1, ...upright } = { values: (_, ticks) => ticks.map(format), ...y };
  const height = () => Math.round(Math.min(280, Math.max(200, place.clientWidth / 2.8)));
  /** From when to when it goes: half a bar more on either side, or the time that a curve is of. */
  const reach = (times) => {
    const [first, last] = [times[0], times.at(-1)];
    const room = times.length > 1 ? (times[1] - first) / 2 : DAY / 2;
    if (bars) return [first - room, last + room];
    return [last - Math.min(Math.max(last - first, SHORT), longest), last];
  };
  let plot = null;
  const draw = () => {
    plot?.destroy();
    const color = (token) => getComputedStyle(place).getPropertyValue(token).trim();
    const font = `12px ${getComputedStyle(place).fontFamily}`;
    const lines = { stroke: color("--text-muted"), font, ticks: { show: false }, grid: { stroke: color("--line"), width: 1 } };
    plot = new uPlot({
      width: place.clientWidth,
      height: height(),
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      padding: [12, 28, 0, 0],
      legend: { live: true },
      hooks: { setCursor: [(self) => self.cursor.idx == null && tellLatest(self)] },
      scales: {
        x: { range: ({ data: [times] }) => reach(times) },
        y: { range: (_, __, highest) => [0, Math.max(highest ?? 0, least) * 1.1] },
      },
      axes: [
        { ...lines, grid: { show: false }, size: 30, space: 80, ...(bars && { incrs: DAYS }), values: (_, ticks, __, ___, step) => ticks.map((at) => tick(at, step)) },
        { ...lines, size: axis, ...upright },
      ],
      series: [
        { label: LABELS[bars], value: (_, at) => (at == null ? "–" : moment(at, bars)) },
        {
          label: name,
          stroke: color("--accent"),
          // No line of the grid is to be seen through a bar.
          fill: `color-mix(in srgb, ${color("--accent")} ${bars ? `55%, ${color("--surface-raised")}` : "14%, transparent"})`,
          width: bars ? 0 : 1.5,
          points: { show: (self) => !bars && self.data[0].length < 10, filter: alone, size: 6 },
          paths: bars ? uPlot.paths.bars({ size: [0.8, Infinity], radius: 0.06 }) : undefined,
          value: (_, value) => (value == null ? "–" : format(value)),
        },
      ],
    }, data, place);
    tellLatest(plot);
  };
  const tellLatest = (self) => self.setLegend({ idx: self.data[0].length - 1 });
  draw();
  DARK.addEventListener("change", draw);
  new ResizeObserver(() => {
    if (place.clientWidth !== plot.width) plot.setSize({ width: place.clientWidth, height: height() });
  }).observe(place);
  return { show(newer) { data = newer; plot.setData(newer); tellLatest(plot); } };
}

/** The values without a neighbour: no line leads to them, and they are not to be lost. */
function alone(self, _, all) {
  const values = self.data[1];
  return all ? null : values.flatMap((value, at) => (value != null && values[at - 1] == null && values[at + 1] == null ? [at] : []));
}

/** The axis of a lag: a tenth of a second fills it, and its marks are in one unit. */
export const lagAxis = {
  least: 0.1,
  incrs: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, ...DAYS],
  values: (_, ticks) => ticks.map((seconds) => {
    if (ticks.at(-1) < 1) return `${Math.round(seconds * 1000)} ms`;
    return ticks.at(-1) < 60 ? `${Number(seconds.toFixed(2))} s` : duration(seconds);
  }),
};

/** A time of UTC beneath the chart, as exact as the step between two of them. */
function tick(seconds, step) {
  const at = new Date(seconds * 1000);
  if (step < DAY) return at.toISOString().slice(11, step < 60 ? 19 : 16);
  return (step < 28 * DAY ? ON_DAY : step < 365 * DAY ? IN_MONTH : IN_YEAR).format(at);
}

/** A time of UTC as people read it; or its day, month or year. */
export function moment(seconds, unit = "") {
  const at = new Date(seconds * 1000);
  if (unit) return { day: WHOLE_DATE, month: IN_MONTH, year: IN_YEAR }[unit].format(at);
  return `${at.toISOString().slice(11, 19)} UTC`;
}

/** Seconds in their two largest units, as the portal's templates write them. */
export function duration(seconds) {
  if (seconds == null) return "–";
  if (seconds > 0 && seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  let rest = Math.round(seconds);
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].map(([size, unit]) => {
    const count = Math.floor(rest / size);
    rest %= size;
    return count ? `${count} ${unit}` : "";
  });
  const first = parts.findIndex(Boolean);
  return parts.slice(first, first + 2).filter(Boolean).join(" ");
}
