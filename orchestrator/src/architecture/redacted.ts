const SECRET_NAME = /pass|secret|token|credential|api_?key|private_?key|auth/i;
const CREDENTIALS = /(\w:\/\/)[^/?#\s]*@/g;
const SECRET_PARAMETER = /([?&;][^=&;\s]*(?:pass|pwd|secret|token|key)[^=&;\s]*=)[^&;\s]*/gi;
const SECRET_OPTION = /(--?[^=\s]*(?:pass|pwd|secret|token|key)[^=\s]*[=\s])\S+/gi;

/** A store, or a command, as it can be shown: without credentials, and values whose name says secret. */
export function redacted(text: string): string {
  return text
    .replace(CREDENTIALS, '$1***@')
    .replace(SECRET_PARAMETER, '$1***')
    .replace(SECRET_OPTION, '$1***');
}

/** A setting as it can be shown: nothing of one whose name says that it is secret. */
export function redactedSetting(name: string, value: string): string {
  return SECRET_NAME.test(name) ? '***' : redacted(value);
}
