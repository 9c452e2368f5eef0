// What open event streams cost, how soon a change reaches them all, and what clients that do not read cost the others.
// usage: node tests/bench/streams.mjs FIXTURE [STREAMS]      FIXTURE: BUILD/tests/conformance_fixture;
// it needs bench_stream_reader of the same build (ninja bench_protocol) and wrk.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

const [fixture, wanted = '1000'] = process.argv.slice(2);
const reader = path.join(path.dirname(fixture), 'bench', 'bench_stream_reader');
const kStreams = Number(wanted);
const kRounds = 10;
const kSlowReaders = 100;
const kPipelined = 2000;  // answers asked for by a client that reads none
const kFloods = 8;
const kQuietCalls = 500;
const kMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

function post(method, params, name) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: kMeta } });
  return `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`
    + `Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: ${method}\r\n`
    + `${name ? `Mcp-Name: ${name}\r\n` : ''}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

async function connected(port) {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** The streams are read by a program: what is measured is the server, not who listens. */
function measureStreams(port, pid) {
  const out = execFileSync(reader, [port, pid, kStreams, kRounds].map(String), { encoding: 'utf8' });
  const { kb_each: each, p50_ms: p50, max_ms: max, server_ms: cpu } = JSON.parse(out);
  console.log(`${kStreams} idle event streams            ${each.toFixed(1)} KB each (target 20)`);
  console.log(`a change reaches all of them      p50 ${p50.toFixed(1)} ms, max ${max.toFixed(1)} ms (target 10); `
    + `${cpu.toFixed(1)} ms of the server's CPU`);
}

/** wrk's p99 in ms of a small call on 16 connections. */
function p99(port) {
  const script = `${process.env.TMPDIR ?? '/tmp'}/tutti-streams-${process.pid}.lua`;
  const request = post('tools/call', { name: 'test_simple_text', arguments: {} }, 'test_simple_text');
  const [head, body] = request.split('\r\n\r\n');
  const headers = head.split('\r\n').slice(2).filter((line) => !line.startsWith('Content-Length'))
    .map((line) => `wrk.headers["${line.split(': ')[0]}"] = "${line.split(': ')[1]}"`).join('\n');
  fs.writeFileSync(script, `wrk.method = "POST"\nwrk.body = [[${body}]]\n${headers}\n`
    + 'done = function(s, l) print("p99 " .. l:percentile(99) / 1000) end\n');
  const out = execFileSync('wrk', ['-t1', '-c16', '-d3s', '-s', script, `http://127.0.0.1:${port}/mcp`], { encoding: 'utf8' });
  fs.rmSync(script);
  return Number(/^p99 (.*)$/m.exec(out)[1]);
}

function cpuTicks(pid) {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13).map(Number);
  return user + system;
}

/** Waits until the server has done what it will do for clients that do not read. */
async function settled(pid) {
  for (let before = -1, now = cpuTicks(pid); now !== before;) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    [before, now] = [now, cpuTicks(pid)];
  }
}

async function measureSlowReaders(port, pid) {
  const alone = [];
  const beside = [];
  // In turns, and the median counts: what else the machine does hits both alike.
  for (let round = 0; round < 3; ++round) {
    await settled(pid);
    alone.push(p99(port));
    const slow = [];
    for (let i = 0; i < kSlowReaders; ++i) {
      const socket = await connected(port);
      socket.pause();
      socket.write(post('tools/list', {}).repeat(kPipelined));
      slow.push(socket);
    }
    await settled(pid);
    beside.push(p99(port));
    for (const socket of slow) socket.destroy();
  }
  const median = (list) => list.sort((a, b) => a - b)[1];
  const [a, b] = [median(alone), median(beside)];
  console.log(`p99 of others' calls              ${a.toFixed(2)} ms alone, ${b.toFixed(2)} ms beside ${kSlowReaders} clients that do not read: `
    + `${(b / a).toFixed(2)} (target 1.10)`);
}

/** Calls one after the other on one connection: their times in ms. */
async function callTimes(port, count) {
  const socket = await connected(port);
  const call = post('tools/call', { name: 'test_simple_text', arguments: {} }, 'test_simple_text');
  const took = [];
  let answered = () => {};
  socket.on('data', () => answered());
  for (let i = 0; i < count; ++i) {
    const began = process.hrtime.bigint();
    const done = new Promise((resolve) => (answered = resolve));
    socket.write(call);
    await done;
    took.push(Number(process.hrtime.bigint() - began) / 1e6);
  }
  socket.destroy();
  return took.sort((a, b) => a - b);
}

/** wrk as clients that each keep thousands of requests under way; they read their answers. */
async function measureFloods(port) {
  const script = `${process.env.TMPDIR ?? '/tmp'}/tutti-floods-${process.pid}.lua`;
  const requests = post('tools/list', {}).repeat(kPipelined);
  fs.writeFileSync(script, `local all = [[${requests.replaceAll('\r\n', '\n')}]]\nall = all:gsub("\\n", "\\r\\n")\n`
    + 'request = function() return all end\n');
  const quiet = await callTimes(port, kQuietCalls);
  const floods = spawn('wrk', ['-t1', `-c${kFloods}`, '-d20s', '-s', script, `http://127.0.0.1:${port}/mcp`], { stdio: 'ignore' });
  const over = once(floods, 'exit');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const beside = await callTimes(port, kQuietCalls);
  floods.kill();
  await over;
  fs.rmSync(script);
  const show = (took) => `p50 ${took[took.length / 2].toFixed(2)} ms, p99 ${took[Math.floor(took.length * 0.99)].toFixed(2)} ms`;
  console.log(`a quiet client's calls            ${show(quiet)}; beside ${kFloods} that pipeline ${kPipelined} requests: ${show(beside)} (target 20)`);
}

const server = spawn(fixture, ['0'], { stdio: ['ignore', 'pipe', 'ignore'] });
try {
  const [line] = await once(server.stdout, 'data');
  const port = Number(String(line).trim());
  measureStreams(port, server.pid);
  await measureFloods(port);
  await measureSlowReaders(port, server.pid);
} finally {
  server.kill();
}
