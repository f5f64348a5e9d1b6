import { CairnError } from '@cairn/bytes';

export type AgentErrorCode = 'not-a-node' | 'bad-boot' | 'mount-failed';

export class AgentError extends CairnError<AgentErrorCode> {
  override readonly name = 'AgentError';
}
