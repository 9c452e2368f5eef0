// node:test's test() with a limit, so that what hangs fails and is cleaned up.

import nodeTest from 'node:test';

const kTestMaxMs = 90000;

export function test(name, ...rest) {
  const body = rest.at(-1);
  const options = rest.length > 1 ? rest[0] : {};
  return nodeTest(name, { timeout: kTestMaxMs, ...options }, body);
}
