// Writes one reply of the fake model to the wire. A reply is a text, or an object with
//   text | texts | thinking | tool_use {name, input, id?} | tool_uses […] | content [raw blocks]
//   repeat {text, bytes}         a huge text made by repeating
//   chunk_chars, delay_ms        stream in pieces of so many characters, with a pause between
//   stop_reason, usage           default: end_turn or tool_use; small fixed numbers
//   error {status, type?, message?, headers?}      an API error instead of a message
//   error_midstream {type?, message?}              an SSE `error` event after the first block
//   hang: true                   accept and never answer       stall: true   start, then say nothing
//   disconnect: true             start, then cut the connection

import { setTimeout as delay } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';

const kErrorTypes = {
  400: 'invalid_request_error', 401: 'authentication_error', 402: 'billing_error',
  403: 'permission_error', 404: 'not_found_error', 413: 'request_too_large',
  429: 'rate_limit_error', 500: 'api_error', 504: 'timeout_error', 529: 'overloaded_error',
};

const id = (prefix) => `${prefix}_${randomBytes(9).toString('hex')}`;

/** Answers `body` with `reply`; resolves when the last byte is handed over or the client left. */
export async function sendReply(response, body, reply) {
  const plan = typeof reply === 'string' ? { text: reply } : reply;
  if (plan.hang) return untilClosed(response);
  if (plan.error) {
    const { status = 500, type, message = 'scripted error', headers = {} } = plan.error;
    return sendError(response, status, type ?? kErrorTypes[status] ?? 'api_error', message, headers);
  }

  const message = messageOf(body, plan);
  if (!body.stream) {
    response.writeHead(200, { 'content-type': 'application/json', 'request-id': id('req') });
    response.end(JSON.stringify(message));
    return;
  }
  await stream(response, message, plan);
}

export function sendError(response, status, type, message, headers = {}) {
  const request_id = id('req');
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': request_id, ...headers });
  response.end(JSON.stringify({ type: 'error', error: { type, message }, request_id }));
}

function messageOf(body, plan) {
  const content = contentOf(plan);
  const uses_tool = content.some((block) => block.type === 'tool_use');
  return {
    id: id('msg'),
    type: 'message',
    role: 'assistant',
    model: body.model,
    content,
    stop_reason: plan.stop_reason ?? (uses_tool ? 'tool_use' : 'end_turn'),
    stop_sequence: null,
    usage: {
      input_tokens: 100, output_tokens: 20, cache_creation_input_tokens: 0, cache_read_input_tokens: 0,
      ...plan.usage,
    },
  };
}

function contentOf(plan) {
  if (plan.content) return plan.content;
  const content = [];
  if (plan.thinking) content.push({ type: 'thinking', thinking: plan.thinking, signature: 'c2lnbmF0dXJl' });
  for (const text of plan.texts ?? (plan.text === undefined ? [] : [plan.text])) {
    content.push({ type: 'text', text });
  }
  if (plan.repeat) content.push({ type: 'text', text: repeated(plan.repeat) });
  for (const use of plan.tool_uses ?? (plan.tool_use ? [plan.tool_use] : [])) {
    content.push({ type: 'tool_use', id: use.id ?? id('toolu'), name: use.name, input: use.input ?? {} });
  }
  return content.length ? content : [{ type: 'text', text: '' }];
}

function repeated({ text, bytes }) {
  return text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes);
}

async function stream(response, message, plan) {
  response.writeHead(200, {
    'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'request-id': id('req'),
  });
  const send = sender(response);
  const usage = { ...message.usage, output_tokens: 1 };
  await send('message_start', { message: { ...message, content: [], stop_reason: null, usage } });
  await send('ping', {});

  for (const [index, block] of message.content.entries()) {
    if (response.destroyed) return;
    await streamBlock(send, response, index, block, plan);
    if (plan.stall) return untilClosed(response);
    if (plan.disconnect) return void response.destroy();
    if (plan.error_midstream) {
      const { type = 'overloaded_error', message: text = 'scripted error' } = plan.error_midstream;
      await send('error', { error: { type, message: text } });
      return void response.end();
    }
  }

  await send('message_delta', {
    delta: { stop_reason: message.stop_reason, stop_sequence: null },
    usage: { output_tokens: message.usage.output_tokens },
  });
  await send('message_stop', {});
  response.end();
}

async function streamBlock(send, response, index, block, plan) {
  const { start, deltas } = deltasOf(block, plan.chunk_chars ?? 4096);
  await send('content_block_start', { index, content_block: start });
  for (const delta of deltas) {
    if (response.destroyed) return;
    if (plan.delay_ms) await delay(plan.delay_ms);
    await send('content_block_delta', { index, delta });
  }
  await send('content_block_stop', { index });
}

function deltasOf(block, chunk_chars) {
  if (block.type === 'text') {
    return {
      start: { type: 'text', text: '' },
      deltas: pieces(block.text, chunk_chars).map((text) => ({ type: 'text_delta', text })),
    };
  }
  if (block.type === 'thinking') {
    const deltas = pieces(block.thinking, chunk_chars).map((thinking) => ({ type: 'thinking_delta', thinking }));
    deltas.push({ type: 'signature_delta', signature: block.signature });
    return { start: { type: 'thinking', thinking: '', signature: '' }, deltas };
  }
  if (block.type === 'tool_use') {
    const input = pieces(JSON.stringify(block.input), chunk_chars);
    return {
      start: { ...block, input: {} },
      deltas: input.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
    };
  }
  return { start: block, deltas: [] };
}

function pieces(text, size) {
  const list = [];
  for (let at = 0; at < text.length; at += size) list.push(text.slice(at, at + size));
  return list;
}

// Waits for the socket when it is full, so that a huge text does not pile up in memory.
function sender(response) {
  return async (type, data) => {
    if (response.destroyed) return;
    const room = response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
    if (!room) await drained(response);
  };
}

function drained(response) {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

function untilClosed(response) {
  return new Promise((resolve) => {
    if (response.destroyed) resolve();
    response.once('close', resolve);
  });
}
