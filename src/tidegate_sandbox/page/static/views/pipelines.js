import { h, s } from "../dom.js";
import { duration, number } from "../format.js";
import { card, code, does, earlier, facts, heading, link, log, note, shape, status, table, tone, when } from "../ui.js";

const WIDE = 172;
const HIGH = 62;
const GAP = { x: 52, y: 18 };

export const list = {
  sources: (at) => ({ main: { path: `${at.scope}/pipelines`, every: 2000 } }),
  render: (pipelines, at) => [
    heading("Model pipelines"),
    table("SageMaker pipelines", ["Name", "Last execution", "What", "Started"], pipelines.map((each) => {
      const [last] = each.executions;
      return { key: each.name, cells: [link(at.path("pipelines", each.name), each.name), last ? status(last.status) : "never run", last?.description || "–", last ? when(last.started, at.now) : "–"] };
    }), "No model pipeline yet: the first build makes it."),
  ],
};

export const one = {
  sources: (at, told) => {
    const step = told.main?.steps.find((each) => each.name === at.query.get("step"));
    return {
      main: { path: `${at.scope}/pipelines/${encodeURIComponent(at.name)}${at.query.get("execution") ? `?execution=${at.query.get("execution")}` : ""}`, every: 1500 },
      log: step?.log ? { path: `${at.scope}/logs/${encodeURIComponent(step.log.group)}?prefix=${encodeURIComponent(step.log.prefix)}`, every: 2500 } : null,
    };
  },
  news: (pipeline) => pipeline.steps.filter((each) => each.status !== "NotStarted").map((each) => `${each.name}: ${each.status}`),
  render: (pipeline, at, told) => {
    const execution = pipeline.executions.find((each) => each.id === pipeline.chosen);
    const step = pipeline.steps.find((each) => each.name === at.query.get("step"));
    return [
      heading(pipeline.name, execution ? status(execution.status) : null,
        does("Start", at.scope, "sagemaker", "start_pipeline_execution", { PipelineName: pipeline.name, ClientRequestToken: crypto.randomUUID() }, { said: "Started" }),
        execution?.status === "Executing" ? does("Stop", at.scope, "sagemaker", "stop_pipeline_execution", { PipelineExecutionArn: execution.arn, ClientRequestToken: crypto.randomUUID() }, { said: "Stopping" }) : null),
      execution ? h("p.quiet", null, code(execution.id), ` · ${execution.description || execution.name} · started `, when(execution.started, at.now)) : h("p.quiet", null, "It has never run."),
      execution?.failure ? note("bad", h("p", null, execution.failure)) : null,
      card("Steps", { id: "steps" }, graph(pipeline.steps, at)),
      step ? chosen(step, at, told.log) : pipeline.steps.length ? h("p.quiet", null, "Choose a step to see what it ran and printed.") : null,
      card("Executions", {}, table("Executions, newest first", ["Execution", "Status", "What", "Started"], pipeline.executions.map((each) => ({
        key: each.id,
        cells: [h("a", { href: `#/${at.here({ execution: each.id })}`, "aria-current": each.id === pipeline.chosen ? "true" : null }, each.name || each.id), status(each.status), each.description || "–", when(each.started, at.now)],
      }))), earlier(pipeline.left_out, "execution", "executions")),
      pipeline.parameters.length ? h("details.card", null, h("summary", null, "Parameters of this execution"), facts(pipeline.parameters.map((each) => [each.name, code(each.value)]))) : null,
    ];
  },
};

// Each step one column after the last of those that it waits for.
function graph(steps, at) {
  const column = new Map();
  for (const step of steps) column.set(step.name, step.after.length ? 1 + Math.max(...step.after.map((name) => column.get(name) ?? 0)) : 0);
  const rows = [];
  const where = new Map();
  for (const step of steps) {
    const x = column.get(step.name);
    const y = (rows[x] = (rows[x] ?? 0) + 1) - 1;
    where.set(step.name, { x: x * (WIDE + GAP.x), y: y * (HIGH + GAP.y) });
  }
  const width = Math.max(1, rows.length) * (WIDE + GAP.x) - GAP.x;
  const height = Math.max(1, ...rows) * (HIGH + GAP.y) - GAP.y;
  // What reaches further than one column on follows from what lies between, where there is such a way.
  const edges = steps.flatMap((step) => step.after.filter((name) => !implied(name, step, steps)).map((name) => [where.get(name), where.get(step.name), step.branch && step.after[0] === name ? step.branch : ""]));
  return h("div.scroll", { tabindex: "0", role: "region", "aria-label": "The graph of the steps" },
    h("div.graph", { style: { width: `${width}px`, height: `${height}px` } },
      s("svg", { width, height, "aria-hidden": "true" }, edges.map(([from, to, branch]) => {
        const [x1, y1, x2, y2] = [from.x + WIDE, from.y + HIGH / 2, to.x - 2, to.y + HIGH / 2];
        const bend = (x2 - x1) / 2;
        return [s("path.edge", { d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` }), branch ? s("text.axis", { x: (x1 + x2) / 2, y: (y1 + y2) / 2 - 5, "text-anchor": "middle" }, branch) : null];
      })),
      h("ol.plain", null, steps.map((step) =>
        h("li", { "data-key": step.name, style: { left: `${where.get(step.name).x}px`, top: `${where.get(step.name).y}px` } },
          h(`a.step.${tone(step.status)}`, { href: `#/${at.here({ step: step.name })}`, "aria-current": at.query.get("step") === step.name ? "true" : null },
            shape(tone(step.status)),
            h("span", null, h("b", null, step.name), h("span.quiet", null, `${step.type} · ${word(step, at)}`))))))));
}

const word = (step, at) => (step.status === "NotStarted" ? "not started" : step.cached ? "from the cache" : step.started ? duration((step.ended ?? at.now) - step.started) : step.status);

function implied(name, step, steps) {
  return step.after.some((other) => other !== name && reaches(other, name, steps));
}
function reaches(from, to, steps) {
  const step = steps.find((each) => each.name === from);
  return step ? step.after.some((each) => each === to || reaches(each, to, steps)) : false;
}

function chosen(step, at, told) {
  return card(step.name, { id: "step", beside: status(step.status === "NotStarted" ? "Not started" : step.status) },
    step.failure ? note("bad", h("p", null, step.failure)) : null,
    step.metrics?.length ? h("div.metrics", null, step.metrics.map((metric) => h("div", { "data-key": metric.name }, h("span.quiet", null, metric.name), h("b", null, number(metric.value)), metric.deviation ? h("span.quiet", null, `± ${number(metric.deviation)}`) : null))) : null,
    facts([
      ["Type", step.type], step.job ? ["Job", code(step.job)] : null, step.outcome ? ["The condition came to", step.outcome] : null,
      step.version ? ["Registered", link(at.path("registry", step.group), `version ${step.version} of ${step.group}`)] : null,
      step.cached ? ["Result", "taken from an earlier execution (cache)"] : null, step.attempts > 1 ? ["Attempts", step.attempts] : null,
      step.started ? ["Took", duration((step.ended ?? at.now) - step.started)] : null,
    ]),
    step.log ? log(told?.lines, told?.left_out) : null);
}
