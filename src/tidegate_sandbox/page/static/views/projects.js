import { call } from "../api.js";
import { h } from "../dom.js";
import { hash } from "../format.js";
import { card, code, copied, dialog, facts, heading, link, note, status, table, when } from "../ui.js";

export const list = {
  sources: (at) => ({ main: { path: `${at.scope}/projects`, every: 2000 } }),
  news: (projects) => projects.map((each) => `${each.name}: ${each.status}`),
  render: (projects, at) => [
    heading("Projects", null, h("a.button.primary", { href: `#/${at.path("launch")}` }, "Launch a project")),
    table("Projects", ["Name", "Status", "Id", "Description", "Created"], projects.map((each) => ({
      key: each.id,
      cells: [link(at.path("projects", each.name), each.name), status(each.status), code(each.id), each.description || "–", when(each.created, at.now)],
    })), "No project yet. Launch one from the gallery: it makes two repositories, their pipelines and a model registry group."),
  ],
};

export const one = {
  sources: (at) => ({ main: { path: `${at.scope}/projects/${encodeURIComponent(at.name)}`, every: 3000 } }),
  news: (project) => [`Project ${project.name}: ${project.status}`],
  render: (project, at) => [
    heading(project.name, status(project.status), h("button.danger", { type: "button", onclick: () => remove(project, at) }, "Delete the project")),
    project.description ? h("p", null, project.description) : null,
    project.said ? note(/Failed$/.test(project.status) ? "bad" : "wait", h("p", null, project.said)) : null,
    project.making ? note("run", h("p", null, `${project.making.done} of ${project.making.begun} resources so far`, project.making.under_way.length ? `; under way: ${project.making.under_way.join(", ")}` : "", ".")) : null,
    h("div.columns.three", null,
      linked("CI/CD pipelines", at, "codepipelines", project.codepipelines, "What a push and an approval start."),
      linked("Model pipelines", at, "pipelines", project.pipelines.map((each) => each.name), "Made by the first build."),
      linked("Model registry", at, "registry", project.groups, "Where versions are approved and rejected."),
      card("Endpoints", {}, project.endpoints.length
        ? h("ul.plain", null, project.endpoints.map((each) => h("li", { "data-key": each.name }, link(`${each.account}/${each.region}/endpoints/${encodeURIComponent(each.name)}`, each.name), h("div", null, status(each.status)))))
        : h("p.quiet", null, "None yet: the first approved version makes them."))),
    project.repositories.map((each) => repository(each)),
    h("details.card", null, h("summary", null, "Outputs of the launch"),
      facts([["Project ARN", code(project.arn)], ["Stack", code(project.stack || "–")], ...project.outputs.map((each) => [each.key, h("span", null, code(each.value), each.description ? h("span.quiet", null, ` ${each.description}`) : null)])])),
  ],
};

function linked(title, at, section, names, text) {
  return card(title, {}, h("p.quiet", null, text),
    names.length ? h("ul.plain", null, names.map((name) => h("li", { "data-key": name }, link(at.path(section, name), name)))) : h("p.quiet", null, "None yet."));
}

function repository(each) {
  return card(each.name, { "data-key": each.name }, h("p", null, copied(`git clone ${each.clone}`)),
    table(`Recent commits of ${each.name}`, ["Commit", "Message", "Author"], each.commits.map((commit) => ({
      key: commit.id,
      cells: [code(hash(commit.id)), commit.message.split("\n")[0], commit.author],
    })), `No commit on ${each.branch} yet.`));
}

function remove(project, at) {
  dialog({
    title: `Delete ${project.name}?`,
    text: "Its endpoints, pipelines and repositories go, as the template says; type its name to confirm.",
    fields: [{ name: "name", label: "Name of the project", required: true, autocomplete: "off" }],
    button: "Delete",
    danger: true,
    act: async ({ name }) => {
      if (name !== project.name) throw new Error(`The project's name is ${project.name}.`);
      await call(at.scope, "sagemaker", "delete_project", { ProjectName: project.name });
    },
  });
}
