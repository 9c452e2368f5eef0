// Records what the real Claude Code prints in the situations a driver must handle, as fixtures:
//   node tests/fakes/claude/record.mjs [scenario …]
// writes transcripts/<scenario>.ndjson (stdout, line by line) and <scenario>.stdin.ndjson, with paths
// and ids replaced by neutral values, and prints a summary of each. Run it again after a new version.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';

import { startFakeAnthropic } from '../anthropic/server.mjs';
import { promptsOf, viewOf } from '../anthropic/script.mjs';
import { Claude, claudeEnv, kDriverArgs } from '../../e2e/support/claude.mjs';

const kOut = fileURLToPath(new URL('transcripts/', import.meta.url));
const kSession = '11111111-2222-4333-8444-555555555555';
const kDescriptionMax = 60;
const kUnknown = '99999999-2222-4333-8444-555555555555';
const kSchema = JSON.stringify({
  type: 'object', properties: { answer: { type: 'integer' } }, required: ['answer'], additionalProperties: false,
});
const kWrite = { tool_use: { name: 'Write', input: { file_path: '{{cwd}}/a.txt', content: 'hi' } } };

const answer = (id, response) => ({
  type: 'control_response', response: { subtype: 'success', request_id: id, response },
});
const permission = (r) => r.type === 'control_request' && r.request.subtype === 'can_use_tool';
const callOnce = (use, text) => (r) => (viewOf(r).after_tool ? { text: `${text}: ${viewOf(r).tool_result}` } : use);

