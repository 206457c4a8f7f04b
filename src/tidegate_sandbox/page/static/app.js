// The page's frame: where one is, what is asked for again and again, and what is shown.

import { ask, now, setSpeed } from "./api.js";
import { h, morph } from "./dom.js";
import { moment } from "./format.js";
import { heading, link, say, trouble } from "./ui.js";
import { views } from "./views/index.js";

const SECTIONS = [
  ["projects", "Projects"],
  ["codepipelines", "CI/CD pipelines"],
  ["pipelines", "Model pipelines"],
  ["registry", "Model registry"],
  ["endpoints", "Endpoints"],
  ["alarms", "Alarms"],
  ["builds", "Builds"],
  ["sandbox", "The sandbox"],
];

// Views that belong to a section of another name.
const WITHIN = { launch: ["projects", "Launch a project"] };

const main = document.getElementById("main");
let about = null;
let shown = null;
let round = 0;

// ------------------------------------------------------------------ where one is
function place() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [account, region, section = "projects", ...name] = path.split("/").map(decodeURIComponent);
  if (!/^\d{12}$/.test(account ?? "")) return { ...about.home, section: "projects", name: "", query: new URLSearchParams() };
  return { account, region, section, name: name.join("/"), query: new URLSearchParams(query) };
}

function context() {
  const at = place();
  const scope = `${at.account}/${at.region}`;
  const path = (section, name = "", query = {}) => {
    const asked = new URLSearchParams(query).toString();
    return `${scope}/${section}${name ? `/${encodeURIComponent(name)}` : ""}${asked ? `?${asked}` : ""}`;
  };
  const here = (query) => path(at.section, at.name, { ...Object.fromEntries(at.query), ...query });
  return { ...at, scope, path, here, about, now: now(), width: main.clientWidth - 2 * parseFloat(getComputedStyle(main).paddingLeft), again };
}

