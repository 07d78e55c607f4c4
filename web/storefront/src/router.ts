// The shop's pages. The server hands out this application for these addresses and for no other.

import { type Component, nextTick } from 'vue';
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router';
import { facts } from './facts.js';
import BrokenPage from './pages/BrokenPage.vue';
import CheckoutPage from './pages/CheckoutPage.vue';
import MissingPage from './pages/MissingPage.vue';
import OrderPage from './pages/OrderPage.vue';
import ProductPage from './pages/ProductPage.vue';
import ProductsPage from './pages/ProductsPage.vue';

type AccountPages = typeof import('./account/pages.js');

/** A page of accounts: most who buy want none of them, and do not wait for them. */
const account = (name: string, path: string, page: keyof AccountPages, title: string) => ({
  path,
  name,
  meta: { title },
  component: (): Promise<Component> =>
    import('./account/pages.js').then(
      (pages) => pages[page],
      () => BrokenPage,
    ),
});

const ACCOUNT: RouteRecordRaw[] = [
  account('account', '/account', 'AccountPage', 'Your account'),
  account('orders', '/account/orders', 'OrdersPage', 'Your orders'),
  account('sign-in', '/account/sign-in', 'SignInPage', 'Sign in'),
  account('register', '/account/register', 'RegisterPage', 'Create an account'),
  account('confirm', '/account/confirm', 'ConfirmPage', 'Confirm your address'),
  account('forgot', '/account/forgot', 'ForgotPage', 'A new password'),
  account('reset', '/account/reset', 'ResetPage', 'Choose a new password'),
];

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', name: 'products', component: ProductsPage },
    { path: '/products/:id', name: 'product', component: ProductPage, props: true },
    { path: '/checkout', name: 'checkout', component: CheckoutPage, meta: { title: 'Checkout' } },
    {
      path: '/orders/:id',
      name: 'order',
      component: OrderPage,
      props: true,
      meta: { title: 'Your order' },
    },
    ...(facts.accounts ? ACCOUNT : []),
    {
      path: '/:missing(.*)*',
      name: 'missing',
      component: MissingPage,
      meta: { title: 'Not found' },
    },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

/** The tab says what it shows. */
export function titled(title?: unknown): void {
  document.title = title ? `${title} · ${facts.shop}` : facts.shop;
}

router.afterEach(async (to, from) => {
  titled(to.meta.title);
  // Another page is announced by its heading; the first one, and another search, are not.
  if (from.matched.length === 0 || from.path === to.path) return;
  await nextTick();
  document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
});
