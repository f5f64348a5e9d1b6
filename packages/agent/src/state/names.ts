/** On the OEM partition, which no upgrade and no reset of the data touches. */
export const STATE_FOLDER = '/oem/.cairn';
export const STATE_FILES = ['state.0.json', 'state.1.json'] as const;
/** The journal of an action, in the same folder. */
export const JOURNAL_NAME = 'action.json';
