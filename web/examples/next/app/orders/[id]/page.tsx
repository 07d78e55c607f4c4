import { formatAmount } from '@till/client';
import type { Metadata } from 'next';
import Link from 'next/link';
import { notFound } from 'next/navigation';
import { checkoutContext } from '../../../lib/checkout-context';

export const metadata: Metadata = { title: 'Your order' };

/** What was bought, for whoever has bought it. */
export default async function OrderPage({ params }: { params: Promise<{ id: string }> }) {
  const { order, payment } = checkoutContext();
  const found = await order((await params).id);
  if (!found) notFound();
  const { id, status, items, subtotal, shipping, total, currency, customer } = found;
  const reference = await payment(id);
  const amount = (value: number) => formatAmount(value, currency, 'en');
  return (
    <div className="columns">
      <section className="order">
        <h1>Your order</h1>
        <p>
          {status === 'paid'
            ? `It is paid, and a letter is on its way to ${customer.email}.`
            : 'Your payment is under way.'}
        </p>
        <ul className="lines">
          {items.map((line) => (
            <li key={line.id}>
              <span>
                {line.quantity} × {line.name}
              </span>
              <span>{amount(line.lineTotal)}</span>
            </li>
          ))}
        </ul>
        <dl className="totals">
          {Object.entries({ Goods: subtotal, Shipping: shipping, Total: total }).map(
            ([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{amount(value)}</dd>
              </div>
            ),
          )}
        </dl>
        <p className="small">
          Order {id}
          {reference && `, paid as ${reference}`}
        </p>
        <Link className="button" href="/">
          Back to the shop
        </Link>
      </section>
    </div>
  );
}
