import type { CheckoutIntent, CheckoutRequest, PriceChange, Shortage, Till } from '@till/client';

/** What the page shows next. */
export type Next =
  | { show: 'payment'; intent: CheckoutIntent }
  | { show: 'order'; orderId: string }
  | { show: 'changes'; lines: (PriceChange | Shortage)[] }
  | { show: 'field'; field: string; message: string }
  | { show: 'message'; message: string };

/** The shopper has filled in the form. */
export async function placeOrder(till: Till, form: CheckoutRequest): Promise<Next> {
  const answer = await till.checkout.createIntent(form);
  if (answer.ok) {
    const { clientSecret, orderId } = answer.value;
    return clientSecret ? { show: 'payment', intent: answer.value } : { show: 'order', orderId };
  }
  const { failure } = answer;
  switch (failure.code) {
    case 'checkout.priceChanged':
      return { show: 'changes', lines: failure.details.lines };
    case 'checkout.stockChanged':
      return { show: 'changes', lines: failure.details?.lines ?? [] };
    case 'checkout.addressInvalid':
      return { show: 'field', field: failure.details.field, message: failure.message };
    case 'request.conflict':
      if (failure.details) return { show: 'order', orderId: failure.details.orderId };
      break;
  }
  return { show: 'message', message: failure.message };
}
