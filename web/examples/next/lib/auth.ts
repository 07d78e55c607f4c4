import 'server-only';
import { epPlugin } from '@till/better-auth';
import { betterAuth } from 'better-auth';

const { EP_API_BASE_URL = '', EP_CLIENT_ID = '' } = process.env;
const { BETTER_AUTH_SECRET = '', BETTER_AUTH_URL = '' } = process.env;

const week = 60 * 60 * 24 * 7;

/** Whether carts are Elastic Path's. Otherwise they are Till's, and nobody needs a session here. */
export const isAtElasticPath = EP_CLIENT_ID !== '';

/** The shopper's session, with her cart and her token: a cookie that only this server and Till can read. */
export const auth = isAtElasticPath
  ? betterAuth({
      secret: BETTER_AUTH_SECRET,
      baseURL: BETTER_AUTH_URL,
      basePath: '/api/ep',
      session: {
        cookieCache: { enabled: true, strategy: 'jwe', maxAge: week, refreshCache: true },
      },
      plugins: [epPlugin({ host: EP_API_BASE_URL, clientId: EP_CLIENT_ID })],
    })
  : null;
