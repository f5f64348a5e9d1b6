import { type ByteSource, equalBytes, readExactly } from '@cairn/bytes';

/** What is at a fixed place of a disk that holds something. Negative positions count from its end. */
interface Signature {
  readonly what: string;
  readonly position: number;
  readonly bytes: string;
}

/** Those of libblkid and wipefs(8) that a machine is likely to have; the first one that is there names the disk's content. */
const SIGNATURES: readonly Signature[] = [
  { what: 'a partition table (GPT)', position: 512, bytes: 'EFI PART' },
  { what: 'a partition table (GPT)', position: 4096, bytes: 'EFI PART' },
  { what: 'the backup of a partition table (GPT)', position: -512, bytes: 'EFI PART' },
  { what: 'the backup of a partition table (GPT)', position: -4096, bytes: 'EFI PART' },
  { what: 'an ISO image', position: 32_769, bytes: 'CD001' },
  { what: 'an encrypted volume (LUKS)', position: 0, bytes: 'LUKS\xba\xbe' },
  ...[0, 1, 2, 3].map((sector) => ({
    what: 'a physical volume of LVM',
    position: sector * 512,
    bytes: 'LABELONE',
  })),
  { what: 'an ext file system', position: 1080, bytes: '\x53\xef' },
  { what: 'an XFS file system', position: 0, bytes: 'XFSB' },
  { what: 'a Btrfs file system', position: 65_600, bytes: '_BHRfS_M' },
  { what: 'an F2FS file system', position: 1024, bytes: '\x10\x20\xf5\xf2' },
  { what: 'an EROFS file system', position: 1024, bytes: '\xe2\xe1\xf5\xe0' },
  { what: 'a SquashFS file system', position: 0, bytes: 'hsqs' },
  { what: 'an NTFS file system', position: 3, bytes: 'NTFS    ' },
  { what: 'an encrypted volume (BitLocker)', position: 3, bytes: '-FVE-FS-' },
  { what: 'an exFAT file system', position: 3, bytes: 'EXFAT   ' },
  { what: 'a FAT file system', position: 82, bytes: 'FAT32   ' },
  { what: 'a FAT file system', position: 54, bytes: 'FAT' },
  { what: 'an APFS container', position: 32, bytes: 'NXSB' },
  { what: 'an HFS file system', position: 1024, bytes: 'H+' },
  { what: 'swap space', position: 4086, bytes: 'SWAPSPACE2' },
  { what: 'a member of a RAID (md)', position: 0, bytes: '\xfc\x4e\x2b\xa9' },
  { what: 'a member of a RAID (md)', position: 4096, bytes: '\xfc\x4e\x2b\xa9' },
  { what: 'a disk of Ceph', position: 0, bytes: 'bluestore block device' },
  { what: 'a bcache device', position: 4120, bytes: '\xc6\x85\x73\xf6\x4e\x1a\x45\xca' },
  // An MBR comes last: FAT, NTFS and ISO images end their first sector alike.
  { what: 'a partition table or boot code (MBR)', position: 510, bytes: '\x55\xaa' },
];

/** All formats have something in the first or last MiB: where these are zeros, nothing is lost. */
const ENDS = 1 << 20;
const CHUNK = 1 << 16;

/**
 * What a disk holds, in words; undefined if its first and last MiB are empty. What is not known is data too: a disk
 * whose format has no signature here must not be taken for an empty one.
 */
export async function contentOf(disk: ByteSource, signal?: AbortSignal): Promise<string | undefined> {
  for (const { what, position, bytes } of SIGNATURES) {
    const at = position < 0 ? disk.size + position : position;
    const wanted = Uint8Array.from(bytes, (character) => character.charCodeAt(0));
    if (at < 0 || at + wanted.length > disk.size) continue;
    if (equalBytes(await readExactly(disk, at, wanted.length, signal), wanted)) return what;
  }
  const head = Math.min(ENDS, disk.size);
  const tail = Math.max(head, disk.size - ENDS);
  const isEmpty = (await isZero(disk, 0, head, signal)) && (await isZero(disk, tail, disk.size, signal));
  return isEmpty ? undefined : 'data of an unknown kind';
}

async function isZero(
  source: ByteSource,
  start: number,
  end: number,
  signal?: AbortSignal,
): Promise<boolean> {
  for (let position = start; position < end; position += CHUNK) {
    const bytes = await readExactly(source, position, Math.min(CHUNK, end - position), signal);
    if (bytes.some((byte) => byte !== 0)) return false;
  }
  return true;
}
