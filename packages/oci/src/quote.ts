/** As much of a stranger's text as a message shows. */
const SHOWN = 200;

/** A stranger's text for a message: not too long, and with nothing in it that could rewrite a terminal's line. */
export function readable(text: string): string {
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
  return shown.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, escaped);
}

/** The same in quotes, as JSON has it. */
export function quoted(text: string): string {
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
  return JSON.stringify(shown).replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, escaped);
}

function escaped(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}

/** As many names as fit into a message. */
const LISTED = 20;

/** A stranger's names for a message. */
export function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  return names.slice(0, LISTED).join(', ') + (names.length > LISTED ? ', ...' : '');
}
