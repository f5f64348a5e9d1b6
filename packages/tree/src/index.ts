export { TreeError, type TreeErrorCode } from './error.ts';
export {
  type Attributes,
  type DeviceNode,
  type Directory,
  type Inode,
  makeDirectory,
  makeFile,
  makeSymlink,
  NO_XATTRS,
  type RegularFile,
  type SpecialFile,
  type Symlink,
  type Timestamp,
} from './inode.ts';
export {
  ensureDirectory,
  type Found,
  lookup,
  lookupDirectory,
  place,
  readFileIn,
  sortedEntries,
  splitPath,
  walk,
} from './tree.ts';
