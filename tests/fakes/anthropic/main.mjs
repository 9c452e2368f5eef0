// The fake Anthropic API as a program, for tests in other languages and for use by hand:
//   node tests/fakes/anthropic/main.mjs [--script FILE] [--port N] [--port-file FILE] [--log FILE]
//
// FILE of --script is JSON (see script.mjs) or an .mjs module whose default export is a script.
// The port is written to --port-file in one rename once the server listens, and printed on stdout.
// --log gets one JSON line per request. SIGTERM or SIGINT ends it.

import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';

import { startFakeAnthropic } from './server.mjs';

const { values } = parseArgs({
  options: {
    script: { type: 'string' },
    port: { type: 'string', default: '0' },
    'port-file': { type: 'string' },
    log: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});

if (values.help) {
  console.log('usage: main.mjs [--script FILE] [--port N] [--port-file FILE] [--log FILE]');
  process.exit(0);
}

const fake = await startFakeAnthropic({
  script: await loadScript(values.script),
  port: Number(values.port),
  onRequest: (entry) => {
    if (values.log) fs.appendFileSync(values.log, `${JSON.stringify(entry)}\n`);
  },
});

if (values['port-file']) {
  fs.writeFileSync(`${values['port-file']}.new`, `${fake.port}\n`);
  fs.renameSync(`${values['port-file']}.new`, values['port-file']);
}
console.log(JSON.stringify({ port: fake.port, url: fake.url }));

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => fake.close().then(() => process.exit(0)));
}

async function loadScript(file) {
  if (!file) return undefined;
  if (file.endsWith('.mjs')) return (await import(pathToFileURL(path.resolve(file)))).default;
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}
