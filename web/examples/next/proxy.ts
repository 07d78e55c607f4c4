import { type NextRequest, NextResponse } from 'next/server';

/**
 * Products, carts and the checkout are Till's. They are on this origin, so that the cookies they set are
 * the shop's own. `rewrites` of next.config.ts would do it too, with an address that is fixed when the
 * app is built; this one is read when it runs.
 */
export function proxy({ nextUrl }: NextRequest) {
  const { TILL_URL = 'http://127.0.0.1:8080' } = process.env;
  return NextResponse.rewrite(new URL(nextUrl.pathname + nextUrl.search, TILL_URL));
}

export const config = {
  matcher: [
    '/api/checkout/sessions/:path*',
    '/api/products/:path*',
    '/api/cart/:path*',
    '/assets/:path*',
  ],
};
