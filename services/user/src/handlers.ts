import { alreadyExists, notFound, pageSize, pageToken } from '@weft/proto';
import { CreateUserRequest, type UserServiceImplementation } from '@weft/proto/user';
import { hashRequest, pagePosition } from '@weft/service-kit';
import type { UserRepository } from './repository.ts';
import { checkCreateUser, checkId } from './validation.ts';

const DEFAULT_PAGE_SIZE = 50;

/** What answers user.v1.UserService. */
export function createUserHandlers(users: UserRepository): UserServiceImplementation {
  return {
    async createUser(request) {
      checkCreateUser(request);
      const outcome = await users.create({
        ...request,
        requestHash: hashRequest(CreateUserRequest, request),
      });
      switch (outcome.kind) {
        case 'stored':
          return { user: outcome.user };
        case 'email-taken':
          throw alreadyExists('another user has this email', { reason: 'EMAIL_TAKEN' });
        case 'key-reused':
          throw alreadyExists('the idempotency key was used with another body; take a new key', {
            reason: 'IDEMPOTENCY_KEY_REUSED',
          });
      }
    },

    async getUser({ id }) {
      checkId(id);
      const user = users.get(id);
      if (user === undefined) throw notFound('user', id);
      return { user };
    },

    async listUsers(request) {
      const { users: page, next } = users.list(
        pagePosition(request.pageToken),
        pageSize(request.pageSize, DEFAULT_PAGE_SIZE),
      );
      return {
        users: page,
        nextPageToken: next === undefined ? '' : pageToken(String(next)),
      };
    },
  };
}
