import fc from 'fast-check';

/**
 * What every process of a test loads first: generated inputs are the same each time, so that a change is judged by what it
 * changed. `CAIRN_SEED=N` chooses others.
 */
fc.configureGlobal({ seed: Number(process.env['CAIRN_SEED'] ?? 20_260_101) });
