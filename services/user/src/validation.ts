import { FieldChecks, invalidArgument, isText } from '@weft/proto';
import type { CreateUserRequest } from '@weft/proto/user';

const MAX_EMAIL_LENGTH = 254;
const MAX_LOCAL_PART_LENGTH = 64;
const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const emailPattern = new RegExp(`^(${atom}(?:\\.${atom})*)@${label}(?:\\.${label})+$`);

/** Whether this is an address mail could be sent to: dotted atoms at a domain of two labels or more. */
export function isEmail(text: string): boolean {
  if (text.length > MAX_EMAIL_LENGTH) return false;
  const localPart = emailPattern.exec(text)?.[1];
  return localPart !== undefined && localPart.length <= MAX_LOCAL_PART_LENGTH;
}

/** @throws INVALID_ARGUMENT naming every bad field. */
export function checkCreateUser({ name, email, idempotencyKey }: CreateUserRequest): void {
  const checks = new FieldChecks();
  checks.check(
    isText(name, 200),
    'name',
    'must be 1 to 200 characters, not blank, without control characters',
  );
  checks.check(
    isEmail(email),
    'email',
    `must be an email address of at most ${MAX_EMAIL_LENGTH} characters, like ada@example.com`,
  );
  checks.check(
    idempotencyKey === '' || isText(idempotencyKey, 128),
    'idempotency_key',
    'must be at most 128 characters, not blank, without control characters',
  );
  checks.throwIfAny();
}

/** @throws INVALID_ARGUMENT unless it can be the id of something. */
export function checkId(id: string): void {
  if (!isText(id, 64)) {
    throw invalidArgument({ field: 'id', description: 'must be the id of a user' });
  }
}
