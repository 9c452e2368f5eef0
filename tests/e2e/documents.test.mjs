// Documents between real agents: a Claude Code that tutti started puts one, its parent and the user's Claude Code read it.

import assert from 'node:assert/strict';

import { viewOf } from '../fakes/anthropic/script.mjs';
import { Claude, claudeEnv, kDriverArgs } from './support/claude.mjs';
import { test } from './support/bounded.mjs';
import { tuttiBinary, worldFor } from './support/world.mjs';

const kFindings = '# Findings\n\nThe lock is held too long: cache.c, line 42 – naïve.\n';

const use = (name, input) => ({ tool_use: { name: `mcp__tutti__${name}`, input } });

/** A model that puts the findings into a document and ends with its id. */
function finder({ after_tool, tool_result }) {
  return after_tool ? { text: JSON.parse(tool_result).id }
    : use('doc_push', { name: 'findings.md', content: kFindings, tags: ['review'] });
}

async function runToEnd(tutti, world, prompt) {
  const handle = await tutti.call('start_agent', { blueprint: 'claude', prompt, project_dir: world.project });
  const result = await tutti.call('get_result', { run_id: handle.run_id, wait_s: 45 });
  assert.equal(result.status, 'completed', JSON.stringify(result));
  return result;
}

test('What an agent puts into a document, who started it reads', async (t) => {
  const world = await worldFor(t, { script: (request) => finder(viewOf(request)) });
  const tutti = await world.tutti();

  const { result_text: id } = await runToEnd(tutti, world, 'look for slow locks');

  const read = await tutti.request('tools/call', { name: 'doc_read', arguments: { document_id: id } });
  assert.ok(JSON.stringify(read).includes(JSON.stringify(kFindings).slice(1, -1)), JSON.stringify(read));
  const { contents } = await tutti.request('resources/read', { uri: `tutti://doc/${id}` });
  assert.equal(contents[0].text, kFindings);
});

test('A Claude Code reads the document of the Claude Code that it started', async (t) => {
  const world = await worldFor(t, { script: (request) => {
    const view = viewOf(request);
    if (view.user === 'find') return finder(view);
    const answer = view.tool_result && view.tool_result.startsWith('{') ? JSON.parse(view.tool_result) : {};
    switch (view.after_tool) {
      case '': return use('start_agent', { blueprint: 'claude', prompt: 'find' });
      case 'mcp__tutti__start_agent': return use('get_result', { session_id: answer.session_id, wait_s: 30 });
      case 'mcp__tutti__get_result': assert.equal(answer.status, 'completed', view.tool_result);
        return use('doc_query', { tags: ['review'] });
      case 'mcp__tutti__doc_query': return use('doc_read', { document_id: answer.documents[0].id });
      default: return { text: `my child wrote: ${view.tool_result}` };
    }
  } });
  const tutti = await world.tutti();

  const result = await runToEnd(tutti, world, 'delegate');

  assert.match(result.result_text, /my child wrote: .*The lock is held too long: cache\.c, line 42 – naïve\./s);
});

test('A Claude Code of the user finds documents as resources, and reads one', async (t) => {
  const read = (uri) => ({ tool_use: { name: 'ReadMcpResourceTool', input: { server: 'tutti', uri } } });
  const steps = [
    () => ({ tool_use: { name: 'ListMcpResourcesTool', input: { server: 'tutti' } } }),
    (told) => read(/tutti:\/\/documents/.exec(told)[0]),
    (told) => read(`tutti://doc/${/doc_[0-9a-f]+/.exec(told)[0]}`),
    (told) => ({ text: told }),
  ];
  const world = await worldFor(t, { script: (request) => steps.shift()(viewOf(request).tool_result) });
  const tutti = await world.tutti();
  await tutti.call('doc_push', { name: 'findings.md', content: kFindings });

  const config = { mcpServers: { tutti: { command: tuttiBinary(), args: ['stdio', '--data', world.data] } } };
  const claude = new Claude({
    args: [...kDriverArgs, '--strict-mcp-config', '--mcp-config', JSON.stringify(config)],
    env: claudeEnv({ home: world.home, url: world.fake.url }), cwd: world.project });
  claude.prompt('what has been found?');
  const { result } = await claude.result();
  await claude.closeInput();

  assert.match(result, /The lock is held too long/);
});
