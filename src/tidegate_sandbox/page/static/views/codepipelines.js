import { call, documentAddress } from "../api.js";
import { h, s } from "../dom.js";
import { duration, hash, lastPart } from "../format.js";
import { card, code, dialog, does, earlier, facts, heading, link, note, shape, status, table, tone, when } from "../ui.js";

const started = (trigger) => ({
  CloudWatchEvent: `event rule ${lastPart(trigger.triggerDetail)}`, StartPipelineExecution: "by hand", CreatePipeline: "with the pipeline", Webhook: "a push to the connected repository", PutActionRevision: "a new revision",
})[trigger.triggerType] ?? trigger.triggerType ?? "–";

const revision = (each) => (each.revisions[0] ? [code(hash(each.revisions[0].id)), ` ${each.revisions[0].summary.split("\n")[0]}`] : "–");

export const list = {
  sources: (at) => ({ main: { path: `${at.scope}/codepipelines`, every: 2000 } }),
  news: (pipelines) => pipelines.map((each) => `${each.name}: ${each.executions[0]?.status ?? "never run"}${each.waiting.length ? ", waits for you" : ""}`),
  render: (pipelines, at) => [
    heading("CI/CD pipelines"),
    table("CodePipeline's pipelines", ["Name", "Last execution", "Change", "Started by", "When"], pipelines.map((each) => {
      const [last] = each.executions;
      return {
        key: each.name,
        cells: [
          link(at.path("codepipelines", each.name), each.name),
          h("span", null, last ? status(last.status) : "never run", each.waiting.map((stage) => h("div", null, status(`${stage} waits for approval`, "wait")))),
          last ? revision(last) : "–", last ? started(last.trigger) : "–", last ? when(last.started, at.now) : "–",
        ],
      };
    }), "No pipeline yet: a project makes two."),
  ],
};

export const one = {
  sources: (at) => ({ main: { path: `${at.scope}/codepipelines/${encodeURIComponent(at.name)}${at.query.get("execution") ? `?execution=${at.query.get("execution")}` : ""}`, every: 1500 } }),
  news: (pipeline) => pipeline.stages.filter((stage) => stage.status && stage.status !== "Skipped").map((stage) => `${stage.name}: ${word(stage)}`),
  render: (pipeline, at) => {
    const execution = pipeline.executions.find((each) => each.id === pipeline.chosen);
    const running = execution?.status === "InProgress";
    return [
      heading(pipeline.name, execution ? status(execution.status) : null,
        does("Start", at.scope, "codepipeline", "start_pipeline_execution", { name: pipeline.name }, { said: "Started" }),
        running ? h("button", { type: "button", "data-key": "Stop", onclick: () => stop(pipeline, at) }, "Stop") : null),
      execution ? h("p.quiet", null, "Execution ", code(hash(execution.id)), ", started ", when(execution.started, at.now), ` by ${started(execution.trigger)}: `, revision(execution)) : h("p.quiet", null, "It has never run."),
      execution?.summary ? note("off", h("p", null, execution.summary)) : null,
      strip(pipeline.stages),
      h("div.stages", null, pipeline.stages.filter((stage) => stage.status !== "Skipped" && (stage.status || stage.waiting)).map((stage) => stageOf(stage, pipeline, at))),
      card("Executions", {}, table("Executions, newest first", ["Execution", "Status", "Change", "Started by", "When"], pipeline.executions.map((each) => ({
        key: each.id,
        cells: [
          h("a.short", { href: `#/${at.here({ execution: each.id })}`, "aria-current": each.id === pipeline.chosen ? "true" : null }, hash(each.id)),
          status(each.status), revision(each), started(each.trigger), when(each.started, at.now),
        ],
      }))), earlier(pipeline.left_out, "execution", "executions")),
    ];
  },
};

const asks = (stage) => stage.actions.some((each) => each.token);
const word = (stage) => (asks(stage) ? "Waits for you" : stage.waiting ? "Waiting its turn" : stage.status || "Not reached");
const why = (stage) => stage.entry.filter((each) => each.status === "Failed" && each.summary).map((each) => each.summary).join("; ");

