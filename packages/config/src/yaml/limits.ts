/** What a configuration may be at most. Kairos's own limit was 1 MB, and what was larger went unread without a word. */
export interface Limits {
  /** In bytes of UTF-8. */
  readonly bytes: number;
  /** Pieces that the lexer cuts the text into: they, not the bytes, take the memory. */
  readonly pieces: number;
  /** Maps and lists in each other. */
  readonly depth: number;
  /** Values, with each alias counted as what it stands for. */
  readonly values: number;
}

export const LIMITS: Limits = { bytes: 4 << 20, pieces: 60_000, depth: 64, values: 50_000 };
