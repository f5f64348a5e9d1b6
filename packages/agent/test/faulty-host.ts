import { type Files, type Host, HostError, type OpenFile, type Programs } from '@cairn/host';

/**
 * `fail`: one call fails and has no effect. `cut`: from that call on nothing has an effect, as when the power goes.
 * `tear`: as `cut`, but half of what that call was to write is written.
 */
export interface Fault {
  readonly kind: 'fail' | 'cut' | 'tear';
  /** Which call, counted from 0. */
  readonly at: number;
}

/** Counts the calls at a host's door that can change something, or fail. */
export class Faults {
  readonly #fault: Fault;
  readonly log: string[] = [];
  calls = 0;

  constructor(fault: Fault) {
    this.#fault = fault;
  }

  /** Throws where this call is not to happen. @returns whether it is to happen by half, and then the power goes */
  check(operation: string, path: string): boolean {
    const index = this.calls++;
    this.log.push(`${operation} ${path}`);
    const { kind, at } = this.#fault;
    if (index < at || (kind === 'fail' && index > at)) return false;
    if (kind === 'tear' && index === at && operation.startsWith('write')) return true;
    throw this.error(operation, path);
  }

  error(operation: string, path: string): HostError {
    const what = this.#fault.kind === 'fail' ? 'injected fault' : 'the power is gone';
    return new HostError('io', `cannot ${operation} ${path}: ${what}`);
  }
}

export function faultyHost(host: Host, faults: Faults): Host {
  return { ...host, files: faultyFiles(host.files, faults), programs: faultyPrograms(host.programs, faults) };
}

function faultyPrograms(programs: Programs, faults: Faults): Programs {
  return {
    ...programs,
    async run(argv, options) {
      faults.check('run', argv.join(' '));
      return programs.run(argv, options);
    },
  };
}

function faultyFiles(files: Files, faults: Faults): Files {
  return {
    ...guarded(files, faults),
    open: async (path, mode) => {
      faults.check(`open (${mode})`, path);
      return faultyFile(await files.open(path, mode), path, faults);
    },
    async replace(path, content, mode) {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      if (faults.check('write whole', path)) {
        // Such a name stays behind when the power goes before the rename.
        await files.replace(`${path}.torn.new`, bytes.subarray(0, bytes.length / 2), mode);
        throw faults.error('write', path);
      }
      await files.replace(path, content, mode);
    },
  };
}

/** Every method, with a call of `check` before it. */
function guarded(files: Files, faults: Faults): Files {
  return new Proxy(files, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function' || typeof name !== 'string') return method;
      return async (path: string, ...rest: unknown[]): Promise<unknown> => {
        faults.check(name, path);
        return Reflect.apply(method, target, [path, ...rest]);
      };
    },
  });
}

function faultyFile(file: OpenFile, path: string, faults: Faults): OpenFile {
  return {
    get size() {
      return file.size;
    },
    // Reads are many: they fail where the file's opening or its first read does.
    read: (position, target, signal) => {
      if (position === 0) faults.check('read', path);
      return file.read(position, target, signal);
    },
    async write(position, chunk) {
      const torn = faults.check('write', path);
      await file.write(position, torn ? chunk.subarray(0, chunk.length / 2) : chunk);
      if (torn) throw faults.error('write', path);
    },
    async sync() {
      faults.check('fsync', path);
      await file.sync();
    },
    async truncate(size) {
      faults.check('truncate', path);
      await file.truncate(size);
    },
    close: () => file.close(),
    [Symbol.asyncDispose]: () => file.close(),
  };
}
