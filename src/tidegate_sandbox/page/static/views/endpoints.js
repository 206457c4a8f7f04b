import { chart } from "../chart.js";
import { h } from "../dom.js";
import { duration, ending, milliseconds, number, percent, plural, time } from "../format.js";
import { card, code, facts, heading, link, note, status, table, when } from "../ui.js";
import { alarmCards } from "./alarms.js";

const WINDOWS = [15, 60, 180];

const version = (each) => (each.version === null || each.version === undefined ? "model without a version" : `version ${each.version}`);
const sum = (values) => values.reduce((total, value) => total + (value ?? 0), 0);
const production = (fleet) => fleet.variants.filter((variant) => !variant.shadow);
const shareOf = (fleet) => sum(production(fleet).map((variant) => variant.share));

export const list = {
  sources: (at) => ({ main: { path: `${at.scope}/endpoints`, every: 2000 } }),
  news: (endpoints) => endpoints.map((each) => `${each.name}: ${each.status}`),
  render: (endpoints, at) => [
    heading("Endpoints"),
    table("Endpoints", ["Name", "Status", "Serves", "Stage", "Changed"], endpoints.map((each) => ({
      key: each.name,
      cells: [
        link(at.path("endpoints", each.name), each.name),
        h("span", null, status(each.status), each.pending ? h("span.quiet", null, ` ${each.pending.StatusMessage}`) : null),
        each.variants.map((variant) => h("div", null, `${variant.name}: ${version(variant)}${variant.shadow ? " (shadow)" : ""}`)),
        each.stage || "–",
        when(each.modified, at.now),
      ],
    })), "No endpoint yet: a release makes one."),
  ],
};

export const one = {
  sources: (at, told) => ({
    main: { path: `${at.scope}/endpoints/${encodeURIComponent(at.name)}?minutes=${at.query.get("minutes") ?? 60}`, every: told.main?.update ? 1000 : 2000 },
    releases: { path: `${at.scope}/releases/${encodeURIComponent(at.name)}`, every: 5000 },
  }),
  news: (endpoint) => [`${endpoint.name} is ${endpoint.status}${endpoint.update ? `: ${endpoint.update.message}` : ""}`],
  render: (endpoint, at, told) => {
    const [serving] = endpoint.fleets;
    const stages = serving.stage ? ` · stage ${serving.stage}` : "";
    return [
      heading(endpoint.name, status(endpoint.status)),
      h("p.quiet", null, `Serves ${production(serving).map(version).join(" and ")}${stages} · changed `, when(endpoint.modified, at.now)),
      endpoint.faults.map((what) => h("div", { "data-key": what }, note("wait", h("p", null, h("b", null, "Asked to go wrong: "), `${what}.`)))),
      endpoint.failure ? note(endpoint.status === "InService" ? "wait" : "bad", h("p", null, endpoint.status === "InService" ? "The last update did not stay: " : "", endpoint.failure)) : null,
      endpoint.update ? release(endpoint) : null,
      fleets(endpoint),
      traffic(endpoint, at, told.releases ?? []),
      compared(endpoint),
      endpoint.alarms.length ? card("Rollback alarms", { id: "alarms" }, h("p.quiet", null, "While an update bakes, any of these in ALARM takes all traffic back to the old fleet."), alarmCards(endpoint.alarms, at, 3)) : null,
      verdicts(told.releases, at),
      details(endpoint),
    ];
  },
};

// ------------------------------------------------------------------ a release under way
const PHASES = { BAKING: "Bake", TERMINATION_WAIT: "Watch the whole fleet", PROMOTED: "The old fleet goes", CREATING: "Make instances" };

