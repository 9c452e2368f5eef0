// The real Claude Code as an agent that tutti starts: started, resumed, held to a schema, stopped.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { systemText } from '../fakes/anthropic/classify.mjs';
import { promptsOf, viewOf } from '../fakes/anthropic/script.mjs';
import { ToolError } from './support/mcp.mjs';
import { worldFor } from './support/world.mjs';
import { test } from './support/bounded.mjs';

const kSchema = {
  type: 'object',
  properties: { answer: { type: 'integer', minimum: 10 } },
  required: ['answer'],
  additionalProperties: false,
};

/** Starts `blueprint` with a prompt; gives the handle. */
function start(tutti, world, prompt, more = {}) {
  return tutti.call('start_agent', {
    blueprint: 'claude', prompt, project_dir: world.project, mode: 'async_poll', ...more,
  });
}

/** Loops on get_result as callers do, until the run is over. */
async function finished(tutti, { run_id }) {
  for (;;) {
    const result = await tutti.call('get_result', { run_id, wait_s: 20 });
    if (result.finished) return result;
  }
}

async function eventsOf(tutti, session_id) {
  const events = [];
  for (let cursor = ''; ;) {
    const page = await tutti.call('get_events', { session_id, cursor });
    events.push(...page.events);
    if (!page.has_more) return events;
    cursor = page.next_cursor;
  }
}

const typesOf = (events) => events.map((event) => event.event_type);

for (const modern of [false, true]) {
  const era = modern ? '2026-07-28' : '2025-11-25';

  test(`A started claude answers, and get_result gives its text (${era})`, async (t) => {
    const world = await worldFor(t, { script: ['hello from the agent'] });
    const tutti = await world.tutti({ modern });

    const handle = await start(tutti, world, 'say hello');
    assert.ok(handle.session_id && handle.run_id, JSON.stringify(handle));
    const result = await finished(tutti, handle);

    assert.equal(result.status, 'completed', JSON.stringify(result));
    assert.equal(result.result_text, 'hello from the agent');
    assert.deepEqual(promptsOf(world.fake.main()[0].body), ['say hello']);
    assert.deepEqual(tutti.impurities, [], 'stdout belongs to the protocol');
  });
}

test('Events of a run tell its start, what was said and its end, in order', async (t) => {
  const world = await worldFor(t, { script: ['words of the agent'] });
  const tutti = await world.tutti();

  const handle = await start(tutti, world, 'speak');
  await finished(tutti, handle);
  const events = await eventsOf(tutti, handle.session_id);

  const types = typesOf(events);
  assert.ok(types.indexOf('run_start') >= 0, types.join());
  assert.ok(types.indexOf('run_start') < types.indexOf('message'), types.join());
  assert.ok(types.lastIndexOf('message') < types.indexOf('run_completed'), types.join());
  assert.ok(JSON.stringify(events).includes('words of the agent'));
  const ids = events.map((event) => event.id);
  assert.deepEqual(ids, [...new Set(ids)].sort((a, b) => a - b), 'each event once, in order');
});

test('A mode sync start waits and gives the result itself', async (t) => {
  const world = await worldFor(t, { script: ['at once'] });
  const tutti = await world.tutti();

  const result = await start(tutti, world, 'now', { mode: 'sync' });

  assert.equal(result.status, 'completed', JSON.stringify(result));
  assert.equal(result.result_text, 'at once');
});

test('Resume goes to the live process, the model sees the earlier turns, the reply says resumed', async (t) => {
  const world = await worldFor(t, { script: ['first answer', 'second answer'] });
  const tutti = await world.tutti();
  const first = await start(tutti, world, 'question one');
  await finished(tutti, first);
  const [before] = world.claudes();
  assert.ok(before, 'the process stays for the next turn');

  const second = await tutti.call('resume', { session_id: first.session_id, prompt: 'question two' });
  const result = await finished(tutti, second);

  assert.equal(result.result_text, 'second answer');
  assert.equal(result.resume_mode, 'resumed', JSON.stringify(result));
  assert.deepEqual(promptsOf(world.fake.main()[1].body), ['question one', 'question two']);
  assert.match(JSON.stringify(world.fake.main()[1].body.messages), /first answer/);
  assert.deepEqual(world.claudes().map((p) => p.pid), [before.pid], 'the same process');
});

