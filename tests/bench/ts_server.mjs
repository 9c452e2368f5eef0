// The official TypeScript SDK v2 as its documentation sets it up: `node ts_server.mjs stdio|http PORT`.
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import * as z from 'zod';

function makeServer() {
  const server = new McpServer({ name: 'ts', version: '1.0' });
  server.registerTool(
    'echo',
    {
      title: 'Echo',
      description: 'Gives back its text.',
      inputSchema: z.object({ text: z.string() }),
      outputSchema: z.object({ text: z.string() }),
    },
    async ({ text }) => ({
      content: [{ type: 'text', text: JSON.stringify({ text }) }],
      structuredContent: { text },
    }),
  );
  return server;
}

const [mode, port] = process.argv.slice(2);
if (mode === 'stdio') {
  serveStdio(makeServer);
} else {
  const server = createServer(toNodeHandler(createMcpHandler(makeServer)));
  server.listen(Number(port ?? 0), '127.0.0.1', () => console.log(server.address().port));
}
