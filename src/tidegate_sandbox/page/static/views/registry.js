import { call } from "../api.js";
import { h } from "../dom.js";
import { number } from "../format.js";
import { card, code, dialog, earlier, facts, heading, link, note, status, table, when } from "../ui.js";

export const list = {
  sources: (at) => ({ main: { path: `${at.scope}/registry`, every: 3000 } }),
  render: (groups, at) => [
    heading("Model registry"),
    table("Model package groups", ["Group", "Newest version", "Approved", "Description"], groups.map((each) => {
      const [newest] = each.versions;
      const approved = each.versions.filter((version) => version.approval === "Approved").map((version) => version.version);
      return { key: each.name, cells: [link(at.path("registry", each.name), each.name), newest ? h("span", null, `${newest.version} `, status(newest.approval)) : "none yet", approved.join(", ") || "none", each.description || "–"] };
    }), "No group yet: a project makes one."),
  ],
};

export const one = {
  sources: (at) => ({ main: { path: `${at.scope}/registry/${encodeURIComponent(at.name)}`, every: 2000 } }),
  news: (group) => group.versions.map((each) => `Version ${each.version}: ${each.approval}`),
  render: (group, at) => [
    heading(group.name),
    h("p.quiet", null, `${group.description ? `${group.description}. ` : ""}Approving a version releases it; rejecting the one that serves takes it back.`),
    group.versions.length ? group.versions.map((each) => version(each, group, at)) : h("p.quiet", null, "No version yet: a build registers them."),
    earlier(group.left_out, "version", "versions"),
  ],
};

function version(each, group, at) {
  const buttons = h("div.buttons", null,
    each.approval === "Approved" ? null : h("button.primary", { type: "button", "data-key": "Approved", "aria-label": `Approve version ${each.version}`, onclick: () => decide(each, group, at, "Approved") }, "Approve"),
    each.approval === "Rejected" ? null : h("button", { type: "button", "data-key": "Rejected", "aria-label": `Reject version ${each.version}`, onclick: () => decide(each, group, at, "Rejected") }, "Reject"));
  const baseline = each.metrics;
  return card(`Version ${each.version}`, { "data-key": each.arn, beside: [status(each.approval), buttons] },
    each.description ? h("p", null, each.description) : null,
    each.note ? h("p", null, h("b", null, "Note: "), h("q", null, each.note)) : null,
    each.stamp ? note(/RolledBack/.test(each.stamp.StageStatus) ? "bad" : "off", h("p", null, h("b", null, `${each.stamp.Stage}: ${each.stamp.StageStatus}. `), each.stamp.StageDescription ?? "")) : null,
    baseline.length ? h("div.metrics", null, baseline.map((metric) =>
      h("div", { "data-key": metric.name }, h("span.quiet", null, metric.name), h("b", null, number(metric.value)), metric.deviation ? h("span.quiet", null, `± ${number(metric.deviation)}`) : null))) : null,
    h("details", null, h("summary", null, "Where it comes from"), facts([
      ["Registered", when(each.created, at.now)], ["ARN", code(each.arn)],
      ...each.images.map((image) => ["Image", code(image)]),
      ...Object.entries(each.properties).map(([name, value]) => [name, code(value)]),
    ])));
}

function decide(each, group, at, approval) {
  const approve = approval === "Approved";
  dialog({
    title: `${approve ? "Approve" : "Reject"} version ${each.version} of ${group.name}?`,
    text: approve ? "The event of the approval starts the deploy pipeline." : "If this version serves, the newest one that is still approved is released in its place.",
    fields: [{ name: "note", label: "Note (kept with the version)", long: true, maxlength: 1024 }],
    button: approve ? "Approve" : "Reject",
    danger: !approve,
    act: ({ note: text }) => call(at.scope, "sagemaker", "update_model_package", {
      ModelPackageArn: each.arn, ModelApprovalStatus: approval, ...(text ? { ApprovalDescription: text } : {}),
    }),
  });
}
