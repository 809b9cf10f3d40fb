const SECRET_NAME = /pass|secret|token|credential|api_?key|private_?key|auth/i;
const CREDENTIALS = /(\w:\/\/)[^/?#\s]*@/g;
const SECRET_PARAMETER = /([?&;][^=&;\s]*(?:pass|pwd|secret|token|key)[^=&;\s]*=)[^&;\s]*/gi;

/** A store, or a command, as it can be shown: without the credentials and secrets of its URLs. */
export function redacted(text: string): string {
  return text.replace(CREDENTIALS, '$1***@').replace(SECRET_PARAMETER, '$1***');
}

/** A setting as it can be shown: nothing of one whose name says that it is secret. */
export function redactedSetting(name: string, value: string): string {
  return SECRET_NAME.test(name) ? '***' : redacted(value);
}