test('After its run-host has been killed, resume starts claude with --resume and loses nothing', async (t) => {
  const world = await worldFor(t, { script: ['first answer', 'second answer'] });
  const tutti = await world.tutti();
  const first = await start(tutti, world, 'question one');
  await finished(tutti, first);
  for (const p of world.processes().filter((x) => x.command.includes('run-host'))) process.kill(p.pid, 'SIGKILL');
  await world.until('the orphaned claude to end', () => world.claudes().length === 0);

  const second = await tutti.call('resume', { session_id: first.session_id, prompt: 'question two' });
  const result = await finished(tutti, second);

  assert.equal(result.result_text, 'second answer');
  assert.equal(result.resume_mode, 'resumed', JSON.stringify(result));
  assert.deepEqual(promptsOf(world.fake.main()[1].body), ['question one', 'question two']);
  assert.match(world.claudes()[0].command, /--resume [0-9a-f-]{36}/);
});

test('After a stop, resume starts claude again with its conversation', async (t) => {
  const world = await worldFor(t, { script: ['first answer', 'second answer'] });
  const tutti = await world.tutti();
  const first = await start(tutti, world, 'question one');
  await finished(tutti, first);
  await tutti.call('stop', { session_id: first.session_id });
  await world.until('claude to end', () => world.claudes().length === 0);

  const second = await tutti.call('resume', { session_id: first.session_id, prompt: 'question two' });
  const result = await finished(tutti, second);

  assert.equal(result.result_text, 'second answer', JSON.stringify(result));
  assert.equal(result.resume_mode, 'resumed');
  assert.deepEqual(promptsOf(world.fake.main()[1].body), ['question one', 'question two']);
});

test('When the transcript is lost, the reply says fresh and why', async (t) => {
  const world = await worldFor(t, { script: ['first answer', 'second answer'] });
  const tutti = await world.tutti();
  const first = await start(tutti, world, 'question one');
  await finished(tutti, first);
  await tutti.call('stop', { session_id: first.session_id });
  await world.until('claude to end', () => world.claudes().length === 0);
  fs.rmSync(path.join(world.home, '.claude', 'projects'), { recursive: true });

  const second = await tutti.call('resume', { session_id: first.session_id, prompt: 'question two' });
  const result = await finished(tutti, second);

  assert.equal(result.resume_mode, 'fresh', JSON.stringify(result));
  assert.match(result.resume_reason, /No conversation found/);
  assert.deepEqual(promptsOf(world.fake.main()[1].body), ['question two']);
});

test('kill -9 of the server in a turn: another tutti finishes the run', async (t) => {
  const world = await worldFor(t, { script: [{ text: 'slow and complete', chunk_chars: 1, delay_ms: 60 }] });
  const tutti = await world.tutti();
  const handle = await start(tutti, world, 'take your time');
  await world.fake.waitFor((r) => r.kind === 'main');
  await tutti.kill();

  const other = await world.tutti();
  const result = await finished(other, handle);

  assert.equal(result.status, 'completed', JSON.stringify(result));
  assert.equal(result.result_text, 'slow and complete');
  assert.equal(world.fake.main().length, 1, 'the turn ran once');
  const types = typesOf(await eventsOf(other, handle.session_id));
  assert.equal(types.filter((type) => type === 'run_completed').length, 1, types.join());
});

test('An output schema: valid data comes back as result_data', async (t) => {
  const world = await worldFor(t, {
    script: () => ({ tool_use: { name: 'StructuredOutput', input: { answer: 42 } } }),
  });
  world.blueprint('counter', { type: 'autonomous', driver: 'claude', output_schema: kSchema }, 'Count.');
  const tutti = await world.tutti();

  const result = await finished(tutti, await start(tutti, world, 'how many?', { blueprint: 'counter' }));

  assert.equal(result.status, 'completed', JSON.stringify(result));
  assert.deepEqual(result.result_data, { answer: 42 });
  assert.ok(viewOf(world.fake.main()[0]).tools.includes('StructuredOutput'));
  assert.match(systemText(world.fake.main()[0].body), /Count\./, 'the system prompt of the blueprint is used');
});

