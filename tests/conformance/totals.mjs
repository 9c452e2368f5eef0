// totals.mjs NAME FOLDER: counts the checks that a run of the suite has left in FOLDER, and shows those
// that failed or warned. Status 1 if there is one, or if there is no check at all.
import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';

const [name, folder] = process.argv.slice(2);
const totals = { SUCCESS: 0, FAILURE: 0, WARNING: 0, INFO: 0, SKIPPED: 0 };
const bad = [];
let scenarios = 0;
for (const entry of readdirSync(folder, { withFileTypes: true })) {
  const file = join(folder, entry.name, 'checks.json');
  if (!entry.isDirectory() || !existsSync(file)) continue;
  ++scenarios;
  const scenario = entry.name.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '');
  for (const check of JSON.parse(readFileSync(file, 'utf8'))) {
    totals[check.status] = (totals[check.status] ?? 0) + 1;
    if (check.status !== 'FAILURE' && check.status !== 'WARNING') continue;
    bad.push(`  ${check.status} ${scenario}: ${check.id}: ${check.errorMessage ?? check.description}`);
  }
}
console.log(`${name}: ${totals.SUCCESS} passed, ${totals.FAILURE} failed, ${totals.WARNING} warnings, ` +
  `${totals.SKIPPED} skipped, ${totals.INFO} info, in ${scenarios} scenarios`);
for (const line of bad.sort()) console.log(line.slice(0, 400));
process.exit(bad.length > 0 || totals.SUCCESS === 0 ? 1 : 0);
