import { type Check, pass, warn } from './check.ts';

/** What grpc-js goes by, the first that is set. */
const PROXIES = ['grpc_proxy', 'https_proxy', 'http_proxy'];
const EXCEPTIONS = ['no_grpc_proxy', 'no_proxy'];

/** A proxy that calls between services would go through. */
export const checkProxy: Check = {
  name: 'proxy',
  async look({ env }) {
    const proxy = PROXIES.find((name) => env[name]);
    if (proxy === undefined) return [pass('calls between services go straight')];
    const exceptions = EXCEPTIONS.find((name) => env[name]);
    const but = exceptions === undefined ? '' : ` but for ${exceptions}=${env[exceptions]}`;
    return [
      warn(
        `$${proxy} is set, so gRPC calls go through ${env[proxy]}${but}`,
        'unset it for what takes part in the mesh, or name its addresses in $no_grpc_proxy',
      ),
    ];
  },
};
