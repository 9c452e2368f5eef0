// Tells requests of an agent's main loop from the side requests Claude Code makes on its own.
//
// Measured with 2.1.329: every main-loop request streams and offers tools, because Claude Code adds
// at least its own; a side request has no tools, or carries a class header of its own. A subagent's
// requests look like the main loop's and carry `x-claude-code-agent-id`.

const kSideClasses = new Set(['auxiliary', 'side_reply', 'compaction']);

/**
 * @returns {'main'|'subagent'|'probe'|'title'|'side'|'count_tokens'|'models'|'malformed'|'other'}
 */
export function classify(method, path, headers, body) {
  if (method === 'POST' && path === '/v1/messages/count_tokens') return 'count_tokens';
  if (method === 'GET' && (path === '/v1/models' || path.startsWith('/v1/models/'))) return 'models';
  if (method !== 'POST' || path !== '/v1/messages') return 'other';
  if (!body || !Array.isArray(body.messages)) return 'malformed';

  if (body.max_tokens === 1) return 'probe';
  if (headers['x-claude-code-auxiliary-type']) return 'side';
  if (kSideClasses.has(headers['x-claude-code-request-class'])) return 'side';
  if (headers['x-claude-code-agent-id']) return 'subagent';
  if (body.tools?.length) return 'main';
  if (isTitleRequest(body)) return 'title';
  // Only `--tools ""` without an MCP server empties the main loop's list; it still keeps `thinking`.
  return body.stream && body.thinking && isWholeConversation(body) ? 'main' : 'side';
}

function isTitleRequest(body) {
  return /\btitle\b/i.test(systemText(body)) && JSON.stringify(body.output_config ?? {}).includes('title');
}

function isWholeConversation(body) {
  return systemText(body).includes('x-anthropic-billing-header') && body.max_tokens >= 16000;
}

/** The system prompt as one text, whichever form it came in. */
export function systemText(body) {
  if (typeof body?.system === 'string') return body.system;
  return (body?.system ?? []).map((block) => block.text ?? '').join('\n');
}
