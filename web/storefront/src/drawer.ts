// Whether the cart is open beside the page.

import { ref } from 'vue';

/** The drawer is open. */
export const isOpen = ref(false);

/** Opens the cart. */
export function openDrawer(): void {
  isOpen.value = true;
}

/** Closes the cart. */
export function closeDrawer(): void {
  isOpen.value = false;
}
