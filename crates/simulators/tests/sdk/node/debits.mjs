import { assert, check, control, pay, stripe } from './support.mjs';

await check('a SEPA debit is processing until the bank pays', async () => {
  const { id, status } = await pay('pm_sepaDebit_success_de');
  assert.equal(status, 'processing');
  await control(`/_sim/payment_intents/${id}/settle`, { outcome: 'succeeded' });
  const paid = await stripe.paymentIntents.retrieve(id, { expand: ['latest_charge'] });
  assert.equal(paid.status, 'succeeded');
  assert.equal(paid.latest_charge.payment_method_details.sepa_debit.last4, '3000');
});

await check('a SEPA debit that the bank refuses leaves the intent open', async () => {
  const { id } = await pay('pm_sepaDebit_failed_de');
  await control('/_sim/clock/advance', { seconds: 3600 });
  const failed = await stripe.paymentIntents.retrieve(id);
  assert.equal(failed.status, 'requires_payment_method');
  assert.notEqual(failed.last_payment_error, null);
});
