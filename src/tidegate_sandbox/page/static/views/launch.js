import { call } from "../api.js";
import { h } from "../dom.js";
import { heading, link, note, once, trouble } from "../ui.js";

const words = (key) => key.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/ ([A-Z])(?=[a-z])/g, (_, letter) => ` ${letter.toLowerCase()}`);

export const gallery = {
  sources: (at) => ({ main: { path: `${at.scope}/gallery` } }),
  render: (products, at) => [
    heading("Launch a project"),
    h("p.quiet", null, "The gallery: what the platform team has published for this account."),
    products.length
      ? h("ul.gallery", null, products.map((each) => h("li.card", { "data-key": each.id },
        h("h2", null, each.name), h("p", null, each.description), h("p.quiet", null, `${each.template ? "Template in" : `Version ${each.version_name} ·`} ${each.owner}`),
        h("p", null, h("a.button.primary", { href: `#/${at.path("launch", each.id)}`, "aria-label": `Choose ${each.name}` }, "Choose")))))
      : note("off", h("p", null, "Nothing has been published yet: run scripts/publish with the environment that tidegate sandbox up printed.")),
  ],
};

export const form = {
  sources: (at) => ({ main: { path: `${at.scope}/gallery` } }),
  render: (products, at) => {
    const product = products.find((each) => each.id === at.name);
    if (!product) return [heading("Launch a project"), note("bad", h("p", null, "The gallery has no such product. ", link(at.path("launch"), "See what it has")))];
    const needed = product.parameters.filter((each) => each.default === null);
    const optional = product.parameters.filter((each) => each.default !== null);
    return [
      heading(`Launch: ${product.name}`),
      h("p", null, product.description),
      h("form.card.launch", { onsubmit: (event) => submit(event, product, at), "data-key": product.id },
        field({ key: "ProjectName", description: "Name of the project: 1 to 32 letters, digits and hyphens", default: null, values: [], pattern: "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}", max_length: "32" }, "project:"),
        field({ key: "Description", description: "What it is for; may be left out", default: "", values: [], pattern: "", max_length: "1024" }, "project:"),
        product.template ? field({ key: "Role", description: "ARN of the role that makes the stack; without one, the account does", default: "", values: [], pattern: "", max_length: "2048" }, "project:") : null,
        needed.map((each) => field(each, "parameter:")),
        optional.length ? h("details", null, h("summary", null, `Options (${optional.length}), each with a default`), optional.map((each) => field(each, "parameter:"))) : null,
        h("div", { id: "launch-trouble", "data-own": "" }),
        h("div.buttons", null, h("a.button", { href: `#/${at.path("launch")}` }, "Back"), h("button.primary", { type: "submit" }, "Launch"))),
    ];
  },
};

function field(each, prefix) {
  const id = `field-${prefix.slice(0, -1)}-${each.key}`;
  const shared = { id, name: prefix + each.key, "aria-describedby": `${id}-help` };
  const input = each.values.length
    ? h("select", shared, each.values.map((value) => h("option", { value, selected: value === each.default }, value)))
    : h("input", { ...shared, value: each.default ?? "", required: each.default === null, maxlength: each.max_length || null, type: each.secret ? "password" : "text", autocomplete: "off", spellcheck: "false" });
  return h("div.field", null, h("label", { for: id }, words(each.key)), input,
    h("p.quiet", { id: `${id}-help` }, [each.description, each.constraint].filter(Boolean).map((text) => text.replace(/\.$/, "")).join(". ")));
}

async function submit(event, product, at) {
  event.preventDefault();
  const form = event.currentTarget;
  const answers = new FormData(form);
  const parameters = product.parameters
    .map((each) => ({ Key: each.key, Value: answers.get(`parameter:${each.key}`) ?? "", before: each.default }))
    .filter((each) => each.Value !== each.before)
    .map(({ Key, Value }) => ({ Key, Value }));
  const description = answers.get("project:Description");
  const name = answers.get("project:ProjectName");
  await once(form.querySelector("button[type=submit]"), async () => {
    document.getElementById("launch-trouble").replaceChildren();
    try {
      await call(at.scope, "sagemaker", "create_project", {
        ProjectName: name,
        ...(description ? { ProjectDescription: description } : {}),
        ...(product.template ? byTemplate(product, parameters, answers.get("project:Role")) : { ServiceCatalogProvisioningDetails: { ProductId: product.id, ProvisioningArtifactId: product.version, ProvisioningParameters: parameters } }),
      });
      location.hash = `#/${at.path("projects", name)}`;
    } catch (refused) {
      document.getElementById("launch-trouble").replaceChildren(trouble(h("p", null, refused.message)));
    }
  });
}

const byTemplate = (product, parameters, role) => ({
  TemplateProviders: [{ CfnTemplateProvider: { TemplateName: product.name.replace(/\.[a-z]+$/, ""), TemplateURL: product.template, Parameters: parameters, ...(role ? { RoleARN: role } : {}) } }],
});
