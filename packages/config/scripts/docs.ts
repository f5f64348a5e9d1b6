import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedDocuments } from '../test/documents.ts';

/** Writes the documents that are generated from the schema and from the table of mistakes. */
const root = join(import.meta.dirname, '../../..');
for (const [path, text] of generatedDocuments()) writeFileSync(join(root, path), text);
