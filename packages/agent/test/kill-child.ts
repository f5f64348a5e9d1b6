import { folderSource, upgrade } from '../src/upgrade/upgrade.ts';
import { hostOf } from './upgrade-node.ts';

/** Upgrades the machine that is a folder; says when it begins, so that it can be killed at any moment of it. */
const [, , root = '', source = ''] = process.argv;
process.stdout.write('begin\n');
await upgrade(hostOf(root), async () => folderSource(source), {});
process.stdout.write('end\n');
