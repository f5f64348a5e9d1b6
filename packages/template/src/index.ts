export { checkTemplate, type TemplateFault } from './check.ts';
export { type Place, TemplateError, type TemplateErrorCode } from './error.ts';
export type { Surroundings } from './functions/function.ts';
export { DEFAULT_LIMITS, type Limits } from './limits.ts';
export {
  type MissingValue,
  type ParseOptions,
  type Rendered,
  type RenderOptions,
  render,
  Template,
} from './template.ts';
