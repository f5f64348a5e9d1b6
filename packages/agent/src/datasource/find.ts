import { CairnError } from '@cairn/bytes';
import { cloudProviders } from './cloud.ts';
import { commandLineProvider, fileProvider, firmwareProvider, vmwareProvider } from './firmware.ts';
import { mediaProviders } from './media.ts';
import type { Doors, Found, Provider, ProviderName, ProviderOptions } from './types.ts';

/** In the order in which they count where several have something: what is in the machine before what is around it. */
const ORDER: readonly Provider[] = [
  fileProvider,
  commandLineProvider,
  firmwareProvider,
  ...mediaProviders,
  vmwareProvider,
  ...cloudProviders,
];

/** Where the firmware does not say that this is the cloud, its server has to answer at once or not at all. */
const GUESS_MS = 1500;
/** Where it says so, the network may have to come up first. */
const KNOWN_MS = 60_000;
const RETRY_MS = 1000;

export interface FindOptions extends ProviderOptions {
  /** All unless given. One that is named is asked, whatever the firmware says. */
  readonly providers?: readonly ProviderName[] | undefined;
  readonly limits?: { readonly guessMs: number; readonly knownMs: number };
}

export interface FoundBy extends Found {
  readonly provider: ProviderName;
}

export interface Search {
  /** The first in order that has something. */
  readonly found: FoundBy | undefined;
  /** Providers that are there and could not be read, a sentence each. */
  readonly problems: readonly string[];
  /** Milliseconds. */
  readonly took: number;
}

/**
 * Asks all providers at once. A machine that has none is kept waiting for 1.5 s at most, and not at all if its firmware says whose it
 * is; one in a cloud waits for that cloud's server, a minute at most.
 */
export async function findUserData(doors: Doors, options: FindOptions, signal: AbortSignal): Promise<Search> {
  const { clock } = doors.host;
  const began = clock.monotonic();
  const asked = ORDER.filter(({ name }) => options.providers?.includes(name) ?? true);
  const outcomes = await Promise.all(asked.map((provider) => ask(provider, doors, options, signal)));
  const problems = outcomes.flatMap(({ problem }) => problem ?? []);
  const found = outcomes.find((outcome) => outcome.found !== undefined)?.found;
  return { found, problems, took: Math.round(clock.monotonic() - began) };
}

interface Outcome {
  readonly found?: FoundBy | undefined;
  readonly problem?: string;
}

const NOTHING: Outcome = {};

async function ask(
  provider: Provider,
  doors: Doors,
  options: FindOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const { guessMs, knownMs } = options.limits ?? { guessMs: GUESS_MS, knownMs: KNOWN_MS };
  const where = await provider.detect(doors);
  if (where === 'elsewhere' && options.providers === undefined) return NOTHING;
  const isGuess = provider.byNetwork === true && where !== 'here';
  const limit = AbortSignal.any([signal, AbortSignal.timeout(isGuess ? guessMs : knownMs)]);
  let told: string | undefined;
  for (;;) {
    try {
      const found = await provider.find(doors, options, limit);
      // Any web server says that it has not got something.
      if (found === undefined || (isGuess && found.userData === undefined)) return NOTHING;
      return { found: { ...found, provider: provider.name } };
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CairnError) && !limit.aborted) throw error;
      if (isGuess) return NOTHING;
      // That its time was over says less than what was said before.
      if (told === undefined || !limit.aborted) told = error instanceof Error ? error.message : String(error);
      if (provider.byNetwork !== true || limit.aborted) return { problem: `${provider.name}: ${told}` };
      await doors.host.clock.sleep(RETRY_MS, signal);
    }
  }
}
