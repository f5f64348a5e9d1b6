/** Below the ESP. The initrd knows them too, so that they are in a file that imports nothing. */
export const ENTRIES_FOLDER = 'loader/entries';
export const RELEASES_FOLDER = 'EFI/cairn';

export function ukiPath(id: string): string {
  return `${RELEASES_FOLDER}/${id}.efi`;
}

export function descriptionPath(id: string): string {
  return `${RELEASES_FOLDER}/${id}.json`;
}
