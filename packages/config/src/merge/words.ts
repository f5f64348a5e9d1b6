/** A word of a command line. Offsets into it are into the line where nothing in it was quoted. */
export interface Word {
  readonly text: string;
  readonly offset: number;
}

/** Cuts a kernel's command line at its blanks, with quotes as a shell has them: `kairos.config="hostname=my box"`. */
export function splitWords(line: string): Word[] {
  const words: Word[] = [];
  let text = '';
  let start = -1;
  let quote = '';
  for (let index = 0; index < line.length; index++) {
    const sign = line.charAt(index);
    if (quote !== '') {
      if (sign === quote) quote = '';
      else text += sign;
    } else if (sign === '"' || sign === "'") {
      quote = sign;
      if (start < 0) start = index;
    } else if (/\s/.test(sign)) {
      if (start >= 0) words.push({ text, offset: start });
      [text, start] = ['', -1];
    } else {
      if (start < 0) start = index;
      text += sign;
    }
  }
  if (start >= 0) words.push({ text, offset: start });
  return words;
}