test('An output schema that the model never meets fails the run and says so', async (t) => {
  const world = await worldFor(t, {
    script: () => ({ tool_use: { name: 'StructuredOutput', input: { answer: 'many' } } }),
  });
  world.blueprint('counter', { type: 'autonomous', driver: 'claude', output_schema: kSchema });
  const tutti = await world.tutti();

  const result = await finished(tutti, await start(tutti, world, 'how many?', { blueprint: 'counter' }));

  assert.equal(result.status, 'failed', JSON.stringify(result));
  assert.ok(result.error.message, JSON.stringify(result));
  assert.ok(!result.result_data);
});

test('An output schema answered in words only fails the run, though Claude calls it success', async (t) => {
  const world = await worldFor(t, { script: ['forty-two, I would say'] });
  world.blueprint('counter', { type: 'autonomous', driver: 'claude', output_schema: kSchema });
  const tutti = await world.tutti();

  const result = await finished(tutti, await start(tutti, world, 'how many?', { blueprint: 'counter' }));

  assert.equal(result.status, 'failed', JSON.stringify(result));
});

test('An API error fails the run with the API\'s own words', async (t) => {
  const world = await worldFor(t, { script: [{ error: { status: 529, message: 'Overloaded' } }] });
  const tutti = await world.tutti();

  const result = await finished(tutti, await start(tutti, world, 'hello'));

  assert.equal(result.status, 'failed', JSON.stringify(result));
  assert.match(JSON.stringify(result.error), /529|[Oo]verloaded/);
});

test('Stop takes the whole process group of a running claude down and proves it', async (t) => {
  const world = await worldFor(t, { script: [{ text: 'partial', stall: true }] });
  const tutti = await world.tutti();
  const handle = await start(tutti, world, 'never end');
  await world.fake.waitFor((r) => r.kind === 'main');
  const [claude] = world.claudes();
  assert.ok(claude, 'claude runs');

  const stopped = await tutti.call('stop', { session_id: handle.session_id });
  assert.equal(stopped.stopped, true, JSON.stringify(stopped));
  assert.deepEqual(stopped.stop_report?.survivors, [], JSON.stringify(stopped));
  const result = await finished(tutti, handle);

  assert.equal(result.status, 'stopped', JSON.stringify(result));
  await world.until('the process group to be empty',
    () => !world.processes().some((p) => p.pgid === claude.pgid), 8000);
  assert.equal(world.claudes().length, 0);
  const { session } = await tutti.call('get_status', { session_id: handle.session_id });
  assert.equal(session.status, 'stopped');
});

// Claude Code gives each of its Bash commands a session of its own, so a process group is not enough.
for (const [where, command] of [
  ['in the background', 'tail -f /dev/null & echo started'],
  ['in the foreground', 'tail -f /dev/null'],
]) {
  test(`Stop ends also what the agent runs ${where}`, async (t) => {
    const world = await worldFor(t, {
      script: (request) => (viewOf(request).after_tool ? { text: 'waiting', stall: true }
        : { tool_use: { name: 'Bash', input: { command, description: 'run something' } } }),
    });
    world.blueprint('worker', { type: 'autonomous', driver: 'claude', allowed_tools: ['Bash'] });
    const tutti = await world.tutti();
    const left = () => world.processes().filter((p) => p.command.startsWith('tail -f /dev/null'));
    const handle = await start(tutti, world, 'run something', { blueprint: 'worker' });
    await world.until('the command to run', () => left().length === 1);

    await tutti.call('stop', { session_id: handle.session_id });
    await finished(tutti, handle);

    await world.until('the command to end', () => left().length === 0);
  });
}

