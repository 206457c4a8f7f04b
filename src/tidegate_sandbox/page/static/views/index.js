import * as alarms from "./alarms.js";
import * as builds from "./builds.js";
import * as codepipelines from "./codepipelines.js";
import * as endpoints from "./endpoints.js";
import * as launch from "./launch.js";
import * as pipelines from "./pipelines.js";
import * as projects from "./projects.js";
import * as registry from "./registry.js";
import * as sandbox from "./sandbox.js";

// A view says what it is made of (`sources`), and makes it (`render`); "kind/*" is one of a kind.
export const views = {
  alarms: alarms.list, "alarms/*": alarms.one,
  builds: builds.list, "builds/*": builds.one,
  codepipelines: codepipelines.list, "codepipelines/*": codepipelines.one,
  endpoints: endpoints.list, "endpoints/*": endpoints.one,
  launch: launch.gallery, "launch/*": launch.form,
  pipelines: pipelines.list, "pipelines/*": pipelines.one,
  projects: projects.list, "projects/*": projects.one,
  registry: registry.list, "registry/*": registry.one,
  sandbox: sandbox.about,
};
