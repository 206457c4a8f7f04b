import { h } from "../dom.js";
import { bytes, duration, moment } from "../format.js";
import { card, code, copied, facts, heading, note, table } from "../ui.js";

const SIMULATED = [
  ["Endpoints", "Real model servers from the real model.tar.gz and inference.py, one process a variant; instances are counted, not made."],
  ["Traffic", "Real requests, shared, mirrored, captured and metered by a router; latencies are this machine's."],
  ["Pipelines and jobs", "The real definition, run as processes of this machine with their own /opt/ml; no container image is pulled."],
  ["Builds", "The real buildspec, in bash, on this machine."],
  ["Time", "What AWS measures in minutes runs on the sandbox's clock; requests, jobs and builds take the time that they take."],
  ["Not there", "An operation that is missing answers 501 by its name. Prices, quotas of a real account, networks and encryption are not simulated."],
];

export const about = {
  sources: () => ({ main: { path: "sandbox", every: 3000 } }),
  render: (told, at) => [
    heading("The sandbox"),
    note("wait", h("p", null, h("b", null, "This is a local simulation. "), "It follows AWS's documents and models where they speak; nothing that happens in it proves what AWS does.")),
    card("How it runs", {}, facts([
      ["Address", copied(told.url)],
      ["Its clock", `${moment(at.now)} UTC, ${told.status.speed === 1 ? "at the wall's speed" : `${told.status.speed} times as fast as the wall`}`],
      ["Up for", `${duration(told.status.uptime_seconds)} of the wall's time`],
      ["Memory of the server", bytes(told.status.memory_bytes)],
      ["Home", code(told.status.home)],
      ["After an automatic rollback", `the stack update is made to ${told.status.after_rollback} (which one AWS does is not verified)`],
    ])),
    card("Accounts and regions in use", {}, told.scopes.length ? h("ul.plain", null, told.scopes.map(([account, region]) => h("li", { "data-key": `${account}/${region}` }, h("a", { href: `#/${account}/${region}/projects` }, `${account} · ${region}`)))) : h("p.quiet", null, "None yet."),
      h("p.quiet", null, "An access key of twelve digits is the account of that number; the page acts as the account itself.")),
    card("Faults that are set", {}, table("Faults that are set", ["What goes wrong", "Until", "Times it struck"], told.faults.map((each) => ({ key: each.id, cells: [each.what, each.until ? moment(each.until) : "cleared", each.struck] })), "None: nothing goes wrong on purpose."),
      h("p.quiet", null, "They are set and cleared from a shell: ", code("tidegate sandbox inject"), ".")),
    card("Use it from a shell", {}, h("p", null, copied(`export AWS_ENDPOINT_URL=${told.url} AWS_ACCESS_KEY_ID=${at.account} AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=${at.region}`))),
    h("div.columns", null,
      card("Processes", {}, table("Processes that it started", ["Process", "Id"], told.status.children.map((each) => ({ key: String(each.pid), cells: [each.name, each.pid] })), "None at the moment.")),
      card("Disk", {}, told.status.disk_told ? note("wait", h("p", null, `${told.status.disk_told}.`)) : null,
        table("What each folder takes", ["Folder", "Size"], Object.entries(told.status.disk).sort(([, a], [, b]) => b - a).map(([name, size]) => ({ key: name || ".", cells: [name ? `${name}/` : "beside the folders", bytes(size)] })), "Nothing yet."),
        h("p.quiet", null, `Records: ${bytes(told.status.snapshot.bytes)} in a snapshot; ${told.status.snapshot.bounds}.`))),
    card("What is simulated", {}, facts(SIMULATED)),
  ],
};
