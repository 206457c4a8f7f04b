// Small charts of a value a minute: lines with a shape of their own each, and the same as a table.

import { h, s } from "./dom.js";
import { minute } from "./format.js";

const RIGHT = 8;
const TOP = 8;
const BOTTOM = 20;
const pointed = new Map();

function ticks(top) {
  const rough = top / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
  const found = [];
  for (let at = 0; at <= top + step / 1e6; at += step) found.push(at);
  return found;
}

// lines: [{label, tone, values}], tone a class that gives colour and dashes. `bands`: [{from, until, label}].
export function chart({ id, title, since, until, lines, format, width = 600, height = 170, threshold, bands = [], now }) {
  const count = lines[0]?.values.length ?? 0;
  const seen = lines.flatMap((line) => line.values).filter((value) => value !== null);
  const highest = Math.max(...seen, threshold ?? 0, 0);
  const top = highest > 0 ? highest * 1.08 : 1;
  const left = 12 + 7 * Math.max(...ticks(top).map((value) => format(value).length));
  const across = (at) => left + ((at - since) / (until - since)) * (width - left - RIGHT);
  const up = (value) => height - BOTTOM - (value / top) * (height - TOP - BOTTOM);
  const step = (until - since) / Math.max(count, 1);
  const at = pointed.get(id);
  const shown = at !== undefined && at < count ? at : null;

  const hours = [];
  const every = Math.max(60, Math.ceil((until - since) / 6 / 300) * 300);
  for (let mark = Math.ceil(since / every) * every; mark < until; mark += every) hours.push(mark);

  const picture = s("svg.chart", {
    viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": summary(title, lines, format),
    onpointermove: (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * width;
      const found = Math.floor(((x - left) / (width - left - RIGHT)) * count);
      pointed.set(id, Math.min(Math.max(found, 0), count - 1));
      window.dispatchEvent(new Event("resize"));
    },
    onpointerleave: () => {
      pointed.delete(id);
      window.dispatchEvent(new Event("resize"));
    },
  },
  bands.filter((band) => band.until > since && band.from < until).map((band) =>
    s("rect.band", { x: across(Math.max(band.from, since)), y: TOP, width: Math.max(1, across(Math.min(band.until, until)) - across(Math.max(band.from, since))), height: height - TOP - BOTTOM },
      s("title", null, band.label))),
  ticks(top).map((value) => [
    s("line.grid", { x1: left, x2: width - RIGHT, y1: up(value), y2: up(value) }),
    s("text.axis", { x: left - 6, y: up(value) + 4, "text-anchor": "end" }, format(value)),
  ]),
  hours.map((mark) => s("text.axis", { x: across(mark), y: height - 5, "text-anchor": "middle" }, minute(mark))),
  threshold === undefined ? null : s("line.threshold", { x1: left, x2: width - RIGHT, y1: up(threshold), y2: up(threshold) }),
  lines.map((line) => draw(line, (index) => across(since + (index + 0.5) * step), up)),
  now && now < until ? s("line.now", { x1: across(now), x2: across(now), y1: TOP, y2: height - BOTTOM }) : null,
  shown === null ? null : s("line.pointed", { x1: across(since + (shown + 0.5) * step), x2: across(since + (shown + 0.5) * step), y1: TOP, y2: height - BOTTOM }));

  return h("figure.chart", { "data-key": id },
    h("figcaption", null, h("b", null, title), h("span.quiet", null, shown === null ? "" : ` ${minute(since + shown * step)}`)),
    lines.length ? picture : h("p.quiet", null, "No data in this window."),
    h("ul.legend", null, lines.map((line) =>
      h("li", null, s("svg", { viewBox: "0 0 26 10", width: 26, height: 10, "aria-hidden": "true" }, s(`path.line.${line.tone}`, { d: "M1 5H25" })),
        h("span", null, line.label), h("b", null, format(shown === null ? latest(line.values) : line.values[shown]))))),
    lines.length ? asTable(title, lines, since, step, format) : null);
}

const latest = (values) => values.findLast((value) => value !== null) ?? null;

function summary(title, lines, format) {
  const said = lines.map((line) => `${line.label} ${format(latest(line.values))}`);
  return `${title}, a value a minute. Last: ${said.join("; ") || "no data"}. The values are in the table below.`;
}

function draw(line, across, up) {
  let path = "";
  let pen = false;
  const alone = [];
  line.values.forEach((value, index) => {
    if (value === null) return void (pen = false);
    path += `${pen ? "L" : "M"}${across(index).toFixed(1)} ${up(value).toFixed(1)}`;
    if (!pen && (line.values[index + 1] ?? null) === null) alone.push(s(`circle.dot.${line.tone}`, { cx: across(index), cy: up(value), r: 2.2 }));
    pen = true;
  });
  return [s(`path.line.${line.tone}`, { d: path }), alone];
}

function asTable(title, lines, since, step, format) {
  return h("details.data", null, h("summary", null, "As a table"),
    h("div.scroll.low", { tabindex: "0", role: "region", "aria-label": `${title}, as a table` }, h("table", null, h("caption.hidden", null, `${title} by the minute, newest first`),
      h("thead", null, h("tr", null, h("th", { scope: "col" }, "Minute"), lines.map((line) => h("th", { scope: "col" }, line.label)))),
      h("tbody", null, lines[0].values.map((_, index) => ({ index, values: lines.map((line) => line.values[index]) }))
        .filter(({ values }) => values.some((value) => value !== null)).slice(-30).reverse()
        .map(({ index, values }) => h("tr", null, h("th", { scope: "row" }, minute(since + index * step)), values.map((value) => h("td", null, format(value)))))))));
}

// An alarm's data: dots for the periods that it looks at, a line for its threshold.
export function spark(alarm, width = 240, height = 54) {
  const points = alarm.points;
  const last = points.at(-1)?.[0] ?? 0;
  const first = Math.min(points[0]?.[0] ?? last, last - 12 * alarm.period);
  const top = Math.max(...points.map(([, value]) => value), alarm.threshold) * 1.15 || 1;
  const across = (at) => 5 + ((at - first) / Math.max(1, last - first)) * (width - 10);
  const up = (value) => height - 4 - (value / top) * (height - 8);
  const path = points.map(([at, value], index) => `${index ? "L" : "M"}${across(at).toFixed(1)} ${up(value).toFixed(1)}`).join("");
  return s("svg.spark", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
    s("line.threshold", { x1: 0, x2: width, y1: up(alarm.threshold), y2: up(alarm.threshold) }),
    s("path.line.blue", { d: path }),
    points.filter(([, , breaching]) => breaching).map(([at, value]) => s("path.breach", { d: `M${across(at)} ${up(value) - 4.5}l4.5 8h-9z` })));
}