function release(endpoint) {
  const { update } = endpoint;
  const current = step(update);
  const steps = [{ phase: "CREATING", share: 0, seconds: null }, ...update.steps];
  const bar = update.until
    ? h("progress", { "data-key": String(update.since), max: "1", value: "0", "data-from": update.since, "data-until": update.until, "aria-label": "How far this bake is" })
    : h("progress", { "data-key": "endless", "aria-label": "Under way" });
  return card("Release under way", { class: "card release", id: "release" },
    h("p.large", null, status(update.status, "run"), ` ${update.message}`),
    h("div.baking", null, bar, h("span", null, update.until ? `until ${time(update.until)} UTC` : `since ${time(update.since)} UTC`)),
    update.unguarded_because ? note("bad", h("p", null, `SageMaker ignores the guardrails: ${update.unguarded_because}.`)) : null,
    h("ol.steps", null, steps.map((each, at) =>
      h("li", { class: at < current ? "done" : at === current ? "current" : null, "aria-current": at === current ? "step" : null },
        h("b", null, each.phase === "CREATING" ? PHASES.CREATING : each.phase === "PROMOTED" ? PHASES.PROMOTED : `${percent(each.share)} of the traffic`),
        h("span.quiet", null, each.seconds ? `${PHASES[each.phase]} for ${duration(each.seconds)}` : "")))));
}

function step(update) {
  if (update.status === "Creating" && !update.share) return 0;
  const found = update.steps.findIndex((each) => Math.abs(each.share - update.share) < 0.001);
  if (update.status === "Deleting") return update.steps.length;
  return found + 1;
}

// ------------------------------------------------------------------ fleets
const FLEETS = { serving: ["blue", "Old fleet (blue)"], coming: ["green", "New fleet (green)"], "left over": ["amber", "Left over by a failed rollback"] };
const fleetName = (fleet, endpoint) => (endpoint.fleets.length === 1 ? ["blue", "Fleet"] : FLEETS[fleet.role]);

function fleets(endpoint) {
  const series = new Map(endpoint.traffic.series.map((each) => [`${each.config}/${each.variant}`, each]));
  return card(endpoint.fleets.length > 1 ? "Both fleets" : "Fleet", { id: "fleets" },
    h("div.split", { role: "img", "aria-label": `Traffic: ${endpoint.fleets.map((fleet) => `${fleetName(fleet, endpoint)[1]} ${percent(shareOf(fleet))}`).join(", ")}` },
      endpoint.fleets.map((fleet) => {
        const [colour] = fleetName(fleet, endpoint);
        return production(fleet).map((variant) => h(`div.${colour}`, { "data-key": `${fleet.config}/${variant.name}`, style: { flexGrow: String(variant.share) } },
          variant.share > 0.12 ? `${percent(variant.share)} · ${version(variant)}` : ""));
      })),
    h("div.columns", null, endpoint.fleets.map((fleet) => {
      const [colour, name] = fleetName(fleet, endpoint);
      return h(`article.fleet.${colour}`, { "data-key": fleet.config },
        h("h3", null, name, h("b", null, percent(shareOf(fleet)))),
        h("p.quiet", { title: fleet.config }, code(ending(fleet.config, 44))),
        fleet.variants.length ? null : h("p.quiet", null, "Its configuration has been removed."),
        fleet.variants.map((variant) => {
          const minutes = series.get(`${fleet.config}/${variant.name}`);
          return h("div.variant", { "data-key": variant.name },
            h("h4", null, `${variant.name}: ${version(variant)}`, variant.shadow ? h("span.tag", null, "shadow") : null),
            h("p.instances", { role: "img", "aria-label": `${variant.instances} of ${variant.desired} instances take traffic` },
              Array.from({ length: Math.min(variant.desired, 24) }, (_, at) => h(`span.instance${at < variant.instances && (variant.share > 0) ? ".full" : ""}`)),
              h("span.quiet", null, `${fleet.role === "coming" ? `${variant.instances} of ${variant.desired} take traffic` : plural(variant.instances, "instance")} · ${variant.type}`)),
            facts([
              [variant.shadow ? "Mirrored" : "Share", percent(variant.share)],
              ["Weight", number(variant.weight)],
              ["Requests a minute", number(lastFull(minutes?.requests))],
              ["5xx", percent(rate(lastFull(minutes?.errors5xx), lastFull(minutes?.requests)))],
              ["p99", milliseconds(lastFull(minutes?.latency99))],
            ]));
        }));
    })));
}

