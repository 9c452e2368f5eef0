// A fake Anthropic Messages API on 127.0.0.1, scripted by the test that starts it.
//
// The server answers what Claude Code asks at run time and keeps every request. Requests of the
// agent's main loop go to the script; side requests (probes, titles, summaries) get a fixed
// sensible answer and never consume a scripted turn. See README.md for the rules and for what
// Claude Code sends.

import http from 'node:http';
import { once } from 'node:events';

import { classify } from './classify.mjs';
import { makeScript } from './script.mjs';
import { sendReply, sendError } from './reply.mjs';

const kBodyMaxBytes = 64 * 1024 * 1024;

/**
 * Starts the server.
 * @param {object} options
 * @param {Function|Array|object} options.script  what the model says; see script.mjs
 * @param {number} [options.port]                 0 picks a free one
 * @param {(entry: object) => void} [options.onRequest]  called with each request as it is logged
 */
export async function startFakeAnthropic({ script = ['ok'], port = 0, onRequest } = {}) {
  const fake = new FakeAnthropic(script, onRequest);
  await fake.listen(port);
  return fake;
}

export class FakeAnthropic {
  /** Every request in order of arrival: {n, at, kind, method, path, headers, body, reply, aborted}. */
  requests = [];

  constructor(script, onRequest) {
    this.script_ = makeScript(script);
    this.onRequest_ = onRequest;
    this.waiters_ = new Set();
    this.server_ = http.createServer((request, response) => {
      this.handle_(request, response).catch((error) => {
        if (!response.headersSent) sendError(response, 500, 'api_error', String(error.stack ?? error));
        else response.destroy();
      });
    });
  }

  async listen(port) {
    this.server_.listen(port, '127.0.0.1');
    await once(this.server_, 'listening');
    this.port = this.server_.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
  }

  /** Replaces the script; turns counted so far are forgotten. */
  setScript(script) {
    this.script_ = makeScript(script);
  }

  /** The requests of the main loop, optionally of one Claude session only. */
  main(session_id) {
    return this.requests.filter(
      (r) => r.kind === 'main' && (!session_id || r.session_id === session_id));
  }

  /** Resolves with the first logged request for which `matches` holds; rejects after `wait_ms`. */
  waitFor(matches, wait_ms = 20000) {
    const known = this.requests.find(matches);
    if (known) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const waiter = { matches, resolve };
      waiter.timer = setTimeout(() => {
        this.waiters_.delete(waiter);
        reject(new Error(`no matching request within ${wait_ms} ms; saw: ${this.summary()}`));
      }, wait_ms);
      this.waiters_.add(waiter);
    });
  }

  /** One line per request, for failure messages. */
  summary() {
    return this.requests.map((r) => `#${r.n} ${r.method} ${r.path} ${r.kind}`).join('; ') || 'nothing';
  }

  /** Ends the server and cuts every open connection. */
  async close() {
    for (const waiter of this.waiters_) clearTimeout(waiter.timer);
    this.waiters_.clear();
    this.server_.close();
    this.server_.closeAllConnections();
    await once(this.server_, 'close').catch(() => {});
  }

  async handle_(request, response) {
    const body = parseBody(await readBody(request));
    const entry = this.log_(request, body);
    response.on('close', () => {
      if (!response.writableFinished) entry.aborted = true;
    });

    if (entry.kind === 'count_tokens') return sendJson(response, { input_tokens: roughTokens(body) });
    if (entry.kind === 'models') return sendJson(response, modelList(entry.path));
    if (entry.kind === 'other') return sendError(response, 404, 'not_found_error', `no ${entry.path} here`);
    if (entry.kind === 'malformed') {
      return sendError(response, 400, 'invalid_request_error', 'the body is not a JSON object');
    }

    const reply = entry.kind === 'main' || entry.kind === 'subagent'
      ? await this.script_(entry, this) : sideReply(entry.kind);
    entry.reply = reply;
    await sendReply(response, body, reply);
  }

  log_(request, body) {
    const path = request.url.split('?')[0];
    const entry = {
      n: this.requests.length + 1,
      at: Date.now(),
      kind: classify(request.method, path, request.headers, body),
      session_id: request.headers['x-claude-code-session-id'] ?? null,
      method: request.method,
      path,
      headers: redact(request.headers),
      body,
    };
    this.requests.push(entry);
    this.onRequest_?.(entry);
    for (const waiter of [...this.waiters_]) {
      if (!waiter.matches(entry)) continue;
      clearTimeout(waiter.timer);
      this.waiters_.delete(waiter);
      waiter.resolve(entry);
    }
    return entry;
  }
}

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > kBodyMaxBytes) throw new Error(`request body above ${kBodyMaxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseBody(text) {
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// The key is a dummy, but the log may be kept as an artefact, so it is not kept anyway.
function redact(headers) {
  const kept = { ...headers };
  for (const name of ['x-api-key', 'authorization']) if (kept[name]) kept[name] = '[redacted]';
  return kept;
}

function sendJson(response, value) {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

function roughTokens(body) {
  return Math.ceil(JSON.stringify(body?.messages ?? '').length / 4);
}

function modelList(path) {
  const models = ['claude-opus-5-5', 'claude-sonnet-5', 'claude-haiku-4-5'].map((id) => ({
    type: 'model', id, display_name: id, created_at: '2026-01-01T00:00:00Z',
  }));
  if (path === '/v1/models') return { data: models, has_more: false, first_id: null, last_id: null };
  return { ...models[0], id: path.slice('/v1/models/'.length) };
}

// Claude Code reads a title as JSON and anything else as text; both accept this.
function sideReply(kind) {
  return kind === 'title' ? { text: '{"title":"Scripted session"}' } : { text: 'ok' };
}
