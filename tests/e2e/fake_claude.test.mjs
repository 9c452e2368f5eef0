// Holds the fast fake claude to the real one: the same conversation gives the same kinds of records,
// with the same members that a driver reads, and the same exit code.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { startFakeAnthropic } from '../fakes/anthropic/server.mjs';
import { viewOf } from '../fakes/anthropic/script.mjs';
import { Claude, claudeBinary, claudeEnv, kDriverArgs } from './support/claude.mjs';
import { fakeClaudeBinary } from './support/world.mjs';
import { test } from './support/bounded.mjs';

const kSession = '11111111-2222-4333-8444-555555555555';
const kWrite = { name: 'Write', input: { file_path: 'a.txt', content: 'x' } };
const permission = (r) => r.type === 'control_request';

async function decide(claude, decision) {
  const asked = await claude.next(permission);
  const response = decision === 'allow' ? { behavior: 'allow', updatedInput: asked.request.input }
    : { behavior: 'deny', message: 'no' };
  claude.send({ type: 'control_response', response: { subtype: 'success', request_id: asked.request_id, response } });
  await claude.result();
}

// say: what the fake is told; script: what makes the real one do the same.
const situations = {
  'a plain turn': { say: 'say:x', script: ['x'] },
  'a permission allowed': {
    say: 'ask-permission:Write {"file_path":"a.txt"}',
    script: (r) => (viewOf(r).after_tool ? { text: 'x' } : { tool_use: kWrite }),
    act: (claude) => decide(claude, 'allow'),
  },
  'a permission denied': {
    say: 'ask-permission:Write {"file_path":"a.txt"}',
    script: (r) => (viewOf(r).after_tool ? { text: 'x' } : { tool_use: kWrite }),
    act: (claude) => decide(claude, 'deny'),
  },
  'an unknown session': { args: ['--resume', kSession], say: 'say:x', script: ['x'] },
  'structured output': {
    args: ['--json-schema', '{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}'],
    say: 'structured:{"a":1}',
    script: () => ({ tool_use: { name: 'StructuredOutput', input: { a: 1 } } }),
  },
  'an API error': { say: 'fail', script: [{ error: { status: 400 } }] },
  'SIGTERM in a turn': {
    say: 'say:x\nhang',
    script: [{ text: 'x', stall: true }],
    act: async (claude) => {
      await claude.next((r) => r.type === 'assistant');
      claude.child.kill('SIGTERM');
    },
  },
  'an interrupt': {
    say: 'say:x\nhang',
    script: [{ text: 'x', stall: true }],
    act: async (claude, api) => {
      await Promise.race([api.waitFor((r) => r.kind === 'main'), claude.next((r) => r.type === 'assistant')]);
      await claude.next((r) => r.subtype === 'init');
      claude.send({ type: 'control_request', request_id: 'i', request: { subtype: 'interrupt' } });
      await claude.result();
    },
    // Whether the text before the interrupt gets a record of its own is a matter of timing.
    ignore: 'assistant/',
  },
  'a missing --verbose': {
    base: ['-p', '--input-format', 'stream-json', '--output-format', 'stream-json'], say: 'say:x', script: ['x'],
  },
};

async function play(binary, prompt, { args = [], script, act, base = kDriverArgs }) {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'fake-claude-'));
  const api = await startFakeAnthropic({ script });
  const claude = new Claude({ binary, args: [...base, ...args], env: claudeEnv({ home, url: api.url }), cwd: home });
  try {
    claude.prompt(prompt);
    await act?.(claude, api);
    const end = await claude.closeInput();
    return { end, records: claude.records, stderr: claude.stderr };
  } finally {
    await claude.kill();
    await api.close();
    fs.rmSync(home, { recursive: true, force: true });
  }
}

function shape({ end, records }, ignore) {
  const kinds = records.map((r) => `${r.type}/${r.subtype ?? r.request?.subtype ?? ''}`).filter((k) => k !== ignore);
  const result = records.findLast((r) => r.type === 'result') ?? {};
  const read = ['subtype', 'is_error', 'permission_denials', 'terminal_reason', 'structured_output', 'num_turns',
    'api_error_status', 'result_index', 'errors', 'result'];
  const members = Object.fromEntries(read.filter((name) => name in result).map((name) => [name, typeof result[name]]));
  return { exit: end.code, kinds, members };
}

for (const [name, situation] of Object.entries(situations)) {
  test(`The fake claude does as the real one: ${name}`, { skip: !fakeClaudeBinary() && 'claude_fake is not built' }, async () => {
    const real = await play(claudeBinary(), 'go', situation);
    const fake = await play(fakeClaudeBinary(), situation.say, situation);
    assert.deepEqual(shape(fake, situation.ignore), shape(real, situation.ignore));
  });
}
