/** Packages of what servers offer besides their domain: health, reflection, identity, the registry. */
const INFRASTRUCTURE = ['grpc', 'weft', 'google'];

/** What every autonomous server offers. */
export const HEALTH_INTERFACE = 'grpc.health.v1.Health';

/** Whether a gRPC service belongs to the domain of whoever offers it. */
export function isDomainInterface(name: string): boolean {
  return !INFRASTRUCTURE.includes(name.slice(0, name.indexOf('.')));
}

/** `UserService` of `user.v1.UserService`. */
export function shortName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

/** The package of a gRPC service without its version: `user` of `user.v1.UserService`. */
export function domainOf(name: string): string {
  const parts = name.split('.').slice(0, -1);
  const isVersion = /^v\d+((alpha|beta|test)\d*)?$/.test(parts.at(-1) ?? '');
  return parts.slice(0, isVersion ? -1 : undefined).join('.');
}
