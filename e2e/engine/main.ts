// Before all else, which uses them from its start on.
import '@cairn/host/quickjs/globals';
import { quickHost } from '@cairn/host/quickjs';
import { exercise } from './exercise.ts';

/** What QuickJS runs in the test: the outcomes as JSON. */
console.log(JSON.stringify(await exercise(quickHost(), globalThis.scriptArgs[1] ?? '')));
