import { TemplateError } from './error.ts';
import { Template } from './template.ts';

/** What is wrong with a text as a template. */
export interface TemplateFault {
  /** One sentence, with the action and, of a longer text, its line. */
  readonly message: string;
  readonly hint?: string;
}

/** Reads a text as a template without rendering it; undefined where it is one. */
export function checkTemplate(text: string): TemplateFault | undefined {
  try {
    void new Template(text);
    return undefined;
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    const { place, detail, hint } = error;
    const action =
      place?.action === undefined ? 'the template' : place.action.replaceAll(/\s+/g, ' ').slice(0, 60);
    const line = text.includes('\n') && place !== undefined ? `, on line ${place.line} of this text` : '';
    const way =
      hint === undefined
        ? {}
        : { hint: `${hint.charAt(0).toUpperCase()}${hint.slice(1)}${hint.endsWith('?') ? '' : '.'}` };
    return { message: `${action}${line}: ${detail}`, ...way };
  }
}