const scenarios = {
  async plain_turn(run) {
    const claude = run.start(['--session-id', kSession], ['plain answer']);
    claude.prompt('say something');
    await claude.result();
    return claude.closeInput();
  },

  async two_turns(run) {
    const claude = run.start(['--session-id', kSession], ['first answer', 'second answer']);
    claude.prompt('question one');
    await claude.result(1);
    claude.prompt('question two');
    await claude.result(2);
    return claude.closeInput();
  },

  async two_prompts_at_once(run) {
    const claude = run.start(['--session-id', kSession], [{ text: 'slow answer', chunk_chars: 1, delay_ms: 60 }, 'next']);
    claude.prompt('question one');
    await claude.next((r) => r.subtype === 'init');
    claude.prompt('question two');
    return run.endsBySelf(claude);
  },

  async permission_allowed(run) {
    const claude = run.start(['--session-id', kSession], callOnce(run.write(), 'done'));
    claude.prompt('write a file');
    const asked = await claude.next(permission);
    claude.send(answer(asked.request_id, { behavior: 'allow', updatedInput: asked.request.input }));
    await claude.result();
    return claude.closeInput();
  },

  async permission_denied(run) {
    const claude = run.start(['--session-id', kSession], callOnce(run.write(), 'refused'));
    claude.prompt('write a file');
    const asked = await claude.next(permission);
    claude.send(answer(asked.request_id, { behavior: 'deny', message: 'no rule of the blueprint allows Write' }));
    await claude.result();
    return claude.closeInput();
  },

  async permission_denied_interrupt(run) {
    const claude = run.start(['--session-id', kSession], callOnce(run.write(), 'refused'));
    claude.prompt('write a file');
    const asked = await claude.next(permission);
    claude.send(answer(asked.request_id, { behavior: 'deny', message: 'denied and stop', interrupt: true }));
    await claude.result();
    return claude.closeInput();
  },

  async permission_unanswered(run) {
    const claude = run.start(['--session-id', kSession], callOnce(run.write(), 'never'));
    claude.prompt('write a file');
    await claude.next(permission);
    return claude.closeInput();
  },

  async structured(run) {
    const claude = run.start(['--session-id', kSession, '--json-schema', kSchema],
      (r) => (viewOf(r).after_tool ? { text: 'finished' }
        : { tool_use: { name: 'StructuredOutput', input: { answer: 42 } } }));
    claude.prompt('answer as data');
    await claude.result();
    return claude.closeInput();
  },

  async structured_second_turn(run) {
    let calls = 0;
    const claude = run.start(['--session-id', kSession, '--json-schema', kSchema],
      (r) => (viewOf(r).after_tool ? { text: 'finished' }
        : { tool_use: { name: 'StructuredOutput', input: { answer: ++calls } } }));
    claude.prompt('answer as data');
    await claude.result(1);
    claude.prompt('and again');
    await claude.result(2);
    return claude.closeInput();
  },

  async structured_wrong(run) {
    const claude = run.start(['--session-id', kSession, '--json-schema', kSchema],
      () => ({ tool_use: { name: 'StructuredOutput', input: { answer: 'not a number' } } }));
    claude.prompt('answer as data');
    return run.endsBySelf(claude);
  },

  async structured_text_only(run) {
    const claude = run.start(['--session-id', kSession, '--json-schema', kSchema], ['just words']);
    claude.prompt('answer as data');
    return run.endsBySelf(claude);
  },

  async resume(run) {
    await scenarios.plain_turn(run);
    const claude = run.start(['--resume', kSession], ['resumed answer']);
    claude.prompt('what did I say before?');
    await claude.result();
    return claude.closeInput();
  },

  async resume_unknown(run) {
    const claude = run.start(['--resume', kUnknown], ['never']);
    claude.prompt('hello');
    return run.endsBySelf(claude);
  },

  async session_id_in_use(run) {
    await scenarios.plain_turn(run);
    const claude = run.start(['--session-id', kSession], ['never']);
    claude.prompt('hello');
    return run.endsBySelf(claude);
  },

  async resume_other_cwd(run) {
    await scenarios.plain_turn(run);
    const claude = run.start(['--resume', kSession], ['resumed elsewhere'], { cwd: run.home });
    claude.prompt('hello');
    return run.endsBySelf(claude);
  },

  async max_turns(run) {
    const claude = run.start(['--session-id', kSession, '--max-turns', '1', '--allowedTools', 'Bash(true)'],
      () => ({ tool_use: { name: 'Bash', input: { command: 'true', description: 'nothing' } } }));
    claude.prompt('loop');
    return run.endsBySelf(claude);
  },

  async max_budget(run) {
    const claude = run.start(['--session-id', kSession, '--max-budget-usd', '0.01', '--allowedTools', 'Bash(true)'],
      () => ({
        tool_use: { name: 'Bash', input: { command: 'true', description: 'nothing' } },
        usage: { input_tokens: 100000, output_tokens: 5000 },
      }));
    claude.prompt('spend');
    return run.endsBySelf(claude);
  },

  async api_error_400(run) {
    const claude = run.start(['--session-id', kSession], [{ error: { status: 400, message: 'scripted bad request' } }]);
    claude.prompt('hello');
    return run.endsBySelf(claude);
  },

  async api_error_401(run) {
    const claude = run.start(['--session-id', kSession], [{ error: { status: 401, message: 'invalid x-api-key' } }]);
    claude.prompt('hello');
    return run.endsBySelf(claude);
  },

  async api_error_429(run) {
    const claude = run.start(['--session-id', kSession],
      [{ error: { status: 429, message: 'scripted limit', headers: { 'retry-after': '1' } } }]);
    claude.prompt('hello');
    return run.endsBySelf(claude);
  },

  async api_error_529(run) {
    const claude = run.start(['--session-id', kSession], [{ error: { status: 529, message: 'Overloaded' } }]);
    claude.prompt('hello');
    return run.endsBySelf(claude);
  },

  async api_retry_then_ok(run) {
    const claude = run.start(['--session-id', kSession], [{ error: { status: 500, message: 'scripted' } }, 'after a retry']);
    claude.prompt('hello');
    return run.endsBySelf(claude);
  },

  async interrupt(run) {
    const claude = run.start(['--session-id', kSession], [{ text: 'partial', stall: true }, 'after the interrupt']);
    claude.prompt('think long');
    await claude.next((r) => r.subtype === 'init');
    await run.fake.waitFor((r) => r.kind === 'main');
    await delay(300);
    claude.send({ type: 'control_request', request_id: 'int-1', request: { subtype: 'interrupt' } });
    await claude.result(1);
    claude.prompt('go on');
    await claude.result(2);
    return claude.closeInput();
  },

  async initialize(run) {
    const claude = run.start(['--session-id', kSession], ['hello']);
    claude.send({ type: 'control_request', request_id: 'init-1', request: { subtype: 'initialize' } });
    await claude.next((r) => r.type === 'control_response');
    claude.prompt('hello');
    await claude.result();
    return claude.closeInput();
  },

  async sigterm_idle(run) {
    const claude = run.start(['--session-id', kSession], ['one']);
    claude.prompt('hello');
    await claude.result();
    claude.child.kill('SIGTERM');
    return claude.exited;
  },

  async sigterm_in_turn(run) {
    const claude = run.start(['--session-id', kSession], [{ text: 'partial', stall: true }]);
    claude.prompt('hello');
    await run.fake.waitFor((r) => r.kind === 'main');
    await delay(300);
    claude.child.kill('SIGTERM');
    return claude.exited;
  },

  async killed_then_resumed(run) {
    const first = run.start(['--session-id', kSession], [{ text: 'partial', stall: true }]);
    first.prompt('the turn that was cut');
    await run.fake.waitFor((r) => r.kind === 'main');
    await delay(300);
    await first.kill();
    run.note(`killed: ${JSON.stringify(await first.exited)}`);
    const claude = run.start(['--resume', kSession], ['after the kill']);
    claude.prompt('are you there?');
    return run.endsBySelf(claude);
  },

  async thinking(run) {
    const claude = run.start(['--session-id', kSession], [{ thinking: 'let me think', text: 'thought about it' }]);
    claude.prompt('think');
    await claude.result();
    return claude.closeInput();
  },

  async partial_messages(run) {
    const claude = run.start(['--session-id', kSession, '--include-partial-messages'],
      [{ text: 'streamed text', chunk_chars: 4 }]);
    claude.prompt('stream');
    await claude.result();
    return claude.closeInput();
  },

  async mcp_server_missing(run) {
    const config = { mcpServers: { tutti: { command: '/nonexistent/tutti', args: ['stdio'] } } };
    const claude = run.start(['--session-id', kSession, '--strict-mcp-config', '--mcp-config', JSON.stringify(config)], ['ok']);
    claude.prompt('hello');
    return run.endsBySelf(claude);
  },

  async no_verbose(run) {
    const claude = run.start(['--session-id', kSession], ['never'], {
      base: ['-p', '--input-format', 'stream-json', '--output-format', 'stream-json'],
    });
    claude.prompt('hello');
    return run.endsBySelf(claude);
  },

  async bad_input(run) {
    const claude = run.start(['--session-id', kSession], ['never']);
    claude.child.stdin.write('this is no json\n');
    return run.endsBySelf(claude);
  },
};