test('A permission request that no rule answers is recorded, and denied after its limit', async (t) => {
  const world = await worldFor(t, {
    script: (request) => (viewOf(request).after_tool ? { text: `told: ${viewOf(request).tool_result}` }
      : { tool_use: { name: 'Write', input: { file_path: 'made.txt', content: 'x' } } }),
  });
  world.blueprint('careful', { type: 'autonomous', driver: 'claude', permission_timeout_s: 1 });
  const tutti = await world.tutti();

  const handle = await start(tutti, world, 'write a file', { blueprint: 'careful' });
  const result = await finished(tutti, handle);

  assert.equal(result.status, 'completed', JSON.stringify(result));
  assert.match(result.result_text, /^told: .+/);
  assert.ok(!fs.existsSync(path.join(world.project, 'made.txt')), 'nothing was written');
  const events = await eventsOf(tutti, handle.session_id);
  const about = events.filter((event) => /permission/.test(event.event_type));
  assert.ok(about.length > 0, typesOf(events).join());
  assert.match(JSON.stringify(about), /Write/);
});

test('A rule of the blueprint allows a tool without asking anybody', async (t) => {
  const world = await worldFor(t, {
    script: (request) => (viewOf(request).after_tool ? { text: 'written' }
      : { tool_use: { name: 'Write', input: { file_path: 'made.txt', content: 'by the agent' } } }),
  });
  world.blueprint('writer', { type: 'autonomous', driver: 'claude', allowed_tools: ['Write'] });
  const tutti = await world.tutti();

  const result = await finished(tutti, await start(tutti, world, 'write', { blueprint: 'writer' }));

  assert.equal(result.status, 'completed', JSON.stringify(result));
  assert.equal(fs.readFileSync(path.join(world.project, 'made.txt'), 'utf8'), 'by the agent');
});

test('A started claude has tutti\'s own tools, and what it starts is recorded as its child', async (t) => {
  const world = await worldFor(t, {
    script: (request) => {
      const { after_tool, tool_result, user } = viewOf(request);
      if (user === 'child work') return { text: 'child done' };
      if (after_tool === '') {
        return { tool_use: { name: 'mcp__tutti__start_agent', input: { blueprint: 'claude', prompt: 'child work' } } };
      }
      if (after_tool === 'mcp__tutti__start_agent') {
        const { session_id } = JSON.parse(tool_result);
        return { tool_use: { name: 'mcp__tutti__get_result', input: { session_id, wait_s: 20 } } };
      }
      return { text: `my child said: ${JSON.parse(tool_result).result_text}` };
    },
  });
  const tutti = await world.tutti();

  const parent = await start(tutti, world, 'delegate');
  const result = await finished(tutti, parent);

  assert.equal(result.status, 'completed', JSON.stringify(result));
  assert.equal(result.result_text, 'my child said: child done');
  const { sessions } = await tutti.call('list_sessions', { parent_session_id: parent.session_id });
  assert.equal(sessions.length, 1, JSON.stringify(sessions));
  assert.equal(sessions[0].parent_session_id, parent.session_id);
});

test('A blueprint can refuse its agent tutti\'s tools', async (t) => {
  const world = await worldFor(t, { script: ['alone'] });
  world.blueprint('hermit', { type: 'autonomous', driver: 'claude', tutti_tools: false });
  const tutti = await world.tutti();

  await finished(tutti, await start(tutti, world, 'hello', { blueprint: 'hermit' }));

  const request = world.fake.main()[0];
  assert.doesNotMatch(JSON.stringify([viewOf(request).tools, viewOf(request).system_messages]), /mcp__tutti/);
});

test('The agent sees neither tutti\'s surroundings nor marks of a Claude above it', async (t) => {
  const world = await worldFor(t, {
    script: (request) => (viewOf(request).after_tool ? { text: viewOf(request).tool_result }
      : { tool_use: { name: 'Bash', input: { command: 'env', description: 'look' } } }),
  });
  world.blueprint('looker', { type: 'autonomous', driver: 'claude', allowed_tools: ['Bash'] });
  const env = world.env();
  world.env = () => ({
    ...env, SECRET_OF_THE_USER: 'do-not-pass', CLAUDECODE: '1', CLAUDE_CODE_SESSION_ID: 'of-the-ancestor',
    CLAUDE_CODE_MESSAGING_TOKEN: 'of-the-ancestor',
  });
  const tutti = await world.tutti();

  const result = await finished(tutti, await start(tutti, world, 'look around', { blueprint: 'looker' }));

  assert.match(result.result_text, /HOME=/);
  assert.doesNotMatch(result.result_text, /do-not-pass|of-the-ancestor/);
});

