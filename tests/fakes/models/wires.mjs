// Three providers' forms of the same conversation: which tools there are, what the last one gave, what the model says.

const kRootChoices = ['anyOf', 'oneOf', 'allOf', 'enum', 'not'];

/** OpenAI's rule for functions that are not strict. */
function openAiRefuses(schema) {
  if (schema?.type !== 'object' || kRootChoices.some((keyword) => keyword in schema)) {
    return "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level.";
  }
  return firstIn(schema, (part) => part.type === 'array' && !part.items && 'array schema missing items');
}

/** What Google's function declarations refuse of a parametersJsonSchema. */
function googleRefuses(schema) {
  return firstIn(schema, (part) => {
    if (part.anyOf && Object.keys(part).length > 1) return 'when using any_of, it must be the only field set';
    if (!part.anyOf && !part.type && !part.$ref) return "it didn't specify the schema type field";
    return Array.isArray(part.type) && 'Proto field is not repeating, cannot start list';
  });
}

/** The first thing that `check` finds in a schema or one below it, or "". */
function firstIn(schema, check) {
  if (!schema || typeof schema !== 'object') return '';
  const below = [...Object.values(schema.properties ?? {}), schema.items, ...(schema.anyOf ?? [])];
  return check(schema) || below.map((part) => firstIn(part, check)).find(Boolean) || '';
}

const textOf = (value) => (typeof value === 'string' ? value : JSON.stringify(value) ?? '');

const responses = {
  name: 'responses',
  path: /\/responses$/,
  name_pattern: /^[a-zA-Z0-9_-]{1,64}$/,
  refuses: openAiRefuses,
  // A namespace groups functions; a call names both.
  tools: (body) => (body.tools ?? []).flatMap((tool) => (tool.type === 'namespace'
    ? tool.tools.map((one) => ({ name: one.name, namespace: tool.name, schema: one.parameters }))
    : tool.type === 'function' ? [{ name: tool.name, schema: tool.parameters }] : [])),
  toolResult: (body) => textOf(body.input.filter((item) => item.type === 'function_call_output').at(-1)?.output),
  say: ({ text, tool }, n) => {
    const item = tool
      ? { type: 'function_call', id: `fc_${n}`, call_id: `call_${n}`, arguments: JSON.stringify(tool.arguments), ...named(tool) }
      : { type: 'message', role: 'assistant', id: `msg_${n}`, content: [{ type: 'output_text', text }] };
    const usage = { input_tokens: 1, input_tokens_details: { cached_tokens: 0 }, output_tokens: 1,
      output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 2 };
    return [
      { type: 'response.created', response: { id: `resp_${n}` } },
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.completed', response: { id: `resp_${n}`, usage } },
    ].map((event) => [event.type, event]);
  },
};

const named = ({ name, namespace }) => ({ name, ...(namespace && { namespace }) });

const chat = {
  name: 'chat',
  path: /\/chat\/completions$/,
  name_pattern: /^[a-zA-Z0-9_-]{1,64}$/,
  refuses: openAiRefuses,
  tools: (body) => (body.tools ?? []).map(({ function: one }) => ({ name: one.name, schema: one.parameters })),
  toolResult: (body) => textOf(body.messages.filter((message) => message.role === 'tool').at(-1)?.content),
  say: ({ text, tool }, n) => {
    const call = tool && { index: 0, id: `call_${n}`, type: 'function',
      function: { name: tool.name, arguments: JSON.stringify(tool.arguments) } };
    const delta = { role: 'assistant', ...(call ? { tool_calls: [call] } : { content: text }) };
    const chunk = (choice, more) => ({ id: `chat_${n}`, object: 'chat.completion.chunk', created: 1, model: 'm',
      choices: [{ index: 0, ...choice }], ...more });
    return [
      [null, chunk({ delta, finish_reason: null })],
      [null, chunk({ delta: {}, finish_reason: call ? 'tool_calls' : 'stop' },
        { usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } })],
      [null, '[DONE]'],
    ];
  },
};

const google = {
  name: 'google',
  path: /:streamGenerateContent/,
  name_pattern: /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/,
  refuses: googleRefuses,
  tools: (body) => (body.tools ?? []).flatMap((tool) => tool.functionDeclarations ?? [])
    .map((one) => ({ name: one.name, schema: one.parametersJsonSchema ?? one.parameters })),
  toolResult: (body) => textOf(body.contents.flatMap((content) => content.parts)
    .filter((part) => part.functionResponse).at(-1)?.functionResponse.response),
  say: ({ text, tool }) => {
    const part = tool ? { functionCall: { name: tool.name, args: tool.arguments } } : { text };
    return [[null, { candidates: [{ content: { role: 'model', parts: [part] }, finishReason: 'STOP', index: 0 }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 } }]];
  },
};

export const kWires = [responses, chat, google];