// ------------------------------------------------------------------ what is shown
async function show() {
  const mine = ++round;
  const at = context();
  const view = views[at.name ? `${at.section}/*` : at.section];
  frame(at);
  if (!view) return void morph(main, page(at, [heading(titled(at)), trouble("There is no such page here.")]));
  const here = `${at.scope}/${at.section}/${at.name}`;
  if (shown && shown.here !== here) {
    // Whoever chooses an account with the arrow keys has not chosen yet.
    if (!document.activeElement.closest(".where")) main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  shown = { here, view, told: {}, due: {} };
  main.setAttribute("aria-busy", "true");
  await look(mine);
}

async function look(mine) {
  while (mine === round) {
    const at = context();
    const sources = shown.view.sources(at, shown.told);
    const due = Object.entries(sources).filter(([name, source]) => source && (shown.due[source.path] ?? 0) <= performance.now());
    await Promise.all(due.map(async ([name, source]) => {
      shown.due[source.path] = performance.now() + (source.every ?? Infinity);
      try {
        shown.told[name] = await ask(source.path);
        delete shown.told[`${name}Refused`];
      } catch (refused) {
        shown.told[`${name}Refused`] = refused;
      }
    }));
    if (mine !== round) return;
    draw();
    await new Promise((resolve) => {
      // Of what is asked for now: the first answer may have said where more is, such as a log.
      const asked = Object.values(shown.view.sources(at, shown.told)).filter(Boolean);
      const next = Math.min(...asked.map((source) => shown.due[source.path] ?? 0)) - performance.now();
      wake = resolve;
      setTimeout(resolve, document.hidden ? 5000 : Math.min(Math.max(next, 50), 1000));
    });
  }
}

let wake = () => {};
function again() {
  if (shown) shown.due = {};
  wake();
}

const scrolled = new WeakMap(); // a log, and where one was when it was last scrolled to its end

function draw() {
  const at = context();
  const { view, told } = shown;
  frame(at);
  main.removeAttribute("aria-busy");
  const refused = told.mainRefused;
  const body = told.main
    ? [refused ? trouble(refused.status ? `This is how it was; now: ${refused.message}` : refused.message) : null, view.render(told.main, at, told)]
    : [heading(titled(at)), refused ? trouble(refused.message) : h("p.quiet", null, "Loading…")];
  const follow = [...main.querySelectorAll("[data-follow]")].filter((log) => log.scrollTop + log.clientHeight > log.scrollHeight - 24);
  const held = document.activeElement;
  morph(main, page(at, body));
  // What somebody was at is gone, as a button is whose work is done: they go on from the top of the page, not of the window.
  if (!held.isConnected) main.focus({ preventScroll: true });
  for (const log of main.querySelectorAll("[data-follow]")) {
    if (follow.includes(log) || scrolled.get(log) !== location.hash) log.scrollTop = log.scrollHeight;
    scrolled.set(log, location.hash);
  }
  const news = (told.main && view.news?.(told.main)) ?? [];
  const fresh = shown.news ? news.filter((each) => !shown.news.includes(each)) : [];
  if (fresh.length) say(fresh.join(". "));
  if (told.main) shown.news = news;
  const title = [...new Set([titled(at), titleOf(WITHIN[at.section]?.[0] ?? at.section), "Tidegate sandbox"])].join(" · ");
  if (document.title !== title) document.title = title;
}

function page(at, body) {
  const [within, own] = WITHIN[at.section] ?? [at.section, at.name];
  const crumbs = own
    ? h("nav.crumbs", { "aria-label": "Breadcrumbs" }, h("ol", null, h("li", null, link(at.path(within), titleOf(within))), h("li", { "aria-current": "page" }, own)))
    : null;
  return h("main", { id: "main", tabindex: "-1" }, crumbs, body);
}

const titled = (at) => WITHIN[at.section]?.[1] ?? (at.name || (titleOf(at.section) ?? "Not here"));
const titleOf = (wanted) => SECTIONS.find(([section]) => section === wanted)?.[1];

function frame(at) {
  const within = WITHIN[at.section]?.[0] ?? at.section;
  const side = h("nav.side", { id: "side", "aria-label": "Sections" },
    h("ul", null, SECTIONS.map(([section, title]) =>
      h("li", null, h("a", { href: `#/${at.path(section)}`, "aria-current": section === within ? (section === at.section && !at.name ? "page" : "true") : null }, title)))));
  morph(document.getElementById("side"), side);
  const scopes = about.scopes.map(([account, region]) => `${account}/${region}`);
  if (!scopes.includes(at.scope)) scopes.push(at.scope);
  const where = h("div.where", { id: "where" },
    h("label", null, h("span.hidden", null, "Account and region"),
      h("select", { onchange: (event) => (location.hash = `#/${event.target.value}/${at.section}`) },
        scopes.map((scope) => h("option", { value: scope, selected: scope === at.scope, "data-key": scope }, scope.replace("/", " · "))))),
    h("p.clock", { title: "The sandbox's own clock" }, h("time", { id: "clock" }, moment(now())), ` UTC`, about.status.speed === 1 ? "" : ` · ${about.status.speed}×`));
  morph(document.getElementById("where"), where);
}

// ------------------------------------------------------------------ begin
document.getElementById("skip").onclick = (event) => {
  event.preventDefault();
  main.focus();
};
setInterval(() => {
  const clock = document.getElementById("clock");
  if (clock && !document.hidden) clock.textContent = moment(now());
  for (const bar of document.querySelectorAll("[data-from]")) {
    const [from, until] = [Number(bar.dataset.from), Number(bar.dataset.until)];
    bar.value = Math.min(1, Math.max(0, (now() - from) / (until - from)));
  }
}, 250);
addEventListener("hashchange", show);
addEventListener("changed", again);
addEventListener("resize", () => shown?.told.main && draw());
document.addEventListener("visibilitychange", () => document.hidden || again());

async function begin() {
  try {
    about = await ask("sandbox");
  } catch (refused) {
    main.replaceChildren(heading("Tidegate sandbox"), trouble(refused.message));
    setTimeout(begin, 2000);
    return;
  }
  setSpeed(about.status.speed);
  setInterval(async () => {
    if (!document.hidden) about = await ask("sandbox").catch(() => about);
  }, 10000);
  show();
}
begin();
