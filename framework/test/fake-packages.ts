import { type Directory, makeDirectory, makeFile, makeSymlink, place } from '@cairn/tree';
import { FrameworkError } from '../src/error.ts';

/**
 * A tree of empty files that has all that `use` takes from it: whatever it says is missing is put there, until
 * nothing is. So the tests need neither Debian's packages nor a second list of what is taken of them.
 */
export async function packagesFor(use: (packages: Directory) => Promise<unknown>): Promise<Directory> {
  const packages = makeDirectory();
  for (const folder of ['bin', 'sbin', 'lib', 'lib64']) place(packages, folder, makeSymlink(`usr/${folder}`));
  for (;;) {
    try {
      await use(packages);
      return packages;
    } catch (error) {
      if (!(error instanceof FrameworkError)) throw error;
      const path = /^(\/\S+) is in none of the packages$/.exec(error.message)?.[1];
      const library = / needs (\S+), which none of the packages brings$/.exec(error.message)?.[1];
      if (path === undefined && library === undefined) throw error;
      place(packages, path ?? `/usr/lib/x86_64-linux-gnu/${library}`, makeFile('', { mode: 0o755 }));
    }
  }
}
