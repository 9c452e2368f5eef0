// A small MCP client over the stdin and stdout of a program, in both eras of the protocol.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

const kCallMaxMs = 60000;
const kClientInfo = { name: 'tutti-e2e', version: '1' };

export class McpClient {
  /** Every line the program printed that was no JSON-RPC message; must stay empty. */
  impurities = [];
  notifications = [];
  stderr = '';

  /**
   * @param {object} options
   * @param {string[]} options.command  argv of the server
   * @param {boolean} options.modern    2026-07-28: no handshake, `_meta` on each request
   */
  constructor({ command, env, cwd, modern = false }) {
    this.modern = modern;
    this.child = spawn(command[0], command.slice(1), { env, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdin.on('error', () => {});
    this.exited = once(this.child, 'close').then(
      ([code, signal]) => ({ code, signal }), (error) => ({ code: null, signal: error.message }));
    this.calls_ = new Map();
    this.next_id_ = 1;
    this.pending_ = '';
    this.child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
    this.child.stdout.setEncoding('utf8').on('data', (text) => this.take_(text));
    this.exited.then((end) => this.failAll_(new Error(
      `the MCP server ended (code ${end.code}, signal ${end.signal}): ${this.stderr.slice(-2000)}`)));
  }

  /** Opens the conversation the way the client's era does, and gives the server's answer. */
  async open() {
    if (this.modern) return this.request('server/discover', {});
    const answer = await this.request('initialize', {
      protocolVersion: '2025-11-25', capabilities: {}, clientInfo: kClientInfo,
    });
    this.notify('notifications/initialized');
    return answer;
  }

  notify(method, params) {
    this.write_({ jsonrpc: '2.0', method, ...(params && { params }) });
  }

  /** Sends a request; rejects on a JSON-RPC error (as `error.rpc`) or after `wait_ms`. */
  request(method, params = {}, wait_ms = kCallMaxMs) {
    const id = this.next_id_++;
    const meta = this.modern ? { _meta: { ...modernMeta(), ...params._meta } } : {};
    this.write_({ jsonrpc: '2.0', id, method, params: { ...params, ...meta } });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.calls_.delete(id);
        reject(new Error(`${method} ${params.name ?? ''} not answered within ${wait_ms} ms; stderr: ${this.stderr.slice(-2000)}`));
      }, wait_ms);
      this.calls_.set(id, { resolve, reject, timer, method, name: params.name });
    });
  }

  /** Calls a tool and gives its structured content; a tool error is thrown as ToolError. */
  async call(name, args = {}) {
    const result = await this.request('tools/call', { name, arguments: args });
    if (result.isError) throw new ToolError(name, result);
    return result.structuredContent;
  }

  /** Closes stdin and waits; kills the server only if it does not leave. */
  async close(wait_ms = 60000) {
    this.child.stdin.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), wait_ms);
    const end = await this.exited;
    clearTimeout(timer);
    return end;
  }

  /** The server dies as by `kill -9`. */
  async kill() {
    this.child.kill('SIGKILL');
    return this.exited;
  }

  write_(message) {
    this.child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  take_(text) {
    this.pending_ += text;
    const lines = this.pending_.split('\n');
    this.pending_ = lines.pop();
    for (const line of lines) this.message_(line);
  }

  message_(line) {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      this.impurities.push(line);
      return;
    }
    if (message.method && message.id === undefined) return void this.notifications.push(message);
    const call = this.calls_.get(message.id);
    if (!call) return void this.impurities.push(line);
    this.calls_.delete(message.id);
    clearTimeout(call.timer);
    if (message.error) {
      const error = new Error(`${call.method} ${call.name ?? ''}: ${message.error.code} ${message.error.message}`);
      error.rpc = message.error;
      call.reject(error);
    } else {
      call.resolve(message.result);
    }
  }

  failAll_(error) {
    for (const call of this.calls_.values()) {
      clearTimeout(call.timer);
      call.reject(error);
    }
    this.calls_.clear();
  }
}

/** A tool answered with isError. `error` is what tutti says about it: {code, name, message, hint}. */
export class ToolError extends Error {
  constructor(tool, result) {
    super(`${tool}: ${result.content?.map((block) => block.text).join(' ')}`);
    this.error = result.structuredContent?.error;
    this.result = result;
  }
}

function modernMeta() {
  return {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': kClientInfo,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
}
