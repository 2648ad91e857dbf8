// A provider that fails: `throws` in an environment's config names the verb
// that does, and commands are ways to fail. What else it is to do lies in
// $MOODY_ROOT: the pipe `setup`, which its setup waits for, and `health`, which
// holds what `health` answers. Boxes are files in $MOODY_ROOT/boxes.

import { definePlugin, runWorker } from "@paperclipai/plugin-sdk";

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const root = process.env.MOODY_ROOT;
const pathOf = (lease) => join(root, "boxes", lease);
let context;

function mayThrow(verb, { config }) {
  if (config?.throws === verb)
    throw Object.assign(new Error(`no ${verb} today`), { code: config.code });
}

const commands = {
  say(args) {
    for (const word of args) context.execution.log("stdout", `${word}\n`);
    return args.map((word) => `${word}\n`).join("");
  },
  throw() {
    throw new Error("this cannot be run");
  },
  crash() {
    context.execution.log("stdout", "here it comes\n");
    console.error("no way out");
    // By then all that was said has left.
    setTimeout(() => process.exit(3), 50);
    return new Promise(() => {});
  },
  forget() {
    setTimeout(() => {
      throw new Error("nobody catches this");
    });
    return new Promise(() => {});
  },
};

const plugin = definePlugin({
  async setup(ctx) {
    context = ctx;
    mkdirSync(join(root, "boxes"), { recursive: true });
    ctx.logger.info("setting up");
    if (existsSync(join(root, "setup"))) await readFile(join(root, "setup"));
    ctx.logger.warn("set up", { boxes: 0 });
  },
  async onHealth() {
    const file = join(root, "health");
    return existsSync(file) ? JSON.parse(readFileSync(file)) : { status: "ok" };
  },
  async onEnvironmentValidateConfig(params) {
    mayThrow("validate", params);
    return { ok: true, normalizedConfig: params.config };
  },
  async onEnvironmentProbe(params) {
    mayThrow("probe", params);
    return { ok: true, summary: "In a good mood." };
  },
  async onEnvironmentAcquireLease(params) {
    mayThrow("acquire", params);
    const providerLeaseId = `moody-${params.runId}`;
    writeFileSync(pathOf(providerLeaseId), "");
    return { providerLeaseId };
  },
  async onEnvironmentResumeLease(params) {
    mayThrow("resume", params);
    const there = existsSync(pathOf(params.providerLeaseId));
    return { providerLeaseId: there ? params.providerLeaseId : null };
  },
  async onEnvironmentReleaseLease(params) {
    mayThrow("release", params);
    if (!params.config.reuseLease)
      rmSync(pathOf(params.providerLeaseId), { force: true });
  },
  async onEnvironmentDestroyLease({ providerLeaseId }) {
    rmSync(pathOf(providerLeaseId), { force: true });
  },
  async onEnvironmentRealizeWorkspace(params) {
    mayThrow("realize", params);
    return { cwd: "/" };
  },
  async onEnvironmentExecute({ command, args }) {
    const stdout = await commands[command](args ?? []);
    return { exitCode: 0, timedOut: false, stdout, stderr: "" };
  },
});

export default plugin;

runWorker(plugin, import.meta.url);
