// Several tutti processes over one store, killed at random: every acknowledged run ends once, and well.
// The agents are the fast fake claude; the real one is not needed to confuse replicas.

import assert from 'node:assert/strict';

import { test } from './support/bounded.mjs';
import { World, fakeClaudeBinary } from './support/world.mjs';

const kReplicas = 3;
const kSessions = 6;
const kTurns = 8;
// Raise it for a long hunt: each round is another order of events.
const kRounds = Number(process.env.TUTTI_ROUNDS ?? 1);

/** A small generator, so that a failing order can be played again. */
function randomFrom(seed) {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * below);
  };
}

/** Asks any living replica, again with another one when it dies under the question. */
async function ask(pool, tool, args) {
  for (;;) {
    const client = pool.pick();
    try {
      return await client.call(tool, args);
    } catch (error) {
      if (error.error || error.rpc) throw error;  // an answer; anything else is a death
    }
  }
}

async function finished(pool, run_id) {
  for (;;) {
    const result = await ask(pool, 'get_result', { run_id, wait_s: 5 });
    if (result.finished) return result;
  }
}

async function converse(pool, world, name) {
  const key = (turn) => `${name}-${turn}`;
  let handle = await ask(pool, 'start_agent', {
    blueprint: 'claude', prompt: `say:${name} 0`, project_dir: world.project, name, idempotency_key: key(0) });
  for (let turn = 0; ; ++turn) {
    const result = await finished(pool, handle.run_id);
    assert.equal(result.status, 'completed', `${name} turn ${turn}: ${JSON.stringify(result)}`);
    assert.equal(result.result_text, `${name} ${turn}`);
    if (turn + 1 === kTurns) return handle.session_id;
    handle = await ask(pool, 'resume', {
      session_id: handle.session_id, prompt: `sleep:${40 * (turn % 3)}\nsay:${name} ${turn + 1}`, idempotency_key: key(turn + 1) });
  }
}

async function eventsOf(pool, session_id) {
  const events = [];
  for (let cursor = ''; ;) {
    const page = await ask(pool, 'get_events', { session_id, cursor, limit: 1000 });
    events.push(...page.events);
    if (!page.has_more) return events;
    cursor = page.next_cursor;
  }
}

async function round(seed) {
  const world = await World.create({ claude: fakeClaudeBinary() });
  try {
    await confuse(world, seed);
  } finally {
    await world.close();
  }
}

async function confuse(world, seed) {
  const random = randomFrom(seed);
  const clients = [];
  for (let i = 0; i < kReplicas; ++i) clients.push(await world.tutti());
  const pool = { pick: () => clients[random(clients.length)] };

  let over = false;
  const conversations = Promise.all(
    Array.from({ length: kSessions }, (_, i) => converse(pool, world, `s${i}`))).finally(() => (over = true));
  const killing = (async () => {
    while (!over) {
      await new Promise((resume) => setTimeout(resume, random(120)));
      const at = random(clients.length);
      const fresh = await world.tutti();
      const [old] = clients.splice(at, 1, fresh);
      if (random(2)) await old.kill();
      else await old.close();
    }
  })();
  const [sessions] = await Promise.all([conversations, killing]);

  for (const session_id of sessions) {
    const events = await eventsOf(pool, session_id);
    const ends = events.filter((event) => event.event_type === 'run_completed');
    assert.equal(ends.length, kTurns, `${session_id}, seed ${seed}: ${events.map((e) => e.event_type).join()}`);
    const said = events.filter((e) => e.event_type === 'message' && e.role === 'assistant');
    assert.equal(said.length, kTurns, 'each thing said is recorded once');
  }
}

test('Replicas that come, go and die lose no run and run none twice',
  { skip: !fakeClaudeBinary() && 'claude_fake is not built', timeout: 90000 * kRounds },
  async () => {
    for (let i = 0; i < kRounds; ++i) await round(Number(process.env.TUTTI_SEED ?? 1) + i);
  });
