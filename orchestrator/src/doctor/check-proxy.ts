import { type Check, pass } from './check.ts';

/** Variables that name a proxy for gRPC programs, the first that is set counts. */
const PROXIES = ['grpc_proxy', 'https_proxy', 'http_proxy'];

/** An HTTP proxy in the environment, which nothing of Weft uses. */
export const checkProxy: Check = {
  name: 'proxy',
  async look({ env }) {
    const proxy = PROXIES.find((name) => env[name]);
    if (proxy === undefined) return [pass('calls between services go straight')];
    return [
      pass(
        `calls between services go straight; $${proxy} counts only for gRPC clients without the SDK`,
      ),
    ];
  },
};
