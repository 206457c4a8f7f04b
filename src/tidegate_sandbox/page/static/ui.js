// What every view is made of: statuses, cards, tables, dialogs.

import { call } from "./api.js";
import { h, s } from "./dom.js";
import { ago, moment, plural, time } from "./format.js";

const TONES = [
  ["bad", /fail|^ALARM$|rolled.?back|rollback|reject|MIXED|FAULT|TIMED_OUT|abandon|^Errored$/i],
  ["run", /progress|^(creating|updating|executing|deleting|stopping|baking|activatingtraffic|systemupdating|rollingback)$/i],
  ["wait", /pending|INSUFFICIENT|IGNORED|INCONCLUSIVE|supersed|waiting|waits|approval/i],
  ["ok", /^(inservice|succeeded|completed|createcompleted|updatecompleted|approved|ok|promoted|passed)$/i],
];
export const tone = (word) => TONES.find(([, pattern]) => pattern.test(word))?.[0] ?? "off";

// A shape of its own for each tone: a status is never told by colour alone.
const SHAPES = {
  ok: () => [s("circle", { cx: 8, cy: 8, r: 7 }), s("path.cut", { d: "M4.6 8.3l2.3 2.3 4.4-4.8" })],
  bad: () => [s("path", { d: "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z" }), s("path.cut", { d: "M5.5 5.5l5 5m0-5l-5 5" })],
  run: () => [s("circle.ring", { cx: 8, cy: 8, r: 6 }), s("path.turn", { d: "M8 2a6 6 0 0 1 6 6" })],
  wait: () => [s("path", { d: "M8 .8L15.2 8 8 15.2.8 8z" }), s("path.cut", { d: "M8 4.6v4M8 10.6v.4" })],
  off: () => [s("circle.ring", { cx: 8, cy: 8, r: 6 })],
};

export const shape = (kind) => s(`svg.shape.${kind}`, { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, SHAPES[kind]());

export function status(word, as = tone(word)) {
  return h(`span.status.${as}`, null, shape(as), h("span", null, word || "–"));
}

export const heading = (text, status, ...beside) =>
  h("div.heading", null, h("h1", null, text), status, beside.length ? h("div.buttons", null, beside) : null);

export function card(title, attributes, ...body) {
  const { level = 2, beside = null, ...rest } = attributes ?? {};
  return h("section.card", rest, h("header", null, h(`h${level}`, null, title), beside), body);
}

export const facts = (pairs) =>
  h("dl.facts", null, pairs.filter(Boolean).map(([term, value]) => h("div", null, h("dt", null, term), h("dd", null, value ?? "–"))));

export function table(caption, columns, rows, empty = "None yet.") {
  if (!rows.length) return h("p.quiet", null, empty);
  return h("div.scroll", { tabindex: "0", role: "region", "aria-label": caption },
    h("table", null, h("caption.hidden", null, caption),
      h("thead", null, h("tr", null, columns.map((column) => h("th", { scope: "col" }, column)))),
      h("tbody", null, rows.map(({ key, cells }) =>
        h("tr", { "data-key": key }, cells.map((cell, at) => (at ? h("td", null, cell) : h("th", { scope: "row" }, cell))))))));
}

export const when = (at, now) => h("time", { datetime: at ? moment(at).replace(" ", "T") + "Z" : null, title: `${moment(at)} UTC` }, now ? ago(at, now) : time(at));
export const link = (to, ...text) => h("a", { href: `#/${to}` }, text);
export const note = (kind, ...text) => h(`div.notice.${kind}`, null, shape(kind), h("div", null, text));
// What stands in the way of what a person wants now: it is read out at once, which what is told of the past is not.
export const trouble = (...text) => h("div.notice.bad", { role: "alert" }, shape("bad"), h("div", null, text));
export const code = (text) => h("code", null, text);

export function copied(text) {
  return h("span.copied", null, h("code", { tabindex: "0" }, text),
    h("button.small", {
      type: "button", "aria-label": `Copy: ${text}`,
      "data-own": "",
      onclick: async (event) => {
        const button = event.currentTarget;
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
        say("Copied");
        setTimeout(() => (button.textContent = "Copy"), 1500);
      },
    }, "Copy"));
}

export function say(text) {
  document.getElementById("said").textContent = text;
}

// While `act` goes on, its button does nothing more. It keeps the focus, which a disabled one would lose.
export async function once(button, act) {
  if (button.ariaDisabled) return;
  button.ariaDisabled = "true";
  try {
    await act();
  } finally {
    button.ariaDisabled = null;
  }
}

// Ask a person before something is done: `fields` of a form, and what is done with their answers; without `act`, tell.
export function dialog({ title, text, fields = [], button, danger = false, act }) {
  const refusal = h("div");
  const send = act ? h(`button.${danger ? "danger" : "primary"}`, { type: "submit" }, button) : null;
  const form = h("form", {
    onsubmit: (event) => {
      event.preventDefault();
      return once(send, async () => {
        refusal.replaceChildren();
        try {
          await act(Object.fromEntries(new FormData(form)));
          asked.close();
          window.dispatchEvent(new Event("changed"));
        } catch (refused) {
          refusal.replaceChildren(trouble(refused.code ? `${refused.code}: ${refused.message}` : refused.message));
        }
      });
    },
  },
  h("h2", { id: "dialog-title" }, title),
  text ? h("p", null, text) : null,
  fields.map(({ name, label, long, ...rest }) =>
    h("label.field", null, h("span", null, label), h(long ? "textarea" : "input", { name, rows: long ? 3 : null, ...rest }))),
  refusal,
  h("div.buttons", null, h("button", { type: "button", onclick: () => asked.close() }, act ? "Cancel" : "Close"), send));
  const asked = h("dialog", { "aria-labelledby": "dialog-title" }, form);
  asked.addEventListener("close", () => asked.remove());
  document.body.append(asked);
  asked.showModal();
}

// A button that does one operation at once, and says what AWS said where it refuses.
export function does(text, scope, service, operation, parameters, { primary = false, said = "" } = {}) {
  return h(`button${primary ? ".primary" : ""}`, {
    type: "button",
    "data-key": text,
    onclick: (event) => once(event.currentTarget, async () => {
      try {
        await call(scope, service, operation, parameters);
        say(said || text);
        window.dispatchEvent(new Event("changed"));
      } catch (refused) {
        dialog({ title: `Not done: ${text}`, text: refused.code ? `${refused.code}: ${refused.message}` : refused.message });
      }
    }),
  }, text);
}

export const earlier = (count, one, many) => (count ? h("p.quiet", null, `${plural(count, `earlier ${one} is`, `earlier ${many} are`)} left out.`) : null);

export function log(lines, leftOut) {
  if (!lines) return h("p.quiet", null, "Loading the log…");
  if (!lines.length) return h("p.quiet", null, "Nothing has been printed yet.");
  return h("div", null, earlier(leftOut, "line", "lines"),
    h("pre.log", { tabindex: "0", role: "region", "aria-label": "Log", "data-follow": "" }, lines.join("\n")));
}
