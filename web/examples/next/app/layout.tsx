import type { Metadata, Viewport } from 'next';
import Link from 'next/link';
import { connection } from 'next/server';
import type { ReactNode } from 'react';
import './style.css';

export const metadata: Metadata = {
  title: { default: 'The corner shop', template: '%s – The corner shop' },
};
export const viewport: Viewport = { colorScheme: 'light dark' };

export default async function Layout({ children }: { children: ReactNode }) {
  // Pages are made when they are asked for: the settings are those of the server that runs.
  await connection();
  const { STRIPE_JS_URL } = process.env;
  return (
    <html lang="en">
      {/* Stripe's packages load Stripe.js themselves, unless one is there already. */}
      <head>{STRIPE_JS_URL && <script src={STRIPE_JS_URL} />}</head>
      <body>
        <header>
          <nav>
            <Link href="/">The corner shop</Link>
            <Link href="/#cart">Cart</Link>
          </nav>
        </header>
        <main>{children}</main>
      </body>
    </html>
  );
}