function strip(stages) {
  return h("ol.strip", { "aria-label": "Stages" }, stages.map((stage, index) =>
    h("li", { "data-key": stage.name, class: stage.status === "Skipped" || !stage.status ? "idle" : null, title: why(stage) || null },
      index ? s("svg.arrow", { viewBox: "0 0 20 20", width: 14, height: 14, "aria-hidden": "true" }, s("path", { d: "M3 10h12m-5-5l5 5-5 5" })) : null,
      shape(tone(word(stage))), h("span", null, h("b", null, stage.name), h("span.quiet", null, stage.status === "Skipped" ? "Skipped: not due" : word(stage))))));
}

function stageOf(stage, pipeline, at) {
  return h("section.card", { "data-key": stage.name, class: `card ${stage.status === "Failed" ? "failed" : ""}`, "aria-label": `Stage ${stage.name}` },
    h("header", null, h("h2", null, stage.name), status(word(stage))),
    stage.actions.map((each) => actionOf(each, stage, pipeline, at)),
    stage.status === "Failed" ? h("div.buttons", null,
      does("Retry what failed", at.scope, "codepipeline", "retry_stage_execution", { pipelineName: pipeline.name, stageName: stage.name, pipelineExecutionId: pipeline.chosen, retryMode: "FAILED_ACTIONS" }, { said: "Retried" })) : null);
}

function actionOf(each, stage, pipeline, at) {
  const length = each.started ? (["InProgress"].includes(each.status) ? at.now : each.updated) - each.started : null;
  return h("article.action", { "data-key": each.name },
    h("h3", null, shape(tones[each.status] ?? "off"), h("span", null, each.name), h("span.quiet", null, each.provider)),
    h("p.quiet", null, each.status || "Not started", length === null ? "" : ` · ${duration(length)}`, each.runs > 1 ? ` · ${each.runs} runs` : ""),
    each.asks ? h("p", null, each.asks) : null,
    each.token ? approval(each, stage, pipeline, at) : null,
    each.status === "Failed" ? note("bad", h("p", null, each.error || each.summary || "It failed; its log says why.")) : each.summary && each.provider === "Manual" ? h("p", null, h("q", null, each.summary)) : null,
    more(each, at));
}

const tones = { Succeeded: "ok", Failed: "bad", InProgress: "run", Abandoned: "bad", Skipped: "off" };

function more(each, at) {
  if (each.provider === "CodeBuild" && each.external) return h("p", null, link(at.path("builds", each.external), "Build and log"));
  if (each.provider === "CloudFormation" && each.status) return h("details", null, h("summary", null, "Stack"), facts([["Stack", code(each.configuration.StackName)], ["Template", code(each.configuration.TemplatePath ?? "–")], ["Said", each.summary || "–"]]));
  if (each.provider === "Manual" && each.document && !each.token) return h("p", null, plan(each, at));
  return null;
}

const plan = (each, at) => h("a", { href: documentAddress(at.scope, each.document), target: "_blank", rel: "noopener" }, "The plan of this release");

function approval(each, stage, pipeline, at) {
  const answer = (status) => dialog({
    title: `${status === "Approved" ? "Approve" : "Reject"}: ${stage.name}`,
    text: each.asks || null,
    fields: [{ name: "summary", label: "Note (kept with the execution)", long: true, maxlength: 512, required: status === "Rejected" }],
    button: status === "Approved" ? "Approve" : "Reject",
    danger: status === "Rejected",
    act: ({ summary }) => call(at.scope, "codepipeline", "put_approval_result", {
      pipelineName: pipeline.name, stageName: stage.name, actionName: each.name, token: each.token, result: { summary: summary ?? "", status },
    }),
  });
  return h("div.asked", null,
    h("p", null, status("Waits for you", "wait")),
    h("p", null, each.document ? plan(each, at) : each.evidence ? code(each.evidence) : null),
    h("div.buttons", null,
      h("button.primary", { type: "button", "aria-label": `Approve ${stage.name}`, onclick: () => answer("Approved") }, "Approve"),
      h("button", { type: "button", "aria-label": `Reject ${stage.name}`, onclick: () => answer("Rejected") }, "Reject")));
}

function stop(pipeline, at) {
  dialog({
    title: "Stop this execution?",
    text: "What runs is brought to its end; what follows does not begin.",
    fields: [{ name: "reason", label: "Reason", maxlength: 200 }],
    button: "Stop",
    danger: true,
    act: ({ reason }) => call(at.scope, "codepipeline", "stop_pipeline_execution", { pipelineName: pipeline.name, pipelineExecutionId: pipeline.chosen, ...(reason ? { reason } : {}) }),
  });
}
