import type { ObjectShape, Shape } from '../shape.ts';
import { type Fault, shown } from './context.ts';
import { nearest } from './suggest.ts';

/** Keys of the whole file that are the writer's own: anchors are kept there. */
const OWN = /^(?:x-|\.)/;

/** What to say of a key that an object does not have; undefined for what is the writer's own. */
export function keyFault(key: string, shape: ObjectShape, path: string): Fault | undefined {
  if (path === '' && OWN.test(key)) return undefined;
  const instead = shape.facts.instead ?? {};
  if (Object.hasOwn(instead, key)) {
    return { code: 'foreign-key', message: `${shown(key)} is not read here`, hint: instead[key] };
  }
  const message = `there is no key ${shown(key)}`;
  const known = [...shape.fields.keys(), ...Object.keys(shape.facts.same ?? {})];
  const near = nearest(key, known);
  if (near !== undefined) {
    return { code: 'unknown-key', message, hint: `Did you mean ${near}?` };
  }
  const far = nearest(key, Object.keys(instead));
  if (far !== undefined) return { code: 'unknown-key', message, hint: instead[far] };
  const place = placeOf(key, shape);
  if (place !== undefined) return { code: 'unknown-key', message, hint: `${key} belongs into ${place}.` };
  const hint =
    known.length <= 14
      ? `There are ${known.join(', ')}.`
      : `Leave it out: nothing reads it.${path === '' ? ' A key of your own begins with x-.' : ''}`;
  return { code: 'unknown-key', message, hint };
}

/** What to say of a setting of another program that is not one of its usual ones. */
export function unusualKeyFault(key: string, usual: readonly string[]): Fault {
  const near = nearest(key, usual);
  return {
    code: 'unknown-key',
    severity: 'warning',
    message: `${shown(key)} is no setting that is known`,
    hint: near === undefined ? `There are ${usual.join(', ')}.` : `Did you mean ${near}?`,
  };
}

/** A key that is one of an object below: it was not indented enough, or its parent is missing. */
function placeOf(key: string, shape: ObjectShape): string | undefined {
  const holders = [...shape.fields].filter(([, field]) => objectIn(field)?.fields.has(key));
  const [holder, another] = holders;
  return holder !== undefined && another === undefined ? holder[0] : undefined;
}

function objectIn(shape: Shape): ObjectShape | undefined {
  if (shape.kind === 'object') return shape;
  return shape.kind === 'list' && shape.item.kind === 'object' ? shape.item : undefined;
}
