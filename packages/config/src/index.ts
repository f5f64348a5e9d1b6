export { configShape } from './config-shape.ts';
export {
  type Diagnostic,
  type DiagnosticCode,
  diagnosticText,
  hasErrors,
  judge,
  type PlainDiagnostic,
  plainDiagnostic,
  type Severity,
  type Strictness,
  sorted,
} from './diagnostic.ts';
export { type ConfigFile, type ReadOptions, readConfig, readTree } from './file.ts';
export { HEADERS, hasHeader } from './header.ts';
export { jsonSchema } from './json-schema.ts';
export { type Combined, combine, configUrlOf } from './merge/combine.ts';
export { parseCommandLine } from './merge/command-line.ts';
export { explainTree, type Origin } from './merge/explain.ts';
export { mergeTrees } from './merge/merge.ts';
export { compareWalk, inOrder, isConfigName, MERGED_FOLDERS, STAGE_FOLDERS } from './merge/order.ts';
export { type Place, type Position, placeText, positionOf, type Source } from './place.ts';
export { type Config, configSchema, type Step } from './schema/config.ts';
export { isStage, STAGES } from './schema/stages.ts';
export { type Shape, shapeOf } from './shape.ts';
export { checkSize, decodeSource } from './source.ts';
export { planStage, type StagePlan } from './stages/plan.ts';
export { type Reference, type StepNode, stagesIn } from './stages/steps.ts';
export {
  childPath,
  type Entry,
  type ListTree,
  type MapTree,
  plainOf,
  type ScalarTree,
  type Tree,
} from './tree.ts';
export type { CheckTemplate, TemplateFault } from './validate/context.ts';
export { LIMITS, type Limits } from './yaml/limits.ts';
export { writeYaml } from './yaml/write.ts';
