// A provider that is told one secret in each call's config, and asks for
// another one: `token` of the plugin's own config. It repeats both wherever it
// can. Its commands: `show` prints what it was told, `resolve` asks for the
// token again, `region` prints the config as it was changed last.

import { definePlugin, runWorker } from "@paperclipai/plugin-sdk";

let context;
let changed;

async function token(companyId) {
  const config = await context.config.get(companyId);
  return context.secrets.resolve(config.token,
                                 { companyId, configPath: "token" });
}

const commands = {
  async show({ config, companyId }) {
    return `${config.apiKey} ${await token(companyId)}\n`;
  },
  async resolve({ companyId }) {
    return token(companyId);
  },
  async region() {
    return `${changed?.config.region} for ${changed?.companyId}\n`;
  },
  async state() {
    return context.state.get({ scopeKind: "instance", stateKey: "x" });
  },
};

const plugin = definePlugin({
  async setup(ctx) {
    context = ctx;
    const { region } = await ctx.config.get();
    ctx.logger.info(`setting up for ${region}`);
  },
  async onConfigChanged(config, { companyId }) {
    changed = { config, companyId };
  },
  async onEnvironmentAcquireLease({ runId, companyId, config }) {
    const words = `${config.apiKey} and ${await token(companyId)}`;
    context.logger.info(`opening with ${words}`);
    console.error(`opening with ${words}`);
    await context.metrics.write(`opened with ${words}`, 1, { words });
    return {
      providerLeaseId: `keyed-${runId}`,
      metadata: { remoteCwd: "/", words: { [words]: [words] } },
    };
  },
  async onEnvironmentReleaseLease({ config, companyId }) {
    const words = `${config.apiKey} and ${await token(companyId)}`;
    throw new Error(`cannot close with ${words}`);
  },
  async onEnvironmentDestroyLease() {},
  async onEnvironmentRealizeWorkspace() {
    return { cwd: "/" };
  },
  async onEnvironmentExecute(params) {
    const stdout = await commands[params.command](params);
    const metadata = { said: stdout };
    return { exitCode: 0, timedOut: false, stdout, stderr: "", metadata };
  },
});

export default plugin;

runWorker(plugin, import.meta.url);
