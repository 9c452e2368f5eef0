// The shipped blueprints, and Claude Code's own agent files, with the real Claude Code.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { systemText } from '../fakes/anthropic/classify.mjs';
import { viewOf } from '../fakes/anthropic/script.mjs';
import { test } from './support/bounded.mjs';
import { worldFor } from './support/world.mjs';

async function run(tutti, world, blueprint) {
  const handle = await tutti.call('start_agent', { blueprint, prompt: 'go', project_dir: world.project });
  for (;;) {
    const result = await tutti.call('get_result', { run_id: handle.run_id, wait_s: 20 });
    if (result.finished) return result;
  }
}

/** A model that asks for these tools one after another and keeps what each gave it. */
function asks(uses, told) {
  let next = 0;
  return (request) => {
    if (next > 0 && next <= uses.length) told.push(JSON.stringify(viewOf(request).tool_result));
    const use = uses[next++];
    return use ? { tool_use: use } : { text: 'reviewed' };
  };
}

const bash = (command) => ({ name: 'Bash', input: { command, description: 'a step' } });

test('code-reviewer reads with git and can change nothing', async (t) => {
  const reading = [bash('git log --oneline'), bash('git diff HEAD~1'), bash('git show HEAD'), bash('git status --short')];
  const writing = [
    bash('git diff HEAD~1 --output=made1'), bash('git log -p --output=made2'), bash('git diff HEAD~1 > made3'),
    bash('git diff HEAD~1 | tee made4'), bash('git show HEAD; touch made5'), bash('git log $(touch made6)'),
    bash('git diff --output made7 HEAD~1'), bash('git branch made8'), bash('touch made9'),
    bash('git diff HEAD~1 --outpu=made10'),
    { name: 'Write', input: { file_path: 'made11', content: 'x' } },
  ];
  const told = [];
  const world = await worldFor(t, { script: asks([...reading, ...writing], told) });
  const git = (...args) => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: world.project });
  git('init', '-q');
  for (const text of ['first\n', 'second\n']) {
    fs.writeFileSync(path.join(world.project, 'file.txt'), text);
    git('add', '-A');
    git('commit', '-q', '-m', text.trim());
  }
  const tutti = await world.tutti();

  const result = await run(tutti, world, 'code-reviewer');

  assert.equal(result.status, 'completed', JSON.stringify(result));
  assert.equal(result.result_text, 'reviewed');
  assert.equal(told.length, reading.length + writing.length);
  assert.match(told[0], /second/, 'git log is allowed');
  assert.match(told[1], /-first/, 'git diff is allowed');
  assert.match(told[2], /\+second/, 'git show is allowed');
  assert.deepEqual(fs.readdirSync(world.project).sort(), ['.git', 'file.txt'], told.slice(reading.length).join('\n'));
  assert.equal(execFileSync('git', ['branch', '--list', 'made8'], { cwd: world.project }).toString(), '');
  assert.match(systemText(world.fake.main()[0].body), /You review code\./);
  const tools = world.fake.main()[0].body.tools.map((tool) => tool.name);
  assert.ok(!tools.includes('Edit') && !tools.includes('Write'), tools.join());
  assert.ok(!tools.some((name) => name.startsWith('mcp__tutti')), tools.join());
});

test('researcher has no tool that changes or runs anything', async (t) => {
  const world = await worldFor(t, { script: ['found'] });
  const tutti = await world.tutti();

  const result = await run(tutti, world, 'researcher');

  assert.equal(result.status, 'completed', JSON.stringify(result));
  const tools = world.fake.main()[0].body.tools.map((tool) => tool.name);
  assert.ok(tools.includes('Read') && tools.includes('Grep'), tools.join());
  for (const name of ['Bash', 'Edit', 'Write', 'NotebookEdit']) assert.ok(!tools.includes(name), tools.join());
  assert.match(systemText(world.fake.main()[0].body), /You find things out\./);
});

test("A project's .claude/agents file is started as it is", async (t) => {
  const world = await worldFor(t, { script: ['as you say'] });
  const folder = path.join(world.project, '.claude', 'agents', 'team');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'poet.md'),
    '---\nname: poet\ndescription: Use it when: rhymes are needed\ntools: Read\nmodel: inherit\ncolor: red\n---\n\nYou rhyme always.\n');
  const tutti = await world.tutti();

  const listed = await tutti.call('list_blueprints', {});
  const result = await run(tutti, world, 'poet');

  const poet = listed.blueprints.find((one) => one.name === 'poet');
  assert.equal(poet?.description, 'Use it when: rhymes are needed', JSON.stringify(listed.problems));
  assert.equal(result.result_text, 'as you say', JSON.stringify(result));
  assert.match(systemText(world.fake.main()[0].body), /You rhyme always\./);
  const builtin = world.fake.main()[0].body.tools.map((tool) => tool.name).filter((name) => /^[A-Z][a-z]+$/.test(name));
  assert.deepEqual(builtin, ['Read']);
});