// The minute before the one that runs: whole, so that it compares.
const lastFull = (values) => values?.at(-2) ?? null;
const rate = (errors, requests) => (requests ? (errors ?? 0) / requests : null);

// ------------------------------------------------------------------ traffic by the minute
function tones(endpoint) {
  const serving = endpoint.fleets[0].config;
  const coming = endpoint.fleets[1]?.config;
  const others = ["violet", "amber", "grey"];
  const first = new Map(endpoint.fleets.map((fleet) => [fleet.config, fleet.variants[0]?.name]));
  return endpoint.traffic.series.map((each, at) => {
    const colour = each.config === serving ? "blue" : each.config === coming ? "green" : others[at % others.length];
    const second = first.has(each.config) ? each.variant !== first.get(each.config) : endpoint.traffic.series.slice(0, at).some((other) => other.config === each.config);
    return { ...each, tone: each.shadow || second ? `${colour}.dashed` : colour };
  });
}

function traffic(endpoint, at, releases) {
  const { since, until } = endpoint.traffic;
  const series = tones(endpoint);
  const several = new Set(series.map((each) => each.variant)).size > 1;
  const label = (each) => `${several ? `${each.variant}, ` : ""}v${each.version ?? "?"}${each.shadow ? ", shadow" : ""} ${ending(each.config, 8)}`;
  const room = at.width - 34;
  const columns = Math.min(3, Math.max(1, Math.floor((room + 16) / (300 + 16))));
  const width = Math.max(280, Math.round((room - 16 * (columns - 1)) / columns));
  const bands = releases.flatMap((each) => watched(each));
  if (endpoint.update) bands.push({ from: endpoint.update.started, until: at.now, label: "This release" });
  const shared = { since, until, width, bands, now: at.now };
  const lines = (line) => series.map((each) => ({ label: label(each), tone: each.tone, values: each[line] }));
  const failing = (line, word) => series.filter((each) => sum(each[line]) > 0).map((each) => ({ label: `${label(each)} ${word}`, tone: line === "errors4xx" ? `${each.tone}.dotted` : each.tone, values: each[line] }));
  const none = series.map((each) => ({ label: label(each), tone: each.tone, values: each.errors5xx }));
  const errors = [...failing("errors5xx", "5xx"), ...failing("errors4xx", "4xx")];
  const choice = h("div.choice", { role: "group", "aria-label": "Window" }, WINDOWS.map((minutes) =>
    h("a", { href: `#/${at.here({ minutes })}`, "aria-current": String(minutes) === (at.query.get("minutes") ?? "60") ? "true" : null }, minutes < 60 ? `${minutes} min` : `${minutes / 60} h`)));
  return card("Traffic by the minute", { beside: choice, id: "traffic" },
    h("div.charts", null,
      chart({ id: "requests", title: "Requests", lines: lines("requests"), format: number, ...shared }),
      chart({ id: "errors", title: "Errors", lines: errors.length ? errors : none, format: number, ...shared }),
      chart({ id: "latency", title: "Model latency, p99", lines: lines("latency99"), format: milliseconds, ...shared })),
    h("p.quiet", null, "Grey bands are releases; the dotted line is now. A line is a variant of an endpoint configuration, as CloudWatch meters it."));
}

function watched({ timeline, sentence, ended }) {
  const begun = timeline.map((each) => each.update_started_at).find(Boolean);
  return begun ? [{ from: Date.parse(begun) / 1000, until: Date.parse(ended) / 1000, label: sentence }] : [];
}

