const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Whether a text is a UUID, of whatever version. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
