export { runCli, type Surroundings } from './program.ts';
export { VERSION } from './version.ts';