test('The model of the call wins over the default and reaches the API', async (t) => {
  const world = await worldFor(t, { script: ['ok'] });
  const tutti = await world.tutti();

  await finished(tutti, await start(tutti, world, 'hello', { model: 'claude-haiku-4-5' }));

  assert.equal(world.fake.main()[0].body.model, 'claude-haiku-4-5');
});

test('A session started through one tutti is resumed through another', async (t) => {
  const world = await worldFor(t, { script: ['first answer', 'second answer'] });
  const one = await world.tutti();
  const two = await world.tutti({ modern: true });
  const first = await start(one, world, 'question one', { name: 'shared' });
  await finished(two, first);

  const second = await two.call('resume', { session_id: 'shared', prompt: 'question two' });
  const result = await finished(one, second);

  assert.equal(second.session_id, first.session_id);
  assert.equal(result.result_text, 'second answer');
  assert.equal(result.resume_mode, 'resumed');
  assert.equal(world.claudes().length, 1, 'one process for the session');
});

test('Closing the client ends tutti but not its agent', async (t) => {
  const world = await worldFor(t, { script: ['first answer', 'second answer'] });
  const one = await world.tutti();
  const first = await start(one, world, 'question one');
  await finished(one, first);
  const [claude] = world.claudes();
  const end = await one.close();
  assert.equal(end.code, 0, one.stderr);

  const two = await world.tutti();
  const result = await finished(two, await two.call('resume', { session_id: first.session_id, prompt: 'more' }));

  assert.equal(result.result_text, 'second answer');
  assert.deepEqual(world.claudes().map((p) => p.pid), [claude.pid]);
});

test('The same idempotency key starts one agent only', async (t) => {
  const world = await worldFor(t, { script: ['once'] });
  const tutti = await world.tutti();

  const handles = await Promise.all([1, 2, 3].map(() => start(tutti, world, 'do it', { idempotency_key: 'k' })));
  await finished(tutti, handles[0]);

  assert.equal(new Set(handles.map((handle) => handle.run_id)).size, 1, JSON.stringify(handles));
  assert.equal(world.fake.main().length, 1);
  await assert.rejects(start(tutti, world, 'do something else', { idempotency_key: 'k' }), /idempotency_key/);
});

test('A claude that is killed from outside fails its run, and the session can go on', async (t) => {
  const world = await worldFor(t, { script: [{ text: 'partial', stall: true }, 'recovered'] });
  const tutti = await world.tutti();
  const handle = await start(tutti, world, 'never end');
  await world.fake.waitFor((r) => r.kind === 'main');
  await world.until('the process to be seen', () => world.claudes().length === 1);
  // Claude writes its transcript a moment after it asks the API; before that there is nothing to resume.
  await world.until('the transcript', () => world.transcripts().includes('never end'));
  process.kill(world.claudes()[0].pid, 'SIGKILL');

  const result = await finished(tutti, handle);
  assert.equal(result.status, 'failed', JSON.stringify(result));
  assert.match(result.error.message, /SIGKILL|signal 9|killed/i);

  const again = await finished(tutti, await tutti.call('resume', { session_id: handle.session_id, prompt: 'go on' }));
  assert.equal(again.result_text, 'recovered', JSON.stringify(again));
  assert.equal(again.resume_mode, 'resumed');
  assert.deepEqual(promptsOf(world.fake.main()[1].body), ['never end', 'go on']);
});

test('Stop while a permission is open ends the run at once', async (t) => {
  const world = await worldFor(t, {
    script: [{ tool_use: { name: 'Write', input: { file_path: 'made.txt', content: 'x' } } }, 'not reached'],
  });
  world.blueprint('patient', { type: 'autonomous', driver: 'claude', permission_timeout_s: 60 });
  const tutti = await world.tutti();
  const handle = await start(tutti, world, 'write a file', { blueprint: 'patient' });
  await world.until('the request to be recorded', async () =>
    (await eventsOf(tutti, handle.session_id)).some((event) => /permission/.test(event.event_type)));

  const stopped = await tutti.call('stop', { session_id: handle.session_id });

  assert.equal(stopped.stopped, true, JSON.stringify(stopped));
  assert.equal((await finished(tutti, handle)).status, 'stopped');
  assert.ok(!fs.existsSync(path.join(world.project, 'made.txt')));
});