// ------------------------------------------------------------------ shadow and A/B
function compared(endpoint) {
  const [serving] = endpoint.fleets;
  if (serving.variants.length < 2) return null;
  const shadow = serving.variants.some((variant) => variant.shadow);
  const measured = serving.variants.map((variant) => {
    const series = endpoint.traffic.series.find((each) => each.config === serving.config && each.variant === variant.name);
    const requests = sum(series?.requests ?? []);
    return { variant, requests, errors: rate(sum(series?.errors5xx ?? []), requests), refused: rate(sum(series?.errors4xx ?? []), requests), p50: mean(series?.latency50, series?.requests), p99: worst(series?.latency99) };
  });
  const [champion] = measured;
  const beside = (value, of, format) => (value === null || of === null ? format(value) : `${format(value)}${of && value !== of ? ` (${value > of ? "+" : "−"}${percent(Math.abs(value - of) / of)})` : ""}`);
  return card(shadow ? "Shadow, side by side" : "A/B, side by side", { id: "compared" },
    h("p.quiet", null, shadow ? "The shadow gets copies of requests; nobody gets its answers. Its errors reach no caller." : "SageMaker chooses a variant for each request, by weight."),
    table("Variants side by side", ["Variant", "Serves", "Role", "Share", "Requests", "5xx", "4xx", "Latency p50", "Worst p99"], measured.map((each) => ({
      key: each.variant.name,
      cells: [
        each.variant.name, version(each.variant), each.variant.shadow ? "shadow" : each === champion ? "champion" : "challenger", percent(each.variant.share), number(each.requests),
        each === champion ? percent(each.errors) : beside(each.errors, champion.errors, percent), percent(each.refused),
        each === champion ? milliseconds(each.p50) : beside(each.p50, champion.p50, milliseconds), milliseconds(each.p99),
      ],
    }))),
    h("p.quiet", null, "Of the window above. What these numbers can tell is for the evidence of a decision, not for the eye."));
}

function mean(values, weights) {
  const pairs = (values ?? []).map((value, at) => [value, weights?.[at] ?? 0]).filter(([value]) => value !== null);
  const total = sum(pairs.map(([, weight]) => weight));
  return total ? sum(pairs.map(([value, weight]) => value * weight)) / total : null;
}
const worst = (values) => {
  const known = (values ?? []).filter((value) => value !== null);
  return known.length ? Math.max(...known) : null;
};

// ------------------------------------------------------------------ verdicts, configuration
const SHOWN_VERDICTS = 3;
const PHASE_WORDS = { release: "Release", test: "Test put in place", live: "Test taken away" };

function verdicts(releases, at) {
  if (!releases?.length) return null;
  return card("Verdicts on releases", { id: "verdicts" },
    h("p.quiet", null, "What tidegate verify found, by the configuration that serves, never by the endpoint's status."),
    verdictList(releases.slice(0, SHOWN_VERDICTS), at),
    releases.length > SHOWN_VERDICTS ? h("details", null, h("summary", null, `${releases.length - SHOWN_VERDICTS} before`), verdictList(releases.slice(SHOWN_VERDICTS), at)) : null);
}

const verdictList = (releases, at) => h("ul.plain", null, releases.map((each) =>
  h("li.verdict", { "data-key": each.execution + each.phase },
    h("p", null, status(each.outcome), h("b", null, ` ${PHASE_WORDS[each.phase] ?? "Release"} of version ${each.version ?? "?"}`), h("span.quiet", null, " ", when(each.ended, at.now))),
    h("p", null, each.sentence), each.notes.map((text) => h("p.quiet", null, text)),
    each.pipeline ? h("p", null, link(at.path("codepipelines", each.pipeline, { execution: each.execution }), "The pipeline's execution")) : null)));

function details(endpoint) {
  const [serving] = endpoint.fleets;
  const policy = endpoint.guards.BlueGreenUpdatePolicy ?? endpoint.guards.RollingUpdatePolicy;
  return h("details.card", null, h("summary", null, "Configuration"),
    facts([
      ["ARN", code(endpoint.arn)],
      ["Endpoint configuration", code(serving.config)],
      ["Release", serving.release ? code(serving.release) : "made by no release of Tidegate"],
      ["Project", serving.project || "–"],
      ...serving.variants.map((variant) => [`Model of ${variant.name}`, code(variant.package || variant.model)]),
      ["Data capture", endpoint.capture?.EnableCapture ? `${endpoint.capture.CurrentSamplingPercentage} % to ${endpoint.capture.DestinationS3Uri}` : "off"],
    ]),
    policy ? h("pre.log", { tabindex: "0", role: "region", "aria-label": "Deployment configuration" }, JSON.stringify(endpoint.guards, null, 2)) : null);
}
