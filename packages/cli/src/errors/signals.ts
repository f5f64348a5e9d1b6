/** Why a run was aborted: the reason that all its work gets with the AbortSignal. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  /** 128 and the signal's number, as a shell has it. */
  readonly exitCode: number;

  constructor(what: string, exitCode: number) {
    super(what);
    this.exitCode = exitCode;
  }
}

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * Turns the signals that end a program into an abort, so that what is half done is cleaned away first. A second
 * one ends it at once.
 */
export function abortOnSignals(process: NodeJS.Process): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const names = Object.keys(SIGNALS) as (keyof typeof SIGNALS)[];
  function abort(name: keyof typeof SIGNALS): void {
    stop();
    controller.abort(new Interrupted(`interrupted by ${name}`, SIGNALS[name]));
  }
  const handlers = names.map((name) => [name, () => abort(name)] as const);
  function stop(): void {
    for (const [name, handler] of handlers) process.off(name, handler);
  }
  for (const [name, handler] of handlers) process.on(name, handler);
  return { signal: controller.signal, [Symbol.dispose]: stop };
}
