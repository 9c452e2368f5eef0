// The real Claude Code as an MCP client of tutti: it finds the tools, starts an agent, reads its result.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { viewOf } from '../fakes/anthropic/script.mjs';
import { Claude, claudeEnv, kDriverArgs } from './support/claude.mjs';
import { World, tuttiBinary } from './support/world.mjs';
import { test } from './support/bounded.mjs';

const kTools = ['start_agent', 'get_result'].map((name) => `mcp__tutti__${name}`);

function mcpConfig(world, more = {}) {
  return JSON.stringify({
    mcpServers: { tutti: { command: tuttiBinary(), args: ['stdio', '--data', world.data], ...more } },
  });
}

function startClaude(world, args = []) {
  return new Claude({
    args: [...kDriverArgs, '--strict-mcp-config', '--allowedTools', kTools.join(','), ...args],
    env: claudeEnv({ home: world.home, url: world.fake.url }),
    cwd: world.project,
  });
}

function makeCheckout(folder) {
  fs.writeFileSync(path.join(folder, 'main.py'), '# TODO: greet by name\nprint("hello")\n');
  fs.writeFileSync(path.join(folder, 'util.c'), 'int answer(void) { return 42; }\n');
  const git = (...args) => execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args],
    { cwd: folder, stdio: 'ignore' });
  git('init', '-q');
  git('add', '.');
  git('commit', '-q', '-m', 'Say hello');
}

// What a model would do: start the survey, ask for its result until it is there, report from it.
function surveyModel(project) {
  return (request) => {
    const { after_tool, tool_result } = viewOf(request);
    if (after_tool === '') {
      return { tool_use: { name: 'mcp__tutti__start_agent', input: {
        blueprint: 'repo-survey', parameters: {}, project_dir: project, mode: 'async_poll' } } };
    }
    const answer = JSON.parse(tool_result);  // the structured content, as Claude shows it to its model
    if (!answer.finished) {
      return { tool_use: { name: 'mcp__tutti__get_result', input: { session_id: answer.session_id, wait_s: 20 } } };
    }
    return { text: `survey says ${JSON.stringify(answer.result_data)}` };
  };
}

test('Claude starts a procedural agent over MCP and reads its result', async (t) => {
  const world = await World.create();
  t.after(() => world.close());
  makeCheckout(world.project);
  world.fake.setScript(surveyModel(world.project));

  const claude = startClaude(world, ['--mcp-config', mcpConfig(world, { alwaysLoad: true })]);
  claude.prompt('survey this project');
  const result = await claude.result();
  await claude.closeInput();

  assert.equal(result.is_error, false, result.result);
  assert.match(result.result, /^survey says \{/);
  assert.match(result.result, /[Pp]ython/, 'the survey names the language of main.py');
  assert.deepEqual(result.permission_denials, []);

  const init = claude.records.find((r) => r.subtype === 'init');
  assert.equal(init.mcp_servers.find((s) => s.name === 'tutti')?.status, 'connected');
  const first = world.fake.main()[0];
  for (const name of kTools) {
    const tool = first.body.tools.find((offered) => offered.name === name);
    assert.ok(tool, `${name} is offered to the model`);
    assert.ok(tool.description.length > 20, `${name} says what it does`);
    assert.equal(tool.input_schema.type, 'object');
  }
  assert.ok(world.fake.main().length >= 3, 'start, result, answer');
  assert.ok(viewOf(world.fake.main()[1]).tool_result.includes('session_id'), 'the handle came back at once');
});

test('Claude has the two tools it always needs from the start, and is told of the others by name', async (t) => {
  const world = await World.create();
  t.after(() => world.close());
  makeCheckout(world.project);
  world.fake.setScript(surveyModel(world.project));

  const claude = startClaude(world, ['--mcp-config', mcpConfig(world)]);
  claude.prompt('survey this project');
  const result = await claude.result();
  await claude.closeInput();

  assert.match(result.result, /^survey says \{/);
  const told = viewOf(world.fake.main()[0]);
  for (const tool of kTools) assert.ok(told.tools.includes(tool), `${tool} among ${told.tools.join(' ')}`);
  const seldom = 'mcp__tutti__delete_session';
  assert.ok(!told.tools.includes(seldom) && told.system_messages.includes(seldom), 'the rest waits behind the search');
});

test('A tool error reaches the model as text it can act on', async (t) => {
  const world = await World.create({
    script: (request) => (viewOf(request).after_tool
      ? { text: `error=${viewOf(request).tool_error} ${viewOf(request).tool_result}` }
      : { tool_use: { name: 'mcp__tutti__start_agent', input: { blueprint: 'repo-surve', parameters: {} } } }),
  });
  t.after(() => world.close());

  const claude = startClaude(world, ['--mcp-config', mcpConfig(world)]);
  claude.prompt('survey');
  const result = await claude.result();
  await claude.closeInput();

  assert.match(result.result, /^error=true /);
  assert.match(result.result, /repo-surve/, 'names what was asked for');
  assert.match(result.result, /repo-survey/, 'offers the nearest name');
});

test('A run that Claude started outlives the Claude that started it', async (t) => {
  const world = await World.create({
    script: (request) => (viewOf(request).after_tool ? { text: viewOf(request).tool_result }
      : { tool_use: { name: 'mcp__tutti__start_agent', input: {
        blueprint: 'slow', parameters: {}, project_dir: world.project, mode: 'async_poll' } } }),
  });
  t.after(() => world.close());
  const gate = path.join(world.project, 'gate');
  world.blueprint('slow', {
    type: 'procedural',
    command: ['/bin/sh', '-c', `until [ -e '${gate}' ]; do sleep 0.05; done; echo '{"late":"but there"}'`],
  });

  const config = mcpConfig(world, { args: ['stdio', '--data', world.data, '--blueprints', world.blueprints] });
  const claude = startClaude(world, ['--mcp-config', config]);
  claude.prompt('start it');
  const { session_id } = JSON.parse((await claude.result()).result);
  await claude.kill();
  fs.writeFileSync(gate, '');

  const tutti = await world.tutti();
  const result = await tutti.call('get_result', { session_id, wait_s: 20 });
  assert.deepEqual(result.result_data, { late: 'but there' });
});

test('Claude uses tutti over streamable HTTP just the same', async (t) => {
  const world = await World.create();
  t.after(() => world.close());
  makeCheckout(world.project);
  world.fake.setScript(surveyModel(world.project));
  const { url } = await world.serve();

  const config = JSON.stringify({ mcpServers: { tutti: { type: 'http', url: `${url}/mcp` } } });
  const claude = startClaude(world, ['--mcp-config', config]);
  claude.prompt('survey this project');
  const result = await claude.result();
  await claude.closeInput();

  const init = claude.records.find((r) => r.subtype === 'init');
  assert.equal(init.mcp_servers.find((s) => s.name === 'tutti')?.status, 'connected');
  assert.match(result.result, /^survey says \{/);
});

test('When Claude ends, its tutti ends too and leaves no process but agents', async (t) => {
  const world = await World.create({ script: ['nothing to do'] });
  t.after(() => world.close());

  const claude = startClaude(world, ['--mcp-config', mcpConfig(world)]);
  claude.prompt('hello');
  await claude.result();
  await claude.closeInput();

  await world.until('tutti stdio to end', () => world.processes().length === 0);
});
