import { assert, check, days, eventsAbout, pay, refusal, stripe } from './support.mjs';

async function disputed(method) {
  const paid = await pay(method);
  const { data } = await stripe.disputes.list({ payment_intent: paid.id });
  assert.equal(data.length, 1);
  return [paid, data[0]];
}

const answer = (dispute, text) =>
  stripe.disputes.update(dispute.id, { evidence: { uncategorized_text: text }, submit: true });

await check('a test card opens a dispute and the money is gone', async () => {
  const [paid, dispute] = await disputed('pm_card_createDispute');
  assert.deepEqual([dispute.status, dispute.reason], ['needs_response', 'fraudulent']);
  assert.equal(dispute.charge, paid.latest_charge);
  assert.equal((await stripe.charges.retrieve(paid.latest_charge)).disputed, true);
  const events = await eventsAbout(dispute.id);
  assert.equal(events[0], 'charge.dispute.created');
  assert.ok(events.includes('charge.dispute.funds_withdrawn'));
  const error = await refusal(stripe.refunds.create({ payment_intent: paid.id }));
  assert.equal(error.code, 'charge_disputed');
});

await check('winning evidence wins it', async () => {
  const [, dispute] = await disputed('pm_card_createDisputeProductNotReceived');
  assert.equal(dispute.reason, 'product_not_received');
  await answer(dispute, 'winning_evidence');
  await days(1);
  assert.equal((await stripe.disputes.retrieve(dispute.id)).status, 'won');
  const events = await eventsAbout(dispute.id);
  assert.ok(events.includes('charge.dispute.funds_reinstated'));
  assert.ok(events.includes('charge.dispute.closed'));
});

await check('losing evidence loses it', async () => {
  const [, dispute] = await disputed('pm_card_createDispute');
  await answer(dispute, 'losing_evidence');
  await days(1);
  assert.equal((await stripe.disputes.retrieve(dispute.id)).status, 'lost');
});

await check('a shop can accept it', async () => {
  const [, dispute] = await disputed('pm_card_createDispute');
  assert.equal((await stripe.disputes.close(dispute.id)).status, 'lost');
  assert.ok((await eventsAbout(dispute.id)).includes('charge.dispute.closed'));
});

await check('an inquiry takes no money and can be answered by a refund', async () => {
  const [paid, dispute] = await disputed('pm_card_createDisputeInquiry');
  assert.equal(dispute.status, 'warning_needs_response');
  assert.equal(dispute.is_charge_refundable, true);
  assert.equal((await stripe.refunds.create({ payment_intent: paid.id })).status, 'succeeded');
});

await check('one charge can have several, and an issuer can warn before', async () => {
  const paid = await pay('pm_card_createMultipleDisputes');
  const { data } = await stripe.disputes.list({ charge: paid.latest_charge });
  assert.ok(data.length > 1);
  const warned = await pay('pm_card_createIssuerFraudRecord');
  const warnings = await stripe.radar.earlyFraudWarnings.list({ charge: warned.latest_charge });
  assert.equal(warnings.data.length, 1);
  assert.equal(warnings.data[0].actionable, true);
});
