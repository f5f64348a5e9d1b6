import { configSchema } from './schema/config.ts';
import { type Shape, shapeOf } from './shape.ts';

/** The shape of a whole configuration. Deriving it takes a moment: keep it. */
export function configShape(): Shape {
  return shapeOf(configSchema);
}
