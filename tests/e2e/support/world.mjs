// One test's world: a folder of its own with home, project and store; a fake API; the tutti under test.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';

import { startFakeAnthropic } from '../../fakes/anthropic/server.mjs';
import { claudeBinary, claudeEnv } from './claude.mjs';
import { McpClient } from './mcp.mjs';

const kRepository = fileURLToPath(new URL('../../..', import.meta.url));

/** The program under test: $TUTTI_BIN, or the release build. */
export function tuttiBinary() {
  const file = path.resolve(process.env.TUTTI_BIN ?? path.join(kRepository, 'build/release/tutti'));
  if (!fs.existsSync(file)) throw new Error(`no tutti at ${file}; build it or set TUTTI_BIN`);
  return file;
}

/** The fast fake claude built beside the tutti under test, or null. */
export function fakeClaudeBinary() {
  const build = path.dirname(path.resolve(process.env.TUTTI_BIN ?? path.join(kRepository, 'build/release/tutti')));
  const file = path.resolve(process.env.CLAUDE_FAKE ?? path.join(build, 'tests/fakes/claude_fake'));
  return fs.existsSync(file) ? file : null;
}

export class World {
  clients = [];

  /** @param {object} options  script: of the fake API; claude: the program to start as `claude` */
  static async create({ script = ['ok'], claude = claudeBinary() } = {}) {
    const world = new World();
    world.root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'tutti-e2e-')));
    for (const name of ['home', 'project', 'data', 'bin', 'blueprints']) {
      world[name] = path.join(world.root, name);
      fs.mkdirSync(world[name]);
    }
    fs.symlinkSync(claude, path.join(world.bin, 'claude'));
    world.fake = await startFakeAnthropic({ script });
    return world;
  }

  /** What tutti sees: nothing of ours but the fake API and a PATH that leads to `claude`. */
  env() {
    const env = claudeEnv({ home: this.home, url: this.fake.url });
    return { ...env, PATH: `${this.bin}:${env.PATH}`, TUTTI_DATA: this.data };
  }

  /** Adds a blueprint in AOF's layout; `tutti()` is told of the folder. */
  blueprint(name, agent, system_prompt) {
    const folder = path.join(this.blueprints, 'agents', name);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'agent.json'), JSON.stringify({ name, description: `${name} of a test`, ...agent }));
    if (system_prompt) fs.writeFileSync(path.join(folder, 'agent.system-prompt.md'), system_prompt);
  }

  /** Starts `tutti stdio` over this world's store and opens the conversation. */
  async tutti({ modern = false, args = [] } = {}) {
    const client = new McpClient({
      command: [tuttiBinary(), 'stdio', '--blueprints', this.blueprints, ...args],
      env: this.env(), cwd: this.project, modern,
    });
    this.clients.push(client);
    await client.open();
    return client;
  }

  /** Starts `tutti serve` over this world's store; gives {url, child}. It ends with the world. */
  async serve(args = []) {
    const port_file = path.join(this.root, 'port');
    const child = spawn(tuttiBinary(), ['serve', '--port', '0', '--port-file', port_file, '--blueprints', this.blueprints, ...args],
      { env: this.env(), cwd: this.project, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', () => {});
    const port = await this.until('tutti serve to listen', () => {
      if (child.exitCode !== null) throw new Error(`tutti serve ended with ${child.exitCode}: ${stderr}`);
      return fs.existsSync(port_file) && Number(fs.readFileSync(port_file, 'utf8'));
    });
    return { url: `http://127.0.0.1:${port}`, child };
  }

  /** Polls until `condition` gives something true. The condition is the synchronisation, not the pause. */
  async until(what, condition, wait_ms = 60000) {
    const end = Date.now() + wait_ms;
    for (;;) {
      const value = await condition();
      if (value) return value;
      if (Date.now() > end) throw new Error(`not within ${wait_ms} ms: ${what}; api: ${this.fake.summary()}`);
      await delay(20);
    }
  }

  /** Processes whose environment or command line names this world: {pid, pgid, command}. */
  processes() {
    return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)
      .filter((pid) => pid !== process.pid)
      .map((pid) => describeProcess(pid))
      .filter((p) => p && !p.zombie && (p.command.includes(this.root) || p.environ.includes(this.root)));
  }

  /** The `claude` processes of this world. */
  claudes() {
    return this.processes().filter((p) => p.command.includes('--input-format'));
  }

  /** What Claude has written of its conversations, as one text. */
  transcripts() {
    const folder = path.join(this.home, '.claude', 'projects');
    if (!fs.existsSync(folder)) return '';
    return fs.readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.jsonl'))
      .map((name) => fs.readFileSync(path.join(folder, name), 'utf8')).join('');
  }

  /** Ends clients, every process that is left, and the folder. Gives what had to be killed. */
  async close() {
    for (const client of this.clients) await client.close();
    const left = this.processes();
    for (const p of left) {
      try {
        process.kill(p.pid, 'SIGKILL');
      } catch {
        // it ended meanwhile
      }
    }
    await this.until('processes of the world to end', () => this.processes().length === 0);
    await this.fake.close();
    if (process.env.TUTTI_KEEP) console.error(`kept ${this.root}`);
    else fs.rmSync(this.root, { recursive: true, force: true });
    return left;
  }
}

function describeProcess(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, , pgid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      pid,
      pgid: Number(pgid),
      zombie: state === 'Z',
      command: fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '),
      environ: fs.readFileSync(`/proc/${pid}/environ`, 'utf8'),
    };
  } catch {
    return null;  // it ended while we looked
  }
}

/** A world of one test's own, gone with it; options as for create(). */
export async function worldFor(t, options) {
  const world = await World.create(options);
  t.after(() => world.close());
  return world;
}
