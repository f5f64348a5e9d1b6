const TEXT = /^[A-Za-z0-9+/]*={0,2}$/;

/** Standard base64 (RFC 4648, section 4), with blanks and line ends in it; undefined where it is none. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const packed = text.replaceAll(/\s+/g, '');
  if (packed.length % 4 !== 0 || !TEXT.test(packed)) return undefined;
  const binary = atob(packed);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