test('A budget that is spent fails the run and says so', async (t) => {
  const world = await worldFor(t, {
    script: () => ({ tool_use: { name: 'Bash', input: { command: 'true', description: 'nothing' } },
      usage: { input_tokens: 100000, output_tokens: 5000 } }),
  });
  world.blueprint('spender', { type: 'autonomous', driver: 'claude', max_budget_usd: 0.01, allowed_tools: ['Bash'] });
  const tutti = await world.tutti();

  const result = await finished(tutti, await start(tutti, world, 'spend', { blueprint: 'spender' }));

  assert.equal(result.status, 'failed', JSON.stringify(result));
  assert.match(`${result.error.name} ${result.error.message}`, /budget/);
  assert.equal(world.fake.main().length, 1);
});

test('Turns above max_turns fail the run and say so', async (t) => {
  const world = await worldFor(t, {
    script: () => ({ tool_use: { name: 'Bash', input: { command: 'true', description: 'nothing' } } }),
  });
  world.blueprint('looper', { type: 'autonomous', driver: 'claude', max_turns: 2, allowed_tools: ['Bash'] });
  const tutti = await world.tutti();

  const result = await finished(tutti, await start(tutti, world, 'loop', { blueprint: 'looper' }));

  assert.equal(result.status, 'failed', JSON.stringify(result));
  assert.match(`${result.error.name} ${result.error.message}`, /turns/);
  assert.equal(world.fake.main().length, 2);
});

test('A huge answer is kept whole and read in parts', async (t) => {
  const bytes = 2000000;
  const world = await worldFor(t, { script: [{ repeat: { text: 'all work and no play ', bytes }, chunk_chars: 65536 }] });
  const tutti = await world.tutti();

  const handle = await start(tutti, world, 'write a novel');
  let result = await finished(tutti, handle);
  assert.equal(result.status, 'completed', JSON.stringify(result).slice(0, 500));
  assert.equal(result.result_chars, bytes);
  let text = result.result_text;
  while (result.next_offset !== undefined) {
    result = await tutti.call('get_result', { run_id: handle.run_id, offset: result.next_offset, max_chars: 1000000 });
    text += result.result_text;
  }

  assert.equal(text, 'all work and no play '.repeat(bytes / 21 + 1).slice(0, bytes));
});

test('An agent of .claude/agents is a blueprint as it is', async (t) => {
  const world = await worldFor(t, { script: ['reviewed'] });
  const folder = path.join(world.project, '.claude', 'agents');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'checker.md'),
    '---\nname: checker\ndescription: Checks things\ntools: Read, Grep\nmodel: haiku\n---\nYou check MARKED things.\n');
  const tutti = await world.tutti();

  const result = await finished(tutti, await start(tutti, world, 'check', { blueprint: 'checker' }));

  assert.equal(result.status, 'completed', JSON.stringify(result));
  const { system, tools, model } = viewOf(world.fake.main()[0]);
  assert.match(system, /You check MARKED things\./);
  assert.match(model, /haiku/);
  assert.ok(!tools.includes('Write'), tools.join());
});

test('Two sessions at once do not mix', async (t) => {
  const world = await worldFor(t, { script: (request) => ({ text: `answer to ${viewOf(request).user}` }) });
  const tutti = await world.tutti();

  const handles = await Promise.all(['one', 'two'].map((prompt) => start(tutti, world, prompt)));
  const results = await Promise.all(handles.map((handle) => finished(tutti, handle)));

  assert.deepEqual(results.map((r) => r.result_text), ['answer to one', 'answer to two']);
});

test('A claude that is not installed is named, with how to get it', async (t) => {
  const world = await worldFor(t, {});
  fs.rmSync(path.join(world.bin, 'claude'));
  const tutti = await world.tutti();

  await assert.rejects(
    async () => {
      const result = await finished(tutti, await start(tutti, world, 'hello'));
      if (result.status === 'failed') throw new ToolError('start_agent', { content: [{ text: JSON.stringify(result) }] });
    },
    (error) => /claude/.test(error.message) && /npm install|@anthropic-ai/.test(JSON.stringify(error.error ?? error.message) + error.message));
});
