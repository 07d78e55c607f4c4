import { epPlugin } from '@till/better-auth';
import { betterAuth } from 'better-auth';

const { EP_API_BASE_URL = '', EP_CLIENT_ID = '', BETTER_AUTH_SECRET = '' } = process.env;
const { NEXT_PUBLIC_BASE_URL = '' } = process.env;

const week = 60 * 60 * 24 * 7;

/** Without a database: the session is a cookie that only this server and Till can read. */
export const auth = betterAuth({
  secret: BETTER_AUTH_SECRET,
  baseURL: NEXT_PUBLIC_BASE_URL,
  basePath: '/api/ep',
  session: { cookieCache: { enabled: true, strategy: 'jwe', maxAge: week, refreshCache: true } },
  plugins: [epPlugin({ host: EP_API_BASE_URL, clientId: EP_CLIENT_ID })],
});
