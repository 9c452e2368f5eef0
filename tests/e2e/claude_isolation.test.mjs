// What reaches a Claude Code that tutti starts: what its blueprint and its caller say, and no more.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { promptsOf, viewOf } from '../fakes/anthropic/script.mjs';
import { test } from './support/bounded.mjs';
import { tuttiBinary, worldFor } from './support/world.mjs';

async function run(tutti, world, blueprint, prompt) {
  const handle = await tutti.call('start_agent', { blueprint, prompt, project_dir: world.project });
  for (;;) {
    const result = await tutti.call('get_result', { run_id: handle.run_id, wait_s: 20 });
    if (result.finished) return result;
  }
}

/** An MCP server that leaves a file when somebody starts it, and then serves tools. */
function markedServer(world, name) {
  const mark = path.join(world.root, `${name}-was-started`);
  const script = path.join(world.root, `${name}.sh`);
  fs.writeFileSync(script,
    `#!/bin/sh\n: > '${mark}'\nexec '${tuttiBinary()}' stdio --data '${path.join(world.root, `${name}-data`)}'\n`, { mode: 0o755 });
  return { mark, entry: { type: 'stdio', command: script, args: [] } };
}

for (const [tutti_tools, setting_sources] of [[false, undefined], [false, 'user,project'], [true, undefined]]) {
  const how = `tutti_tools ${tutti_tools}, setting_sources ${setting_sources ?? 'left out'}`;

  test(`The user's and the project's own MCP servers do not reach an agent (${how})`, async (t) => {
    const world = await worldFor(t, { script: ['alone'] });
    const user = markedServer(world, 'of-the-user');
    const project = markedServer(world, 'of-the-project');
    const config = path.join(world.home, '.claude');
    fs.mkdirSync(config);
    fs.writeFileSync(path.join(config, '.claude.json'), JSON.stringify({ mcpServers: { users: user.entry } }));
    fs.writeFileSync(path.join(config, 'settings.json'), JSON.stringify({ enableAllProjectMcpServers: true }));
    fs.writeFileSync(path.join(world.project, '.mcp.json'), JSON.stringify({ mcpServers: { projects: project.entry } }));
    world.blueprint('hermit', { type: 'autonomous', driver: 'claude', tutti_tools, setting_sources });
    const tutti = await world.tutti();

    const result = await run(tutti, world, 'hermit', 'hello');

    assert.equal(result.result_text, 'alone', JSON.stringify(result));
    const { tools, system_messages } = viewOf(world.fake.main()[0]);
    assert.doesNotMatch(JSON.stringify([tools, system_messages]), /mcp__(users|projects)/);
    assert.ok(!fs.existsSync(user.mark), 'the user\'s server was not even started');
    assert.ok(!fs.existsSync(project.mark), 'the project\'s server was not even started');
  });
}

for (const prompt of ['Look into @secret.txt', '/context', '/no-such-command and more', '/compact\nand say why']) {
  test(`A prompt reaches the model as the caller wrote it: ${JSON.stringify(prompt)}`, async (t) => {
    const world = await worldFor(t, { script: ['read'] });
    fs.writeFileSync(path.join(world.project, 'secret.txt'), 'THE-CONTENT-OF-A-FILE\n');
    const tutti = await world.tutti();

    const result = await run(tutti, world, 'claude', prompt);

    assert.equal(result.result_text, 'read', JSON.stringify(result));
    const { body } = world.fake.main()[0];
    assert.deepEqual(promptsOf(body), [prompt]);
    assert.doesNotMatch(JSON.stringify(body.messages), /THE-CONTENT-OF-A-FILE/);
  });
}
