const ESCAPE = '\x1b';

type State = 'text' | 'escape' | 'charset' | 'control' | 'string' | 'string-escape';

/**
 * Turns what a terminal would be sent into plain text, chunk by chunk: escape sequences (ECMA-48: CSI, OSC
 * and the like, also where a chunk ends in the middle of one) and control characters other than line feed and
 * tab are left out, and bytes that are not UTF-8 become the replacement character.
 */
export function makeTextFilter(): (chunk: Uint8Array) => string {
  const decoder = new TextDecoder('utf-8');
  let state: State = 'text';
  return (chunk) => {
    let text = '';
    for (const character of decoder.decode(chunk, { stream: true })) {
      if (state === 'text' && isPrintable(character)) text += character;
      state = nextState(state, character);
    }
    return text;
  };
}

function isPrintable(character: string): boolean {
  return (character >= ' ' && character !== '\x7f') || character === '\n' || character === '\t';
}

function nextState(state: State, character: string): State {
  // CAN and SUB end any sequence, and an escape starts another, so that damaged output cannot swallow what
  // follows.
  if (character === '\x18' || character === '\x1a') return 'text';
  switch (state) {
    case 'text':
      return character === ESCAPE ? 'escape' : 'text';
    case 'escape':
      if (character === '[') return 'control';
      if (']PX^_'.includes(character)) return 'string';
      if (character >= ' ' && character <= '/') return 'charset';
      return character === ESCAPE ? 'escape' : 'text';
    case 'charset':
      return character >= ' ' && character <= '/' ? 'charset' : 'text';
    case 'control':
      if (character === ESCAPE) return 'escape';
      return character >= '@' && character <= '~' ? 'text' : 'control';
    case 'string':
      if (character === '\x07' || character === '\n') return 'text';
      return character === ESCAPE ? 'string-escape' : 'string';
    case 'string-escape':
      return character === '\\' ? 'text' : nextState('escape', character);
    default:
      return state satisfies never;
  }
}
