import { fireEvent, render, screen, waitFor } from '@testing-library/react';
import { expect, it } from 'vitest';
import { CheckoutPage } from '../examples/checkout-page.js';
import { openShop } from './shop.js';

it('the page of the README leads from the cart to a paid order', async () => {
  const shop = await openShop({ withSession: false });
  render(<CheckoutPage publishableKey={shop.key} />);
  await screen.findByText('€12.00');
  const typed = {
    email: 'ada@example.org',
    firstName: 'Ada',
    lastName: 'Beispiel',
    line1: 'Hauptstr. 1',
    postcode: '10115',
    city: 'Berlin',
  };
  for (const [name, value] of Object.entries(typed)) {
    fireEvent.change(screen.getByPlaceholderText(name), { target: { value } });
  }
  fireEvent.click(screen.getByRole('button'));
  const pay = await screen.findByText('Pay €16.90');
  await waitFor(() => expect((pay as HTMLButtonElement).disabled).toBe(false));
  fireEvent.click(pay);
  await screen.findByText(/^Thank you\. Your order is .+\.$/);
  expect(shop.count('POST /current/pay')).toBe(1);
});
