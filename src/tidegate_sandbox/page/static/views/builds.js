import { h } from "../dom.js";
import { duration, hash } from "../format.js";
import { card, code, does, earlier, facts, heading, link, log, note, status, table, when } from "../ui.js";

const length = (build, now) => duration((build.ended ?? now) - build.started);

export const list = {
  sources: (at) => ({ main: { path: `${at.scope}/builds`, every: 2000 } }),
  render: ({ builds, left_out: leftOut }, at) => [
    heading("Builds"),
    table("CodeBuild's builds, newest first", ["Build", "Status", "Phase", "Took", "Started by", "Started"], builds.map((each) => ({
      key: each.id,
      cells: [link(at.path("builds", each.id), `${each.project} #${each.number}`), status(each.status), each.phase, length(each, at.now), each.initiator || "–", when(each.started, at.now)],
    }))),
    earlier(leftOut, "build", "builds"),
  ],
};

export const one = {
  sources: (at, told) => ({
    main: { path: `${at.scope}/builds/${encodeURIComponent(at.name)}`, every: 1500 },
    log: told.main ? { path: `${at.scope}/logs/${encodeURIComponent(told.main.log.group)}?prefix=${encodeURIComponent(told.main.log.prefix)}`, every: told.main.ended && told.log ? 1e9 : 1500 } : null,
  }),
  news: (build) => [`Build ${build.project} #${build.number}: ${build.status}, ${build.phase}`],
  render: (build, at, told) => {
    const failed = build.phases.find((each) => !["SUCCEEDED", "IN_PROGRESS"].includes(each.status));
    return [
      heading(`${build.project} #${build.number}`, status(build.status), build.ended ? null : does("Stop", at.scope, "codebuild", "stop_build", { id: build.id }, { said: "Stopping" })),
      failed ? note("bad", h("p", null, `${failed.name}: ${failed.message || failed.status}`)) : null,
      h("ol.phases", null, build.phases.map((each) => h("li", { "data-key": each.name }, status(each.name, { SUCCEEDED: "ok", IN_PROGRESS: build.ended ? "ok" : "run" }[each.status] ?? "bad"), each.seconds ? h("span.quiet", null, ` ${duration(each.seconds)}`) : null))),
      card("Log", {}, log(told.log?.lines, told.log?.left_out)),
      h("details.card", null, h("summary", null, "About this build"), facts([
        ["Id", code(build.id)], ["Source", code(hash(build.source) || "–")], ["Started by", build.initiator || "–"], ["Role", code(build.role)], ["Took", length(build, at.now)],
        ...build.exported.map((each) => [each.name, code(each.value)]),
      ])),
    ];
  },
};
