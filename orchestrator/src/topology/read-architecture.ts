import { isJsonObject } from '../json.ts';
import type { CheckedDocument, DocumentPath } from './checked-document.ts';
import { plainValue } from './plain-value.ts';
import type { TrialCall } from './topology.ts';

/** `user.v1.UserService` */
const INTERFACE_NAME = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$/;

/** Reads `offers`: full names of gRPC services; undefined when the file does not say. */
export function readOffers(
  document: CheckedDocument,
  value: unknown,
  path: DocumentPath,
): string[] | undefined {
  if (value === undefined || value === null) return undefined;
  const offers = document.texts(value, path);
  offers.forEach((name, index) => {
    if (name === '') return;
    if (!INTERFACE_NAME.test(name)) {
      document.problem([...path, index], `must be like user.v1.UserService, not '${name}'`);
    } else if (offers.indexOf(name) < index) {
      document.problem([...path, index], `'${name}' stands here twice`);
    }
  });
  return offers;
}

function readTrialCall(document: CheckedDocument, value: unknown, path: DocumentPath): TrialCall {
  const fields = document.mapping(value, path, ['call', 'request', 'needs']);
  const call = document.text(fields.get('call') ?? '', [...path, 'call'], '');
  const request = plainValue(fields.get('request') ?? new Map(), [...path, 'request']);
  const isRequest = isJsonObject(request);
  if (!isRequest) {
    document.problem([...path, 'request'], 'must be a mapping, the request in its JSON form');
  }
  const needs = document.texts(fields.get('needs'), [...path, 'needs']);
  return { call, request: isRequest ? request : {}, needs };
}

/** Reads `verify`: the calls of a trial. Whom they need is checked once all services are known. */
export function readTrialCalls(
  document: CheckedDocument,
  value: unknown,
  path: DocumentPath,
): TrialCall[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => readTrialCall(document, item, [...path, index]));
  }
  document.problem(path, 'must be a list of calls');
  return [];
}
