// What the fake model says. A script is one of
//   function (request, fake) -> reply        sees the logged request; may be async
//   [reply, reply, …]                         one per main-loop request, the last one repeats
//   {rules: [{when, reply|replies}], turns: […], default: reply}      plain data, for a JSON file
//
// A reply is described in reply.mjs. In data scripts `{{…}}` in any string is replaced, see fill().

import { systemText } from './classify.mjs';

/** Turns any form of script into a function (request, fake) -> reply. */
export function makeScript(script) {
  if (typeof script === 'function') return script;
  if (Array.isArray(script)) return takeTurns(script);
  return makeRules(script);
}

function takeTurns(turns) {
  let next = 0;
  return (request) => fill(turns[Math.min(next++, turns.length - 1)], request);
}

function makeRules({ rules = [], turns = [], default: fallback = { text: 'ok' } }) {
  const compiled = rules.map((rule) => ({
    matches: makeCondition(rule.when ?? {}),
    say: takeTurns(rule.replies ?? [rule.reply]),
  }));
  const say = turns.length ? takeTurns(turns) : (request) => fill(fallback, request);
  return (request) => (compiled.find((rule) => rule.matches(request))?.say ?? say)(request);
}

/**
 * A rule's condition; all members given must hold. Texts are regular expressions.
 *   user: last words of the user   after_tool: name of the tool whose result came last ("" = none)
 *   tool_result: text of that result   system: system prompt   tool: a tool that is offered
 *   kind: main | subagent   turns: number of user prompts so far   model: model id
 */
function makeCondition(when) {
  return (request) => {
    const view = viewOf(request);
    const checks = {
      user: () => new RegExp(when.user, 's').test(view.user),
      after_tool: () => view.after_tool === when.after_tool,
      tool_result: () => new RegExp(when.tool_result, 's').test(view.tool_result),
      system: () => new RegExp(when.system, 's').test(view.system),
      tool: () => view.tools.includes(when.tool),
      kind: () => request.kind === when.kind,
      turns: () => view.turns === when.turns,
      model: () => new RegExp(when.model).test(view.model),
    };
    return Object.keys(when).every((name) => {
      if (!checks[name]) throw new Error(`script: unknown condition '${name}'`);
      return checks[name]();
    });
  };
}

/** What a script usually asks about a request, without the blocks' forms and Claude's reminders. */
export function viewOf(request) {
  const { body } = request;
  const last = body.messages.filter((m) => m.role !== 'system').at(-1);
  const result = blocks(last).filter((b) => b.type === 'tool_result').at(-1);
  const prompts = promptsOf(body);
  return {
    user: prompts.at(-1) ?? '',
    prompts,
    turns: prompts.length,
    after_tool: result ? toolNameOf(body, result.tool_use_id) : '',
    tool_result: result ? textOf(result.content) : '',
    tool_error: result?.is_error === true,
    system: systemText(body),
    system_messages: body.messages.filter((m) => m.role === 'system').map((m) => textOf(m.content)).join('\n'),
    tools: (body.tools ?? []).map((t) => t.name),
    model: body.model,
  };
}

/** What the user typed, in order: user messages without tool results and system reminders. */
export function promptsOf(body) {
  return body.messages
    .filter((m) => m.role === 'user')
    .map((m) => blocks(m).filter((b) => b.type === 'text' && !/^\s*<system-reminder>/.test(b.text))
      .map((b) => b.text).join('\n'))
    .filter((text) => text !== '');
}

/** Everything the conversation so far says, user and assistant, as one text. */
export function conversationText(body) {
  return body.messages.map((m) => `${m.role}: ${blocks(m).map(blockText).join(' ')}`).join('\n');
}

function blockText(block) {
  if (block.type === 'tool_use') return `[${block.name} ${JSON.stringify(block.input)}]`;
  if (block.type === 'tool_result') return `[result ${textOf(block.content)}]`;
  return block.text ?? block.thinking ?? '';
}

function blocks(message) {
  if (!message) return [];
  return typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content;
}

function textOf(content) {
  if (typeof content === 'string') return content;
  return (content ?? []).map((b) => b.text ?? '').join('\n');
}

function toolNameOf(body, id) {
  for (const message of body.messages) {
    for (const block of blocks(message)) if (block.type === 'tool_use' && block.id === id) return block.name;
  }
  return '?';
}

/**
 * Replaces `{{user}}`, `{{turns}}`, `{{tool_result}}`, `{{model}}` and `{{tool_result.a.b.0}}` (the
 * result parsed as JSON) in every string of a reply. An unknown path becomes an empty text.
 */
export function fill(reply, request) {
  if (reply === undefined) throw new Error('script: it has no reply for this request');
  const view = viewOf(request);
  const replaceIn = (value) => {
    if (typeof value === 'string') return value.replace(/\{\{([\w.-]+)\}\}/g, (_, path) => look(view, path));
    if (Array.isArray(value)) return value.map(replaceIn);
    if (value && typeof value === 'object') {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, replaceIn(v)]));
    }
    return value;
  };
  return replaceIn(reply);
}

function look(view, path) {
  const [head, ...rest] = path.split('.');
  let value = view[head];
  if (rest.length) {
    try {
      value = JSON.parse(value);
    } catch {
      return '';
    }
    for (const key of rest) value = value?.[key];
  }
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
