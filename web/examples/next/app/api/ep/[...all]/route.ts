import { toNextJsHandler } from 'better-auth/next-js';
import { auth } from '../../../../lib/auth';

const nobody = async () => Response.json(null, { status: 404 });

export const { GET, POST, PUT, DELETE } = toNextJsHandler(auth ?? nobody);
