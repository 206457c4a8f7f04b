import { spark } from "../chart.js";
import { h } from "../dom.js";
import { duration, milliseconds, number, percent, plural } from "../format.js";
import { card, code, facts, heading, link, status, table, when } from "../ui.js";

const SIGNS = { GreaterThanThreshold: ">", GreaterThanOrEqualToThreshold: "≥", LessThanThreshold: "<", LessThanOrEqualToThreshold: "≤" };
const MISSING = { notBreaching: "missing data counts as good", breaching: "missing data counts as bad", ignore: "missing data keeps the state", missing: "missing data is no data" };

function format(alarm, value) {
  if (/Latency/.test(alarm.metric)) return milliseconds(value / 1000);
  return /Errors$/.test(alarm.metric) && alarm.statistic === "Average" ? percent(value) : number(value);
}

export const rule = (alarm) => `${alarm.statistic} of ${alarm.metric} ${SIGNS[alarm.comparison] ?? alarm.comparison} ${format(alarm, alarm.threshold)}`;

// The last periods that the alarm looks at, each breaching, good, or without data.
function looked(alarm) {
  const last = alarm.points.slice(-alarm.evaluation_periods);
  const empty = alarm.evaluation_periods - last.length;
  const breaching = last.filter(([, , each]) => each).length;
  const words = `${breaching} of the last ${plural(alarm.evaluation_periods, "data point")} breaching; ${alarm.datapoints_to_alarm} of ${alarm.evaluation_periods} raise the alarm`;
  return h("p.looked", null, h("span.dots", { "aria-hidden": "true" },
    Array.from({ length: empty }, () => h("i.none")), last.map(([, , each]) => h(each ? "i.breaching" : "i.good"))), words);
}

export function alarmCards(alarms, at, level) {
  return h("div.alarms", null, alarms.map((alarm) =>
    h("article.alarm", { "data-key": alarm.name, class: `alarm ${alarm.state === "ALARM" ? "firing" : ""}` },
      h(`h${level}`, null, link(at.path("alarms", alarm.name), alarm.name)),
      h("p", null, status(alarm.state), h("span.quiet", null, " since ", when(alarm.since))),
      alarm.rule ? h("p", null, code(alarm.rule)) : ofMetric(alarm))));
}

const ofMetric = (alarm) => [
  h("p", null, rule(alarm), h("span.quiet", null, `, each ${duration(alarm.period)}`)),
  spark(alarm),
  h("p.quiet", null, alarm.points.length ? `Last: ${format(alarm, alarm.points.at(-1)[1])}` : "No recent data", `; ${MISSING[alarm.missing] ?? alarm.missing}`),
  looked(alarm),
];

export const list = {
  sources: (at) => ({ main: { path: `${at.scope}/alarms`, every: 2000 } }),
  news: (alarms) => alarms.map((each) => `${each.name}: ${each.state}`),
  render: (alarms, at) => [heading("Alarms"), alarms.length ? alarmCards(alarms, at, 2) : h("p.quiet", null, "No alarm yet: a release makes its own.")],
};

export const one = {
  sources: (at) => ({ main: { path: `${at.scope}/alarms/${encodeURIComponent(at.name)}`, every: 2000 } }),
  news: (alarm) => [`${alarm.name}: ${alarm.state}`],
  render: (alarm, at) => [
    heading(alarm.name, status(alarm.state)),
    alarm.description ? h("p", null, alarm.description) : null,
    ...(alarm.rule ? composite(alarm) : onMetric(alarm)),
    card("History", {}, table("Changes of state", ["At", "What happened"], alarm.history.map((each, index) => ({ key: String(index), cells: [when(each.at, at.now), each.summary] })), "Nothing yet.")),
  ],
};

const composite = (alarm) => [
  card("What it looks at", {}, h("p", null, "Other alarms' states, by its rule:"), h("pre.log", { tabindex: "0", role: "region", "aria-label": "Rule" }, alarm.rule), facts([["Why it is so", alarm.reason]])),
];

const onMetric = (alarm) => [
  card("What it looks at", {}, facts([
    ["Rule", rule(alarm)],
    ["Raised by", `${alarm.datapoints_to_alarm} of ${plural(alarm.evaluation_periods, "data point")}, each of ${duration(alarm.period)}`],
    ["Without data", MISSING[alarm.missing] ?? alarm.missing],
    ["Why it is so", alarm.reason],
    ...Object.entries(alarm.dimensions),
  ]), spark(alarm, 720, 120), looked(alarm)),
  card("Data points", {}, table("Data points, newest first", ["Period begins", alarm.statistic, "Breaching"],
    [...alarm.points].reverse().map(([start, value, breaching]) => ({ key: String(start), cells: [when(start), format(alarm, value), breaching ? status("breaching", "bad") : "no"] })), "No recent data.")),
];
