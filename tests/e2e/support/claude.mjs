// The real Claude Code from npm: where it is, the environment it runs in, and one process of it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const kTests = fileURLToPath(new URL('../..', import.meta.url));
const kStubMaxBytes = 1024 * 1024;

/** The native binary that `npm ci --prefix tests` installed. */
export function claudeBinary() {
  const scope = path.join(kTests, 'node_modules', '@anthropic-ai');
  const candidates = [
    path.join(scope, `claude-code-linux-${process.arch}`, 'claude'),
    path.join(scope, 'claude-code', 'bin', 'claude.exe'),
  ];
  // bin/claude.exe is a small placeholder when npm did not run install scripts.
  const found = candidates.find((file) => fs.existsSync(file) && fs.statSync(file).size > kStubMaxBytes);
  if (!found) throw new Error(`Claude Code is not installed; run: npm ci --prefix ${kTests}`);
  return found;
}

/** The whole environment of a Claude Code that must reach nothing but the fake API. */
export function claudeEnv({ home, url }) {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: home,
    LANG: 'C.UTF-8',
    CLAUDE_CONFIG_DIR: path.join(home, '.claude'),
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_API_KEY: 'sk-ant-dummy-key-for-tests',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_ERROR_REPORTING: '1',
    DISABLE_AUTOUPDATER: '1',
    // A second attempt after an API error would only wait; the tests say how many they want.
    CLAUDE_CODE_MAX_RETRIES: '1',
  };
}

/** The long-lived driver's command line, as tutti's claude driver uses it. */
export const kDriverArgs = [
  '-p', '--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose',
  '--permission-prompt-tool', 'stdio',
];

/** One `claude` process spoken to in stream-json. */
export class Claude {
  /** Parsed stdout lines in order. A line that is no JSON is kept as {unparsed: line}. */
  records = [];
  sent = [];
  stderr = '';

  constructor({ args, env, cwd, binary = claudeBinary() }) {
    this.args = args;
    this.child = spawn(binary, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.child.stdin.on('error', () => {});  // the process may be gone; its exit tells
    this.exited = once(this.child, 'close').then(
      ([code, signal]) => ({ code, signal }), (error) => ({ code: null, signal: null, error }));
    this.waiters_ = [];
    this.pending_ = '';
    this.child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
    this.child.stdout.setEncoding('utf8').on('data', (text) => this.take_(text));
    this.exited.then((end) => {
      for (const waiter of this.waiters_.splice(0)) waiter.reject(this.endedError_(end));
    });
  }

  send(record) {
    this.sent.push(record);
    this.child.stdin.write(`${JSON.stringify(record)}\n`);
  }

  prompt(text) {
    this.send({
      type: 'user', message: { role: 'user', content: [{ type: 'text', text }] }, parent_tool_use_id: null,
    });
  }

  /** The next record, from `records[from]` on, for which `matches` holds. */
  next(matches, from = 0) {
    const known = this.records.slice(from).find(matches);
    if (known) return Promise.resolve(known);
    return new Promise((resolve, reject) => this.waiters_.push({ matches, resolve, reject }));
  }

  /** The `n`th result record, counted from 1. */
  async result(n = 1) {
    const matches = () => this.records.filter((r) => r.type === 'result').length >= n;
    await this.next(matches);
    return this.records.filter((r) => r.type === 'result')[n - 1];
  }

  closeInput() {
    this.child.stdin.end();
    return this.exited;
  }

  /** Ends the whole process group, whatever state it is in. */
  async kill() {
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // already gone
    }
    return this.exited;
  }

  take_(text) {
    this.pending_ += text;
    const lines = this.pending_.split('\n');
    this.pending_ = lines.pop();
    for (const line of lines) if (line !== '') this.add_(line);
  }

  add_(line) {
    let record;
    try {
      record = JSON.parse(line);
    } catch {
      record = { unparsed: line };
    }
    this.records.push(record);
    for (const waiter of [...this.waiters_]) {
      if (!waiter.matches(record)) continue;
      this.waiters_.splice(this.waiters_.indexOf(waiter), 1);
      waiter.resolve(record);
    }
  }

  endedError_({ code, signal, error }) {
    if (error) return error;  // it could not be started
    const seen = this.records.map((r) => `${r.type}/${r.subtype ?? ''}`).join(' ');
    return new Error(`claude ended (code ${code}, signal ${signal}); records: ${seen}; stderr: ${this.stderr}`);
  }
}
