// What a mailed link holds stands behind a `#`. It is taken out of the address at once, and kept for as
// long as the page is open: no history, bookmark or screen of somebody else's has it.

import { ref, watch } from 'vue';
import { useRoute, useRouter } from 'vue-router';

/** The token of the link by which this page was opened; empty without. */
export function useToken() {
  const route = useRoute();
  const router = useRouter();
  const token = ref('');
  watch(
    () => route.hash,
    (hash) => {
      const found = /^#token=(.+)$/.exec(hash)?.[1];
      if (!found) return;
      token.value = found;
      void router.replace({ path: route.path });
    },
    { immediate: true },
  );
  return token;
}
