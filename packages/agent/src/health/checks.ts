import type { HealthConfig } from './config/types.ts';
import type { Finding } from './finding.ts';
import { checkOwn, checkScript, type Doors, listScripts } from './own.ts';
import { checkSystem } from './system.ts';

/**
 * Makes all checks once. The owner's own are made only where the system's hold: before, they would tell of nothing else.
 *
 * @param stopEarly ends at the first that fails
 */
export async function runChecks(doors: Doors, config: HealthConfig, stopEarly: boolean): Promise<Finding[]> {
  const findings = await checkSystem(doors.host, config);
  if (stopEarly && findings.some(({ ok }) => !ok)) return findings;
  for (const name of await listScripts(doors.host)) {
    findings.push(await checkScript(doors, name));
    if (stopEarly && findings.at(-1)?.ok === false) return findings;
  }
  for (const check of config.checks) {
    findings.push(await checkOwn(check, doors));
    if (stopEarly && findings.at(-1)?.ok === false) return findings;
  }
  return findings;
}
