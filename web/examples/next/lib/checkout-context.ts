// What this app's server itself asks about a checkout: once for each request, as whoever has made it.

import 'server-only';
import { forRequest } from '@till/better-auth';
import { createTill, type Fetch, type Order, orThrow } from '@till/client';
import { cookies } from 'next/headers';
import { cache } from 'react';
import { isAtElasticPath } from './auth';

/** The context of the request that is being answered, the same for all who ask in it. */
export const checkoutContext = cache(() => {
  const till = createTill({ baseUrl: process.env.TILL_URL ?? '', fetch: asVisitor });
  return {
    /** Till's word, which it gives to whoever has made the order; null for everybody else. */
    async order(id: string): Promise<Order | null> {
      const answer = await till.orders.get(id);
      if (!answer.ok && answer.failure.code === 'order.notFound') return null;
      return orThrow(answer);
    },
    /** By what Elastic Path knows the payment of an order. Ask for orders of this visitor alone. */
    payment: (id: string) => (isAtElasticPath ? paymentAtElasticPath(id) : null),
  };
});

/** The shop's own token: minted when it is first asked for, once in a request, and not kept. */
const credentials = cache(() => forRequest());

async function paymentAtElasticPath(orderId: string): Promise<string | null> {
  const token = await credentials().getClientCredentialsToken();
  const url = `${process.env.EP_API_BASE_URL}/v2/orders/${encodeURIComponent(orderId)}/transactions`;
  const answer = await fetch(url, {
    headers: { authorization: `Bearer ${token}` },
    cache: 'no-store',
  });
  const { data = [] } = (await answer.json()) as { data?: { reference: string; status: string }[] };
  return data.find(({ status }) => status === 'complete')?.reference ?? null;
}

const asVisitor: Fetch = async (url, init) => {
  const cookie = (await cookies()).toString();
  return fetch(url, { ...init, headers: { ...init.headers, cookie }, cache: 'no-store' });
};
