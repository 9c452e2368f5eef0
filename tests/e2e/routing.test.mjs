// Requests that tutti routes to real agents: judged by Claude Code, given to Claude Code and to Codex, and handed on to the
// next one when an agent's API refuses it.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { systemText } from '../fakes/anthropic/classify.mjs';
import { viewOf } from '../fakes/anthropic/script.mjs';
import { startFakeModels } from '../fakes/models/server.mjs';
import { test } from './support/bounded.mjs';
import { worldFor } from './support/world.mjs';

const kExamples = fileURLToPath(new URL('../../examples/blueprints', import.meta.url));
const kCodex = fileURLToPath(new URL('../node_modules/.bin/codex', import.meta.url));

/** A gardener for each flower, none of whom is clearly the one for "flowers". */
function addGardeners(world, more = { type: 'procedural', command: ['/bin/echo', 'planted'] }) {
  for (const [name, flower] of [['xaver', 'roses'], ['yvonne', 'tulips']]) {
    world.blueprint(name, { ...more, description: `Plants ${flower} in the garden`, examples: [`plant ${flower} in the park`] });
  }
}

test('A real Claude Code judges a close call, by the schema, without tools', async (t) => {
  const verdict = { agent: 'yvonne', confidence: 0.8, reason: 'tulips are flowers' };
  const world = await worldFor(t, { script: [{ tool_use: { name: 'StructuredOutput', input: verdict } }] });
  addGardeners(world);
  const tutti = await world.tutti();

  const decision = await tutti.call('route_request', { request: 'plant flowers in the garden', ask_agent: true });

  assert.equal(decision.judged?.agent, 'yvonne', JSON.stringify(decision));
  assert.equal(decision.agent, 'yvonne');
  assert.equal(decision.judged.reason, verdict.reason);
  const [request, ...more] = world.fake.main();
  assert.equal(more.length, 0);
  assert.match(systemText(request.body), /You decide which of a few agents/);
  const view = viewOf(request);
  assert.match(view.user, /plant flowers in the garden/);
  assert.deepEqual(view.tools.filter((name) => name !== 'DeferredToolPlaceholder'), ['StructuredOutput']);
});

test('A judge who names nobody of the list leaves the decision as it was, and it is said', async (t) => {
  const world = await worldFor(t, {
    script: () => ({ tool_use: { name: 'StructuredOutput', input: { agent: 'zoe', confidence: 1, reason: 'I know her' } } }),
  });
  addGardeners(world);
  const tutti = await world.tutti();

  const decision = await tutti.call('route_request', { request: 'plant flowers in the garden', ask_agent: true });

  assert.equal(decision.judged, undefined, JSON.stringify(decision));
  assert.equal(decision.not_judged?.by, 'route-judge');
  assert.match(decision.not_judged.reason, /^it failed: /);
});

test('A dispatched request is done by a real Claude Code, and its decision succeeds', async (t) => {
  const world = await worldFor(t, { script: (request) => ({ text: `did: ${viewOf(request).user}` }) });
  const tutti = await world.tutti();

  const routed = await tutti.call('route_request', {
    request: 'Fix the failing test in main.py', candidates: ['claude'], dispatch: true, mode: 'sync',
    project_dir: world.project });

  assert.match(JSON.stringify(routed), /did: Fix the failing test in main\.py/);
  const { decision } = await tutti.call('explain_route', { decision_id: routed.decision_id });
  assert.equal(decision.status, 'succeeded', JSON.stringify(decision));
});

/** The example's Codex, pointed at a scripted model by its own configuration. */
async function codexWorld(t, { script, anthropic }) {
  const world = await worldFor(t, { script: anthropic ?? ['not asked'] });
  const model = await startFakeModels({ script });
  t.after(() => model.close());
  fs.symlinkSync(kCodex, path.join(world.bin, 'codex'));
  fs.mkdirSync(path.join(world.home, '.codex'));
  fs.writeFileSync(path.join(world.home, '.codex', 'config.toml'),
    `model = "unknown"\nmodel_provider = "fake"\n[model_providers.fake]\nname = "fake"\nbase_url = "${model.url}/v1"\n`
    + 'env_key = "CODEX_API_KEY"\nwire_api = "responses"\nrequest_max_retries = 0\nstream_max_retries = 0\n');
  const env = world.env();
  world.env = () => ({ ...env, CODEX_API_KEY: 'dummy' });
  const tutti = await world.tutti({ args: ['--blueprints', kExamples] });
  return { world, model, tutti };
}

const promptOf = (request) => JSON.stringify(request.body.input.at(-1).content);

test('A dispatched request is done by a real Codex, the agent of the examples', async (t) => {
  const { world, tutti } = await codexWorld(t, { script: (request) => ({ text: `did ${promptOf(request)}` }) });

  const routed = await tutti.call('route_request', {
    request: 'Let Codex fix the failing test in main.py', dispatch: true, mode: 'sync', wait_s: 60,
    project_dir: world.project });

  assert.equal(routed.agent, 'codex', JSON.stringify(routed));
  assert.equal(routed.status, 'succeeded');
  assert.match(routed.result.result_data.stdout, /did .*Let Codex fix the failing test in main\.py/);
  assert.equal(world.fake.main().length, 0, 'Claude Code was not asked');
});

for (const [what, error] of [
  ['has no credit for it', { status: 429, type: 'rate_limit_error', message: 'slow down' }],
  ['does not know its key', { status: 401, type: 'authentication_error', message: 'invalid x-api-key' }],
]) {
  test(`What a Claude Code cannot do whose API ${what} is done by a Codex that is told of it`, async (t) => {
    const { world, model, tutti } = await codexWorld(t, {
      script: (request) => ({ text: `did ${promptOf(request)}` }), anthropic: () => ({ error }) });

    const routed = await tutti.call('route_request', {
      request: 'Fix the failing test in main.py', candidates: ['claude', 'codex'], dispatch: true, mode: 'sync', wait_s: 60,
      project_dir: world.project });

    const told = await tutti.call('explain_route', { decision_id: routed.decision_id });
    assert.ok(world.fake.main().length > 0, 'Claude Code was asked first');
    assert.equal(model.requests.length, 1, JSON.stringify(told));
    assert.match(promptOf(model.requests[0]), /Fix the failing test in main\.py/);
    assert.match(promptOf(model.requests[0]), /claude/, 'the hand-over note');
  });
}
