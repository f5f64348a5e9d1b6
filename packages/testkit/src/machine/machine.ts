import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { Console } from '../console/console.ts';
import { TestkitError } from '../error.ts';
import type { Guest } from '../guest/guest.ts';
import { type LoginOptions, logIn } from '../guest/login.ts';
import { type Limits, seconds, settle } from '../wait.ts';
import { type BitPosition, flipDiskBit } from './disk.ts';
import { buildArguments, type MachineFiles, type MachineOptions } from './options.ts';
import { type Exit, type QemuProcess, startQemu } from './process.ts';
import type { QmpClient } from './qmp.ts';

const SHUTDOWN_LIMIT_MS = 60_000;

/** A virtual machine with its disks, on or off. Disposing of it ends it and removes its folder. */
export class Machine implements AsyncDisposable {
  readonly console = new Console();
  readonly options: MachineOptions;
  readonly files: MachineFiles;
  /** The machine's own folder: overlays, firmware variables, sockets, console log. */
  readonly folder: string;
  /** The last time that it was switched on. */
  #process: QemuProcess | undefined;
  /** Whether somebody may be logged in already. */
  #wasLoggedIn = false;

  constructor(options: MachineOptions, files: MachineFiles, folder: string) {
    this.options = options;
    this.files = files;
    this.folder = folder;
  }

  /** QEMU's monitor. @throws TestkitError `machine-off` */
  get qmp(): QmpClient {
    return this.#on().qmp;
  }

  /** QEMU's process id. @throws TestkitError `machine-off` */
  get pid(): number {
    return this.#on().pid;
  }

  /** Fulfilled when the machine ends, for whatever reason; already so when it has ended. */
  get exited(): Promise<Exit> {
    return this.#process?.exited ?? Promise.resolve({ code: null, signal: null });
  }

  get isOn(): boolean {
    return this.#process !== undefined && !this.#process.gone.aborted;
  }

  /**
   * Switches the machine on, with its disks and firmware variables as they are.
   *
   * @param incoming the QEMU process is to wait for a saved machine's memory
   */
  async powerOn(options: { readonly signal?: AbortSignal } = {}, incoming = false): Promise<void> {
    if (this.isOn) throw new TestkitError('machine-on', 'the machine is on already');
    await mkdir(this.folder, { recursive: true });
    const args = buildArguments(this.options, this.files);
    if (incoming) args.push('-incoming', 'defer');
    const process = await startQemu(args, this.files.sockets, this.folder, options.signal);
    this.#process = process;
    this.#wasLoggedIn = incoming;
    // Not by QEMU's `logfile`: where our socket is full for a moment, that holds some characters twice.
    process.console.pipe(createWriteStream(this.files.consoleLog, { flags: 'a' }));
    this.console.skipToEnd();
    this.console.connect(process.console, process.gone);
  }

  /** Waits for the `login:` prompt, logs in and gives a way to run commands. */
  async login(options: LoginOptions = {}): Promise<Guest> {
    const { gone, port, qmp } = this.#on();
    const context = {
      console: this.console,
      port,
      gone,
      mayBeOpen: this.#wasLoggedIn,
      nextBoot: (limits: Limits) => this.#nextBoot(qmp, limits),
    };
    try {
      const guest = await logIn(context, options);
      this.#wasLoggedIn = true;
      return guest;
    } catch (error) {
      if (!this.isEmulatorFault(error)) throw error;
      await this.#startAgain(options.signal);
      return this.login(options);
    }
  }

  /**
   * Whether a boot failed by the emulator, not by what it runs: with several emulated processors QEMU may run a breakpoint
   * that the kernel set for a moment to patch its own code, and has taken away again. The kernel then stops with
   * `Oops: int3`, mostly when it finds its clock stable, seconds after its start.
   */
  isEmulatorFault(error: unknown): boolean {
    return (
      error instanceof TestkitError &&
      error.code === 'console-failure' &&
      this.isOn &&
      this.files.accelerator.kind === 'tcg' &&
      /Oops: int3: 0000 [^]*Kernel panic - not syncing: Fatal exception/.test(this.console.lastLines(120))
    );
  }

  /** Cuts the power: QEMU is killed at once. Disks and firmware variables stay, for `powerOn`. */
  async powerOff(): Promise<Exit> {
    return this.isOn ? this.#on().kill() : this.exited;
  }

  /** Presses the reset button. */
  async reset(limits: Limits = {}): Promise<void> {
    const { qmp } = this.#on();
    const happened = this.#nextBoot(qmp, limits);
    await Promise.all([happened, qmp.execute('system_reset', undefined, limits)]);
  }

  /**
   * Presses the power button and waits until the guest has switched itself off, which needs a guest that
   * listens to it.
   */
  async shutdown(limits: Limits = {}): Promise<Exit> {
    const { qmp, exited } = this.#on();
    const timeoutMs = limits.timeoutMs ?? SHUTDOWN_LIMIT_MS;
    const sentence = `the guest did not switch itself off within ${seconds(timeoutMs)}`;
    await qmp.execute('system_powerdown', undefined, limits);
    return settle<Exit>(
      (resolve, reject) => {
        exited.then(resolve, reject);
        return () => undefined;
      },
      {
        timeoutMs,
        signal: limits.signal,
        expired: () => new TestkitError('timeout', this.console.quote(sentence)),
      },
    );
  }

  /** Inverts a bit of a disk, counted from 0, as the guest reads it. The machine must be off. */
  async flipBit(
    position: BitPosition & { readonly disk?: number },
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    if (this.isOn) throw new TestkitError('machine-on', 'bits are flipped on a machine that is off');
    const disk = this.files.disks[position.disk ?? 0];
    if (disk === undefined) throw new TestkitError('bad-option', `there is no disk ${position.disk ?? 0}`);
    await flipDiskBit(disk, position, options.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerOff();
    await rm(this.folder, { recursive: true, force: true });
  }

  #on(): QemuProcess {
    if (this.#process === undefined || this.#process.gone.aborted) {
      throw new TestkitError('machine-off', 'the machine is off');
    }
    return this.#process;
  }

  /** By the reset button, which switches a machine off that ends where it would reboot. */
  async #startAgain(signal: AbortSignal | undefined): Promise<void> {
    if (this.options.reboots !== false) return this.reset({ signal });
    await this.powerOff();
    await this.powerOn(signal === undefined ? {} : { signal });
  }

  async #nextBoot(qmp: QmpClient, limits: Limits): Promise<void> {
    await qmp.waitForEvent('RESET', limits);
    this.#wasLoggedIn = false;
    this.console.skipToEnd();
  }
}
