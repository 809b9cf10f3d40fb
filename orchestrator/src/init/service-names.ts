/** What a service is called in the places that name it. */
export interface ServiceNames {
  /** `guest-book-service` */
  readonly name: string;
  /** Package of its contract, without the version: `guest_book`. */
  readonly package: string;
  /** gRPC service of that: `GuestBookService`. */
  readonly service: string;
}

/** @param name of a service, as the registry lists it */
export function serviceNames(name: string): ServiceNames {
  const words = name.replace(/(.)-service$/, '$1').split('-');
  const camel = words.map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`).join('');
  return { name, package: words.join('_'), service: `${camel}Service` };
}
