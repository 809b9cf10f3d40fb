/** Whether this is a clone of the repository, and no installed package. */
export const runsFromSource = import.meta.filename.endsWith('.ts');

/** What calls this `weft`, to say in advice: in a clone of the repository, where it runs from source, npm. */
const WEFT = runsFromSource ? 'npm run weft --' : 'weft';

/** A command to copy, such as `weft down`, as it is called here. */
export function weftCommand(words: string): string {
  return `${WEFT} ${words}`;
}
