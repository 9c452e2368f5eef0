// The model APIs of the other agent programs, on loopback: OpenAI's Responses (Codex) and chat completions (OpenCode),
// Google's generateContent (Gemini CLI). As strict about the tools' schemas as the real ones are known to be.

import http from 'node:http';

import { kWires } from './wires.mjs';

const kBodyMaxBytes = 16 * 1024 * 1024;

/**
 * Starts it on a free port. `script(request)` gives what the model says: {text}, {tool: {name, arguments}}, where `name` is
 * one of request.tools, or {status, message} for an error of the API. A request is {wire, tools: [{name, schema}],
 * tool_result: text of the last tool's answer or "", body}.
 */
export async function startFakeModels({ script }) {
  const fake = { requests: [], refused: [] };
  const server = http.createServer((incoming, response) => {
    answer(fake, script, incoming, response).catch((error) => sendError(response, 500, error.stack));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  fake.url = `http://127.0.0.1:${server.address().port}`;
  fake.close = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return fake;
}

async function answer(fake, script, incoming, response) {
  const text = await bodyOf(incoming);
  const wire = kWires.find((known) => known.path.test(incoming.url));
  if (!wire || incoming.method !== 'POST') return sendError(response, 404, `nothing at ${incoming.url}`);
  const body = JSON.parse(text);
  const request = { wire: wire.name, tools: wire.tools(body), tool_result: wire.toolResult(body), body };
  const refusal = refusalOf(wire, request.tools);
  if (refusal) {
    fake.refused.push(refusal);
    return sendError(response, 400, refusal);
  }
  fake.requests.push(request);
  const reply = await script(request, fake);
  if (reply.status) return sendError(response, reply.status, reply.message);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const [event, data] of wire.say(reply, fake.requests.length)) {
    response.write(`${event ? `event: ${event}\n` : ''}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
  }
  response.end();
}

async function bodyOf(incoming) {
  const parts = [];
  let size = 0;
  for await (const part of incoming) {
    size += part.length;
    if (size > kBodyMaxBytes) throw new Error(`a request of more than ${kBodyMaxBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function sendError(response, status, message) {
  if (response.headersSent) return response.destroy();
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { message, type: 'invalid_request_error', code: status, status: 'INVALID_ARGUMENT' } }));
}

/** What the real API says about the first tool that it would refuse, or "". */
function refusalOf(wire, tools) {
  for (const { name, schema } of tools) {
    if (!wire.name_pattern.test(name)) return `Invalid tool name '${name}'`;
    const why = wire.refuses(schema);
    if (why) return `Invalid schema for function '${name}': ${why}`;
  }
  return '';
}
