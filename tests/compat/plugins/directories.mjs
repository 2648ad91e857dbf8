// A provider written with nothing but the SDK's public API: its sandboxes are
// directories below $SDK_PROVIDER_ROOT.

import { definePlugin, runWorker } from "@paperclipai/plugin-sdk";

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";

const root = process.env.SDK_PROVIDER_ROOT;
const running = new Map(); // The process groups of commands, and their leases.
let context;

const pathOf = (lease) => join(root, basename(lease));

function home(lease) {
  const path = pathOf(lease.providerLeaseId);
  if (!existsSync(path)) throw new Error(`no lease ${lease.providerLeaseId}`);
  return path;
}

function kill(group) {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // Nobody of them is left.
  }
}

function remove({ providerLeaseId }) {
  for (const [group, lease] of running)
    if (lease === providerLeaseId) kill(group);
  if (providerLeaseId)
    rmSync(pathOf(providerLeaseId), { recursive: true, force: true });
}

function run(child, params) {
  const text = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"])
    child[stream].setEncoding("utf8").on("data", (chunk) => {
      text[stream] += chunk;
      context.execution.log(stream, chunk);
    });
  child.stdin.on("error", () => {}); // The command did not want it.
  child.stdin.end(params.stdin ?? "");
  let timedOut = false;
  const timer = params.timeoutMs && setTimeout(() => {
    timedOut = true;
    kill(child.pid);
  }, params.timeoutMs);
  if (child.pid) running.set(child.pid, params.lease.providerLeaseId);
  return new Promise((resolve) => {
    child.on("exit", () => kill(child.pid)); // With all that it has started.
    child.on("error", (why) =>
      resolve({ exitCode: 127, timedOut, stdout: "", stderr: why.message }));
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      running.delete(child.pid);
      resolve({ exitCode: timedOut ? null : code, signal, timedOut, ...text });
    });
  });
}

const plugin = definePlugin({
  async setup(ctx) {
    context = ctx;
    mkdirSync(root, { recursive: true });
    ctx.logger.info("ready");
  },
  async onEnvironmentValidateConfig({ config }) {
    const errors = Object.keys(config)
      .filter((key) => key !== "reuseLease")
      .map((key) => `${key}: is not a known field`);
    return { ok: errors.length === 0, errors, normalizedConfig: config };
  },
  async onEnvironmentProbe() {
    return { ok: existsSync(root), summary: `${root} is there.` };
  },
  async onEnvironmentAcquireLease({ runId }) {
    const providerLeaseId = `sdk-${runId.slice(0, 8)}-${randomUUID()}`;
    mkdirSync(pathOf(providerLeaseId));
    return {
      providerLeaseId,
      metadata: { remoteCwd: pathOf(providerLeaseId) },
    };
  },
  async onEnvironmentResumeLease({ providerLeaseId }) {
    const there = existsSync(pathOf(providerLeaseId));
    return { providerLeaseId: there ? providerLeaseId : null };
  },
  async onEnvironmentReleaseLease(params) {
    if (!params.config.reuseLease) remove(params);
  },
  async onEnvironmentDestroyLease(params) {
    remove(params);
  },
  async onEnvironmentRealizeWorkspace({ lease, workspace }) {
    const cwd = home(lease);
    if (workspace.localPath)
      cpSync(workspace.localPath, cwd, { recursive: true });
    return { cwd };
  },
  async onEnvironmentExecute(params) {
    const cwd = params.cwd ?? home(params.lease);
    const env = { PATH: process.env.PATH, HOME: cwd, ...params.env };
    const options = { cwd, env, detached: true };
    return run(spawn(params.command, params.args ?? [], options), params);
  },
});

// However the host ends us.
process.on("exit", () => {
  for (const group of running.keys()) kill(group);
});

export default plugin;

runWorker(plugin, import.meta.url);
