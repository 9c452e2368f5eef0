// The fake API itself: what a script may do, and that side requests never consume a scripted turn.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { startFakeAnthropic } from '../fakes/anthropic/server.mjs';
import { test } from './support/bounded.mjs';

const kMain = fileURLToPath(new URL('../fakes/anthropic/main.mjs', import.meta.url));

function question(messages, more = {}) {
  return { model: 'm', max_tokens: 32000, tools: [{ name: 'Bash' }], messages, ...more };
}

const user = (content) => ({ role: 'user', content });

async function ask(url, body, path_ = '/v1/messages') {
  const response = await fetch(url + path_, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, text: await response.text() };
}

async function fakeFor(t, script) {
  const fake = await startFakeAnthropic({ script });
  t.after(() => fake.close());
  return fake;
}

test('Turns are given in order and the last one repeats', async (t) => {
  const fake = await fakeFor(t, ['one', 'two']);
  const texts = [];
  for (let i = 0; i < 3; ++i) {
    texts.push(JSON.parse((await ask(fake.url, question([user('q')]))).text).content[0].text);
  }
  assert.deepEqual(texts, ['one', 'two', 'two']);
});

test('Side requests are answered and consume no turn', async (t) => {
  const fake = await fakeFor(t, ['scripted']);

  const probe = await ask(fake.url, question([user('quota')], { max_tokens: 1 }));
  const side = await ask(fake.url, { model: 'm', max_tokens: 500, messages: [user('summarise')] });
  const count = await ask(fake.url, { messages: [user('abcd')] }, '/v1/messages/count_tokens');
  const main = await ask(fake.url, question([user('q')]));

  assert.deepEqual([probe.status, side.status, count.status], [200, 200, 200]);
  assert.equal(JSON.parse(main.text).content[0].text, 'scripted');
  assert.deepEqual(fake.requests.map((r) => r.kind), ['probe', 'side', 'count_tokens', 'main']);
});

test('A streamed tool use can be put together from its pieces', async (t) => {
  const input = { command: 'ls -l', deep: { list: [1, 2, 3] } };
  const fake = await fakeFor(t, [{ tool_use: { name: 'Bash', input }, chunk_chars: 5 }]);

  const { text } = await ask(fake.url, question([user('q')], { stream: true }));

  const data = text.split('\n').filter((line) => line.startsWith('data: ')).map((line) => JSON.parse(line.slice(6)));
  const json = data.filter((d) => d.type === 'content_block_delta').map((d) => d.delta.partial_json).join('');
  assert.deepEqual(JSON.parse(json), input);
  assert.equal(data.at(-2).delta.stop_reason, 'tool_use');
  assert.equal(data.at(-1).type, 'message_stop');
});

test('An error has the status, the type and the words of the script', async (t) => {
  const fake = await fakeFor(t, [{ error: { status: 529, message: 'too much' } }]);
  const { status, text } = await ask(fake.url, question([user('q')]));
  assert.equal(status, 529);
  assert.deepEqual(JSON.parse(text).error, { type: 'overloaded_error', message: 'too much' });
});

test('A request that is never answered is cut when the client leaves, and the log says so', async (t) => {
  const fake = await fakeFor(t, [{ hang: true }]);
  const abort = new AbortController();
  const asked = fetch(`${fake.url}/v1/messages`, {
    method: 'POST', body: JSON.stringify(question([user('q')])), signal: abort.signal,
  }).catch(() => {});
  const entry = await fake.waitFor((r) => r.kind === 'main');
  abort.abort();
  await asked;
  while (!entry.aborted) await new Promise((resume) => setImmediate(resume));
  assert.equal(entry.aborted, true);
});

test('Keys are not kept in the log', async (t) => {
  const fake = await fakeFor(t, ['x']);
  await fetch(`${fake.url}/v1/messages`, {
    method: 'POST', headers: { 'x-api-key': 'sk-secret' }, body: JSON.stringify(question([user('q')])),
  });
  assert.doesNotMatch(JSON.stringify(fake.requests), /sk-secret/);
});

test('The program follows a JSON script: rules, placeholders, log, port file', async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fake-anthropic-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const file = (name) => path.join(folder, name);
  fs.writeFileSync(file('script.json'), JSON.stringify({
    rules: [
      { when: { after_tool: 'mcp__tutti__start_agent' },
        reply: { tool_use: { name: 'mcp__tutti__get_result', input: { session_id: '{{tool_result.session_id}}' } } } },
      { when: { user: '^echo ' }, reply: { text: 'you said {{user}} in turn {{turns}}' } },
    ],
    default: { text: 'otherwise' },
  }));
  const program = spawn(process.execPath, [
    kMain, '--script', file('script.json'), '--port-file', file('port'), '--log', file('log')]);
  const ended = once(program, 'close');
  const [line] = await once(program.stdout.setEncoding('utf8'), 'data');
  const { url, port } = JSON.parse(line);
  assert.equal(Number(fs.readFileSync(file('port'), 'utf8')), port);

  const first = JSON.parse((await ask(url, question([user('echo a')]))).text);
  const second = JSON.parse((await ask(url, question([
    user('go'),
    { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'mcp__tutti__start_agent', input: {} }] },
    user([{ type: 'tool_result', tool_use_id: 't1', content: '{"session_id":"ses_7"}' }]),
  ]))).text);
  const third = JSON.parse((await ask(url, question([user('else')]))).text);
  program.kill('SIGTERM');
  const [code] = await ended;

  assert.equal(first.content[0].text, 'you said echo a in turn 1');
  assert.deepEqual(second.content[0].input, { session_id: 'ses_7' });
  assert.equal(third.content[0].text, 'otherwise');
  assert.equal(fs.readFileSync(file('log'), 'utf8').trim().split('\n').length, 3);
  assert.equal(code, 0);
});
