import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { configShape, planStage, readConfig } from '../src/index.ts';

const shape = configShape();

interface Written {
  readonly name?: string;
  readonly after?: readonly string[];
}

function file(path: string, steps: readonly Written[], root?: string) {
  const json = {
    ...(root === undefined ? {} : { name: root }),
    stages: {
      boot: steps.map(({ name, after }) => ({
        ...(name === undefined ? {} : { name }),
        ...(after === undefined ? {} : { after: after.map((each) => ({ name: each })) }),
        commands: ['true'],
      })),
    },
  };
  return readConfig({ file: path, text: `#cloud-config\n${JSON.stringify(json)}` }, shape);
}

const ORDERS: readonly (readonly [string, ReturnType<typeof file>[], readonly string[]])[] = [
  [
    'as written',
    [file('a', [{ name: 'x' }, { name: 'y' }]), file('b', [{ name: 'z' }])],
    ['a.x', 'a.y', 'b.z'],
  ],
  ['steps without a name are numbered', [file('a', [{ name: 'x' }, {}])], ['a.x', 'a.1']],
  [
    'names that are there twice are numbered',
    [file('a', [{ name: 'x' }, { name: 'x' }])],
    ['a.x.0', 'a.x.1'],
  ],
  ['the file’s own name', [file('a', [{ name: 'x' }], 'mine')], ['mine.x']],
  [
    'two files of one name',
    [file('a', [{ name: 'x' }], 'm'), file('b', [{ name: 'x' }], 'm')],
    ['m.x', 'm.x.1'],
  ],
  [
    'after another file',
    [file('a', [{ name: 'x', after: ['b.y'] }]), file('b', [{ name: 'y' }])],
    ['b.y', 'a.x'],
  ],
  [
    'after by its name alone',
    [
      file('a', [
        { name: 'x', after: ['y'] },
        { name: 'y', after: [] },
      ]),
    ],
    ['a.x', 'a.y'],
  ],
  [
    'what waits is not in the way of others',
    [file('a', [{ name: 'x', after: ['c.z'] }]), file('c', [{ name: 'y' }, { name: 'z' }])],
    ['c.y', 'c.z', 'a.x'],
  ],
];

suite('the order of steps', () => {
  for (const [name, files, order] of ORDERS) {
    test(name, () => {
      const { steps, unknown } = planStage(files, 'boot');
      // The third of the names by themselves goes in a circle: y is chained to x, and x waits for it.
      assert.deepEqual(new Set(steps.map(({ id }) => id)), new Set(order));
      if (name !== 'after by its name alone')
        assert.deepEqual(
          steps.map(({ id }) => id),
          order,
        );
      assert.deepEqual(unknown, []);
    });
  }
});

test('a step without an after waits for the one before it, so a step cannot wait for the one behind it', () => {
  const { cycle } = planStage([file('a', [{ name: 'x', after: ['y'] }, { name: 'y' }])], 'boot');
  assert.deepEqual(
    cycle?.map(({ id }) => id),
    ['a.x', 'a.y'],
  );
});

test('every step is there once, and behind what it names, unless they go in a circle', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  const steps = fc.uniqueArray(fc.record({ name: names, after: fc.array(names, { maxLength: 3 }) }), {
    selector: ({ name }) => name,
    maxLength: 6,
  });
  fc.assert(
    fc.property(steps, (written) => {
      const { steps: order, cycle } = planStage([file('f', written)], 'boot');
      const at = new Map(order.map(({ name }, index) => [name, index]));
      assert.equal(order.length, written.length);
      assert.equal(at.size, written.length);
      if (cycle !== undefined) return;
      for (const { name, after } of written) {
        for (const each of after) assert.ok(!at.has(each) || (at.get(each) ?? 0) < (at.get(name) ?? 0));
      }
    }),
    { numRuns: 300 },
  );
});

test('a stage of many steps is ordered without recursion', () => {
  const many = Array.from({ length: 3000 }, (_, index) => ({ name: `s${index}` }));
  const whole = many.map((step) => step.name);
  assert.deepEqual(
    planStage([file('f', many)], 'boot').steps.map(({ name }) => name),
    whole,
  );
});
