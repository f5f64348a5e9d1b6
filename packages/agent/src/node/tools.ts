/** Where the framework's own programs are: an image may have none of them. */
const FRAMEWORK = '/usr/lib/cairn';

export type ToolName = 'mke2fs' | 'blockdev' | 'chattr';

/** How to run one of them, with the framework's own C library. */
export function tool(name: ToolName, args: readonly string[]): string[] {
  const lib = `${FRAMEWORK}/lib`;
  return [`${lib}/ld-linux-x86-64.so.2`, '--library-path', lib, `${FRAMEWORK}/tools/${name}`, ...args];
}
