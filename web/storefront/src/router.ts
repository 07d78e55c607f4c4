// The shop's pages. The server hands out this application for these addresses and for no other.

import { nextTick } from 'vue';
import { createRouter, createWebHistory } from 'vue-router';
import { facts } from './facts.js';
import CheckoutPage from './pages/CheckoutPage.vue';
import MissingPage from './pages/MissingPage.vue';
import OrderPage from './pages/OrderPage.vue';
import ProductPage from './pages/ProductPage.vue';
import ProductsPage from './pages/ProductsPage.vue';

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