class Run {
  notes = [];

  static async create() {
    const run = new Run();
    // realpath: Claude names its project folder after the resolved directory.
    run.root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'claude-record-')));
    run.home = path.join(run.root, 'home');
    run.cwd = path.join(run.root, 'project');
    fs.mkdirSync(run.home);
    fs.mkdirSync(run.cwd);
    run.fake = await startFakeAnthropic({ script: ['unused'] });
    return run;
  }

  write() {
    return JSON.parse(JSON.stringify(kWrite).replaceAll('{{cwd}}', this.cwd));
  }

  start(args, script, { cwd = this.cwd, base = kDriverArgs } = {}) {
    this.fake.setScript(script);
    const env = claudeEnv({ home: this.home, url: this.fake.url });
    const started = Date.now();
    const claude = new Claude({ args: [...base, ...args], env, cwd });
    claude.exited.then(() => this.note(`process lived ${Date.now() - started} ms`));
    this.claude = claude;
    return claude;
  }

  async endsBySelf(claude) {
    claude.child.stdin.end();
    return claude.exited;
  }

  note(text) {
    this.notes.push(text);
  }

  scrub(text) {
    return text
      .replaceAll(this.home, '/home/user')
      .replaceAll(this.cwd, '/home/user/project')
      .replaceAll(this.cwd.replaceAll('/', '-'), '-home-user-project')
      .replaceAll(this.root, '/home/user')
      .replaceAll(`127.0.0.1:${this.fake.port}`, '127.0.0.1:1')
      .replace(/(msg|toolu|req)_[0-9a-f]{18}/g, '$1_000000000000000000')
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (uuid) =>
        uuid === kSession || uuid === kUnknown ? uuid : '00000000-0000-4000-8000-000000000000')
      .replace(/cc-socks\/\d+/g, 'cc-socks/1')
      .replace(/"timestamp":"[^"]*"/g, '"timestamp":"2026-01-01T00:00:00.000Z"');
  }

  async end() {
    await this.fake.close();
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}

// Descriptions of Claude's own commands are long and of no use to a driver.
function shortened(key, value) {
  return key === 'description' && value.length > kDescriptionMax ? `${value.slice(0, kDescriptionMax)}…` : value;
}

function describe(record) {
  const parts = [record.type, record.subtype ?? record.request?.subtype].filter(Boolean);
  if (record.type === 'assistant' || record.type === 'user') {
    parts.push(JSON.stringify(record.message.content).slice(0, 160));
  }
  return parts.join('/');
}

async function record(name) {
  const run = await Run.create();
  try {
    const limit = setTimeout(() => run.claude?.kill(), 60000);
    const end = await scenarios[name](run);
    clearTimeout(limit);
    const { claude, fake } = run;
    const lines = claude.records.map((r) => `${run.scrub(JSON.stringify(r, shortened))}\n`).join('');
    const sent = claude.sent.map((r) => `${run.scrub(JSON.stringify(r))}\n`).join('');
    fs.mkdirSync(kOut, { recursive: true });
    fs.writeFileSync(path.join(kOut, `${name}.ndjson`), lines);
    fs.writeFileSync(path.join(kOut, `${name}.stdin.ndjson`), sent);

    console.log(`\n=== ${name}: exit ${JSON.stringify(end)} ${run.notes.join('; ')}`);
    for (const r of claude.records) console.log('  ', describe(r));
    for (const r of claude.records.filter((x) => x.type === 'result' || x.type === 'control_request' || x.unparsed)) {
      console.log('   >', run.scrub(JSON.stringify({ ...r, usage: undefined, modelUsage: undefined })).slice(0, 1500));
    }
    if (claude.stderr) console.log('   stderr:', run.scrub(claude.stderr.trim()).slice(0, 800));
    console.log('   api:', fake.summary());
    for (const r of fake.main()) console.log('     ', JSON.stringify(promptsOf(r.body)), viewOf(r).after_tool);
  } finally {
    await run.claude?.kill();
    await run.end();
  }
}

const wanted = process.argv.slice(2);
for (const name of wanted.length ? wanted : Object.keys(scenarios)) await record(name);
